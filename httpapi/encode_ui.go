package httpapi

import "praetor/catalog"

// appendUINode appends a node with all that is on it. Unlike elsewhere, tags
// that were not given are null here.
func (x *exchange) appendUINode(b []byte, d *catalog.NodeDetail) []byte {
	n := x.translateNode(d.Node)
	b = appendUINodeHead(b, n)
	b = appendStringMap(append(b, `,"TaggedAddresses":`...), n.TaggedAddresses, "null")
	b = appendStringMap(append(b, `,"Meta":`...), n.Meta, "null")
	b = appendList(append(b, `,"Services":`...), d.Services, func(b []byte, s *catalog.Service) []byte {
		return appendNodeServiceWith(b, x.translateService(s), appendNullableStrings)
	})
	b = appendList(append(b, `,"Checks":`...), d.Checks, func(b []byte, c *catalog.Check) []byte {
		return appendCheckWith(b, c, appendNullableStrings)
	})
	return append(b, '}')
}

func appendUINodeHead(b []byte, n *catalog.Node) []byte {
	b = appendText(b, `{"ID":`, n.ID)
	b = appendText(b, `,"Node":`, n.Node)
	return appendText(b, `,"Address":`, n.Address)
}

// appendUINodeHealth appends a node with numbers of what is on it. Status is
// that of its own checks.
func (x *exchange) appendUINodeHealth(b []byte, d *catalog.NodeDetail) []byte {
	var own, all catalog.Tally
	for _, c := range d.Checks {
		all.Add(c.Status, 1)
		if c.ServiceID == "" {
			own.Add(c.Status, 1)
		}
	}
	n := x.translateNode(d.Node)
	b = appendUINodeHead(b, n)
	b = appendStringMap(append(b, `,"Meta":`...), n.Meta, "null")
	b = appendText(b, `,"Status":`, own.Worst())
	b = appendInt(b, `,"ServiceCount":`, int64(len(d.Services)))
	return append(appendTally(b, `,"Checks`, all), '}')
}

func appendSummary(b []byte, s *catalog.ServiceSummary) []byte {
	return append(appendSummaryOpen(b, s), '}')
}

// appendSummaryHealth appends a summary with its instances by their worst check.
func appendSummaryHealth(b []byte, s *catalog.ServiceSummary) []byte {
	return append(appendTally(appendSummaryOpen(b, s), `,"Instances`, s.Health), '}')
}

func appendSummaryOpen(b []byte, s *catalog.ServiceSummary) []byte {
	b = append(b, '{')
	if s.Kind != "" {
		b = append(appendText(b, `"Kind":`, s.Kind), ',')
	}
	b = appendText(b, `"Name":`, s.Name)
	b = appendText(b, `,"Datacenter":`, s.Datacenter)
	b = appendNullableStrings(append(b, `,"Tags":`...), s.Tags)
	b = appendNullableStrings(append(b, `,"Nodes":`...), s.Nodes)
	b = appendNullableStrings(append(b, `,"ExternalSources":`...), s.ExternalSources)
	b = appendInt(b, `,"InstanceCount":`, int64(s.Instances))
	b = appendTally(b, `,"Checks`, s.Checks)
	b = appendBool(b, `,"GatewayConfig":{},"TransparentProxy":`, s.TransparentProxy)
	b = appendBool(b, `,"ConnectNative":`, s.ConnectNative)
	b = appendBool(b, `,"ConnectedWithProxy":`, s.ConnectedWithProxy)
	return append(b, `,"ConnectedWithGateway":false`...)
}

// appendTally appends three members whose names begin with key.
func appendTally(b []byte, key string, t catalog.Tally) []byte {
	b = appendInt(append(b, key...), `Passing":`, int64(t.Passing))
	b = appendInt(append(b, key...), `Warning":`, int64(t.Warning))
	return appendInt(append(b, key...), `Critical":`, int64(t.Critical))
}

// appendOverview appends all lists as null while there is none.
func appendOverview(b []byte, o *catalog.Overview) []byte {
	if o == nil {
		return append(b, `{"Nodes":null,"Services":null,"Checks":null}`...)
	}
	b = appendNameTally(append(b, `{"Nodes":[`...), catalog.NameTally{Tally: o.Nodes})
	b = appendList(append(b, `],"Services":`...), o.Services, appendNameTally)
	b = appendList(append(b, `,"Checks":`...), o.Checks, appendNameTally)
	return append(b, '}')
}

func appendNameTally(b []byte, t catalog.NameTally) []byte {
	b = appendInt(b, `{"Total":`, int64(t.Tally.Total()))
	b = appendTally(b, `,"`, t.Tally)
	return append(appendGivenText(b, `,"Name":`, t.Name), '}')
}
