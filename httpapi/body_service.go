package httpapi

import (
	"praetor/catalog"
	"praetor/internal/definition"
)

// registerBody is what registers in the catalog (reference/http-catalog-health.md §2.1).
// Rows are as clients read them and send them back, but for members that read
// otherwise than they are held.
type registerBody struct {
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
	Connect     *lenient[catalog.Connect]
	PeerName    string
	Datacenter  string
	ContentHash string
}

type (
	registerRow = catalog.Register
	serviceRow  = catalog.Service
)

func (r *registerBody) register() catalog.Register {
	reg := r.registerRow
	if r.Service != nil {
		reg.Service = r.Service.service()
	}
	for _, c := range append([]*checkBody{r.Check}, r.Checks...) {
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
	return &svc
}

// deregisterBody is what removes from the catalog.
type deregisterBody struct {
	Datacenter string
	Node       string
	Address    string // accepted and ignored
	ServiceID  string
	CheckID    string
	PeerName   string // accepted and ignored
}
