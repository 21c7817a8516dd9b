package httpapi

import "praetor/catalog"

// queryBody is a prepared query as clients send it
// (reference/http-kv-session-txn.md §5).
type queryBody struct {
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

func (b *queryBody) query() catalog.Query {
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
