package wire

import (
	"praetor/catalog"
	"praetor/internal/definition"
)

// Register is what registers in the catalog (reference/http-catalog-health.md §2.1).
// Rows are as clients read them and send them back, but for members that read
// otherwise than they are held.
type Register struct {
	registerRow
	Service  *nodeServiceBody
	Check    *checkBody
	Checks   []*checkBody
	PeerName string
}

type nodeServiceBody struct {
	serviceRow
	Node        string `http:"-"` // the registration's
	Proxy       *definition.Proxy
	Connect     *Lenient[catalog.Connect]
	PeerName    string
	Datacenter  string
	ContentHash string
}

type (
	registerRow = catalog.Register
	serviceRow  = catalog.Service
)

// Row is the registration as the catalog takes it.
func (r *Register) Row() catalog.Register {
	reg := r.registerRow
	if r.Service != nil {
		reg.Service = r.Service.service()
	}
	for _, c := range append(r.Checks[:len(r.Checks):len(r.Checks)], r.Check) { // of two with one ID the last counts
		if c != nil {
			reg.Checks = append(reg.Checks, c.check())
		}
	}
	return reg
}

func (s *nodeServiceBody) service() *catalog.Service {
	svc := s.serviceRow
	svc.Proxy, svc.CreateIndex, svc.ModifyIndex = s.Proxy.Row(), 0, 0
	if s.Connect != nil && s.Connect.Value.Native {
		svc.Connect = &catalog.Connect{Native: true}
	}
	svc.FillPort()
	return &svc
}

// Deregister is what removes from the catalog.
type Deregister struct {
	Datacenter string
	Node       string
	Address    string // accepted and ignored
	ServiceID  string
	CheckID    string
	PeerName   string // accepted and ignored
}
