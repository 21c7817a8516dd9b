package wire

import (
	"praetor/catalog"
	"praetor/internal/ops"
)

// AppendQuery appends a prepared query; what is absent is null.
func AppendQuery(b []byte, q *catalog.Query) []byte {
	b = AppendText(b, `{"ID":`, q.ID)
	b = AppendText(b, `,"Name":`, q.Name)
	b = AppendText(b, `,"Session":`, q.Session)
	b = AppendText(b, `,"Token":`, q.Token)
	b = AppendText(b, `,"Template":{"Type":`, q.Template.Type)
	b = AppendText(b, `,"Regexp":`, q.Template.Regexp)
	b = AppendBool(b, `,"RemoveEmptyTags":`, q.Template.RemoveEmptyTags)
	b = appendQueryService(append(b, `},"Service":`...), &q.Service)
	b = AppendText(b, `,"DNS":{"TTL":`, q.DNSTTL)
	b = AppendUint(b, `},"CreateIndex":`, q.CreateIndex)
	return append(AppendUint(b, `,"ModifyIndex":`, q.ModifyIndex), '}')
}

func appendQueryService(b []byte, s *catalog.QueryService) []byte {
	b = AppendText(b, `{"Service":`, s.Service)
	b = AppendText(b, `,"SamenessGroup":`, s.SamenessGroup)
	b = AppendInt(b, `,"Failover":{"NearestN":`, int64(s.Failover.NearestN))
	b = AppendNullableStrings(append(b, `,"Datacenters":`...), s.Failover.Datacenters)
	b = appendNullableList(append(b, `,"Targets":`...), s.Failover.Targets, func(b []byte, t catalog.QueryTarget) []byte {
		b = AppendText(b, `{"Peer":`, t.Peer)
		return append(AppendText(b, `,"Datacenter":`, t.Datacenter), '}')
	})
	b = AppendBool(b, `},"OnlyPassing":`, s.OnlyPassing)
	b = AppendNullableStrings(append(b, `,"IgnoreCheckIDs":`...), s.IgnoreCheckIDs)
	b = AppendText(b, `,"Near":`, s.Near)
	b = AppendNullableStrings(append(b, `,"Tags":`...), s.Tags)
	b = appendNullableMap(append(b, `,"NodeMeta":`...), s.NodeMeta)
	b = appendNullableMap(append(b, `,"ServiceMeta":`...), s.ServiceMeta)
	b = AppendBool(b, `,"Connect":`, s.Connect)
	return append(AppendText(b, `,"Peer":`, s.Peer), '}')
}

// appendNullableMap appends a map; nil is null.
func appendNullableMap(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	return AppendStringMap(b, m, "{}")
}

// AppendExecuted appends what a query found, and leaves the object open.
func AppendExecuted(b []byte, rep *ops.QueryExecuteReply) []byte {
	b = AppendText(b, `{"Service":`, rep.Service)
	b = AppendList(append(b, `,"Nodes":`...), rep.Instances, appendFound)
	b = AppendText(b, `,"DNS":{"TTL":`, rep.DNSTTL)
	b = AppendText(b, `},"Datacenter":`, rep.Datacenter)
	b = AppendText(b, `,"PeerName":`, rep.PeerName)
	return AppendInt(b, `,"Failovers":`, int64(rep.Failovers))
}

// appendFound shows absent tags and checks as such, where health/service has
// empty lists.
func appendFound(b []byte, i *catalog.InstanceHealth) []byte {
	b = AppendNode(append(b, `{"Node":`...), i.Node)
	b = AppendNodeServiceWith(append(b, `,"Service":`...), i.Service, AppendNullableStrings)
	b = append(b, `,"Checks":`...)
	if len(i.Checks) == 0 {
		return append(b, "null}"...)
	}
	b = AppendList(b, i.Checks, func(b []byte, c *catalog.Check) []byte { return AppendCheckWith(b, c, AppendNullableStrings) })
	return append(b, '}')
}

// Query is a prepared query as clients send it
// (reference/http-kv-session-txn.md §5).
type Query struct {
	ID       string
	Name     string
	Session  string
	Token    string
	Template catalog.QueryTemplate
	Service  queryServiceBody
	DNS      struct{ TTL string }

	CreateIndex uint64 // clients send back what they read
	ModifyIndex uint64 // "
}

type queryServiceBody struct {
	Service        string
	SamenessGroup  string
	Failover       queryFailoverBody
	OnlyPassing    bool
	IgnoreCheckIDs []string
	Near           string
	Tags           []string
	NodeMeta       map[string]string
	ServiceMeta    map[string]string
	Connect        bool
	Peer           string
	Namespace      string // accepted and ignored
	Partition      string // "
}

type queryFailoverBody struct {
	NearestN    int
	Datacenters []string
	Targets     []struct {
		Peer          string
		Datacenter    string
		Namespace     string // accepted and ignored
		Partition     string // "
		SamenessGroup string // "
	}
}

// Row is the query as the catalog holds it.
func (b *Query) Row() catalog.Query {
	s := &b.Service
	q := catalog.Query{
		ID: b.ID, Name: b.Name, Session: b.Session, Token: b.Token, Template: b.Template, DNSTTL: b.DNS.TTL,
		Service: catalog.QueryService{
			Service: s.Service, SamenessGroup: s.SamenessGroup, OnlyPassing: s.OnlyPassing, IgnoreCheckIDs: s.IgnoreCheckIDs,
			Near: s.Near, Tags: s.Tags, NodeMeta: s.NodeMeta, ServiceMeta: s.ServiceMeta, Connect: s.Connect, Peer: s.Peer,
			Failover: catalog.QueryFailover{NearestN: s.Failover.NearestN, Datacenters: s.Failover.Datacenters},
		},
	}
	for _, t := range s.Failover.Targets {
		q.Service.Failover.Targets = append(q.Service.Failover.Targets, catalog.QueryTarget{Peer: t.Peer, Datacenter: t.Datacenter})
	}
	return q
}
