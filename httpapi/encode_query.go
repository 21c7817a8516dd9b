package httpapi

import (
	"praetor/catalog"
	"praetor/internal/ops"
)

// appendQuery appends a prepared query; what is absent is null.
func appendQuery(b []byte, q *catalog.Query) []byte {
	b = appendText(b, `{"ID":`, q.ID)
	b = appendText(b, `,"Name":`, q.Name)
	b = appendText(b, `,"Session":`, q.Session)
	b = appendText(b, `,"Token":`, q.Token)
	b = appendText(b, `,"Template":{"Type":`, q.Template.Type)
	b = appendText(b, `,"Regexp":`, q.Template.Regexp)
	b = appendBool(b, `,"RemoveEmptyTags":`, q.Template.RemoveEmptyTags)
	b = appendQueryService(append(b, `},"Service":`...), &q.Service)
	b = appendText(b, `,"DNS":{"TTL":`, q.DNSTTL)
	b = appendUint(b, `},"CreateIndex":`, q.CreateIndex)
	return append(appendUint(b, `,"ModifyIndex":`, q.ModifyIndex), '}')
}

func appendQueryService(b []byte, s *catalog.QueryService) []byte {
	b = appendText(b, `{"Service":`, s.Service)
	b = appendText(b, `,"SamenessGroup":`, s.SamenessGroup)
	b = appendInt(b, `,"Failover":{"NearestN":`, int64(s.Failover.NearestN))
	b = appendNullableStrings(append(b, `,"Datacenters":`...), s.Failover.Datacenters)
	b = appendNullableList(append(b, `,"Targets":`...), s.Failover.Targets, func(b []byte, t catalog.QueryTarget) []byte {
		b = appendText(b, `{"Peer":`, t.Peer)
		return append(appendText(b, `,"Datacenter":`, t.Datacenter), '}')
	})
	b = appendBool(b, `},"OnlyPassing":`, s.OnlyPassing)
	b = appendNullableStrings(append(b, `,"IgnoreCheckIDs":`...), s.IgnoreCheckIDs)
	b = appendText(b, `,"Near":`, s.Near)
	b = appendNullableStrings(append(b, `,"Tags":`...), s.Tags)
	b = appendNullableMap(append(b, `,"NodeMeta":`...), s.NodeMeta)
	b = appendNullableMap(append(b, `,"ServiceMeta":`...), s.ServiceMeta)
	b = appendBool(b, `,"Connect":`, s.Connect)
	return append(appendText(b, `,"Peer":`, s.Peer), '}')
}

// appendNullableMap appends a map; nil is null.
func appendNullableMap(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	return appendStringMap(b, m, "{}")
}

// appendExecuted appends what a query found, and leaves the object open.
func appendExecuted(b []byte, rep *ops.QueryExecuteReply) []byte {
	b = appendText(b, `{"Service":`, rep.Service)
	b = appendList(append(b, `,"Nodes":`...), rep.Instances, appendFound)
	b = appendText(b, `,"DNS":{"TTL":`, rep.DNSTTL)
	b = appendText(b, `},"Datacenter":`, rep.Datacenter)
	b = appendText(b, `,"PeerName":`, rep.PeerName)
	return appendInt(b, `,"Failovers":`, int64(rep.Failovers))
}

// appendFound shows absent tags and checks as such, where health/service has
// empty lists.
func appendFound(b []byte, i *catalog.InstanceHealth) []byte {
	b = appendNode(append(b, `{"Node":`...), i.Node)
	b = appendNodeServiceWith(append(b, `,"Service":`...), i.Service, appendNullableStrings)
	b = append(b, `,"Checks":`...)
	if len(i.Checks) == 0 {
		return append(b, "null}"...)
	}
	b = appendList(b, i.Checks, func(b []byte, c *catalog.Check) []byte { return appendCheckWith(b, c, appendNullableStrings) })
	return append(b, '}')
}
