package wire

import (
	"praetor/catalog"
	"praetor/internal/ops"
)

// AppendUINodeHead appends the members that every list of nodes begins with, and
// leaves the object open.
func AppendUINodeHead(b []byte, n *catalog.Node) []byte {
	b = AppendText(b, `{"ID":`, n.ID)
	b = AppendText(b, `,"Node":`, n.Node)
	return AppendText(b, `,"Address":`, n.Address)
}

// AppendSummary appends a service with numbers of its checks.
func AppendSummary(b []byte, s *catalog.ServiceSummary) []byte {
	return append(appendConnected(appendSummaryOpen(b, s), s), '}')
}

// AppendSummaryHealth appends a summary with its instances by their worst check.
func AppendSummaryHealth(b []byte, s *catalog.ServiceSummary) []byte {
	return append(AppendTally(appendConnected(appendSummaryOpen(b, s), s), `,"Instances`, s.Health), '}')
}

func appendConnected(b []byte, s *catalog.ServiceSummary) []byte {
	return append(AppendBool(b, `,"ConnectedWithProxy":`, s.ConnectedWithProxy), `,"ConnectedWithGateway":false`...)
}

func appendSummaryOpen(b []byte, s *catalog.ServiceSummary) []byte {
	b = append(b, '{')
	if s.Kind != "" {
		b = append(AppendText(b, `"Kind":`, s.Kind), ',')
	}
	b = AppendText(b, `"Name":`, s.Name)
	b = AppendText(b, `,"Datacenter":`, s.Datacenter)
	b = AppendNullableStrings(append(b, `,"Tags":`...), s.Tags)
	b = AppendNullableStrings(append(b, `,"Nodes":`...), s.Nodes)
	b = AppendNullableStrings(append(b, `,"ExternalSources":`...), s.ExternalSources)
	b = AppendInt(b, `,"InstanceCount":`, int64(s.Instances))
	b = AppendTally(b, `,"Checks`, s.Checks)
	b = AppendBool(b, `,"GatewayConfig":{},"TransparentProxy":`, s.TransparentProxy)
	b = AppendBool(b, `,"ConnectNative":`, s.ConnectNative)
	return b
}

// AppendTopology appends a service's neighbours in the mesh.
func AppendTopology(b []byte, t *ops.UITopologyReply) []byte {
	b = AppendText(b, `{"Protocol":`, t.Protocol)
	b = AppendBool(b, `,"TransparentProxy":`, t.TransparentProxy)
	b = AppendList(append(b, `,"Upstreams":`...), t.Upstreams, appendNeighbour)
	b = AppendList(append(b, `,"Downstreams":`...), t.Downstreams, appendNeighbour)
	return append(AppendBool(b, `,"FilteredByACLs":`, t.Filtered), '}')
}

func appendNeighbour(b []byte, n ops.Neighbour) []byte {
	b = AppendText(appendSummaryOpen(b, n.Service), `,"Source":`, n.Source)
	b = AppendBool(b, `,"Intention":{"Allowed":`, n.Allowed)
	b = AppendBool(b, `,"HasPermissions":`, n.HasPermissions)
	b = AppendText(b, `,"ExternalSource":`, n.ExternalSource)
	b = AppendBool(b, `,"HasExact":`, n.HasExact)
	return append(AppendBool(b, `,"DefaultAllow":`, n.DefaultAllow), '}', '}')
}

// AppendTally appends three members whose names begin with key.
func AppendTally(b []byte, key string, t catalog.Tally) []byte {
	b = AppendInt(append(b, key...), `Passing":`, int64(t.Passing))
	b = AppendInt(append(b, key...), `Warning":`, int64(t.Warning))
	return AppendInt(append(b, key...), `Critical":`, int64(t.Critical))
}

// AppendOverview appends all lists as null while there is none.
func AppendOverview(b []byte, o *catalog.Overview) []byte {
	if o == nil {
		return append(b, `{"Nodes":null,"Services":null,"Checks":null}`...)
	}
	b = appendNameTally(append(b, `{"Nodes":[`...), catalog.NameTally{Tally: o.Nodes})
	b = AppendList(append(b, `],"Services":`...), o.Services, appendNameTally)
	b = AppendList(append(b, `,"Checks":`...), o.Checks, appendNameTally)
	return append(b, '}')
}

func appendNameTally(b []byte, t catalog.NameTally) []byte {
	b = AppendInt(b, `{"Total":`, int64(t.Tally.Total()))
	b = AppendTally(b, `,"`, t.Tally)
	return append(appendGivenText(b, `,"Name":`, t.Name), '}')
}
