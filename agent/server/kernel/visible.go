package kernel

import (
	"praetor/catalog"
	"praetor/internal/acl"
)

// sight is how much of a row somebody sees.
type sight uint8

const (
	hidden sight = iota
	partly       // the caller is told that something is missing
	masked       // and is not: a secret stands out by itself
	whole
)

// Visibility says who sees what of the rows of one type. There is one for each
// type that lists show.
type Visibility[Row any] struct {
	rights string // in words
	see    func(*acl.Authorizer, Row) (Row, sight)
}

// VisibleIf is the Visibility of rows that are shown whole or not at all.
func VisibleIf[Row any](rights string, may func(*acl.Authorizer, Row) bool) Visibility[Row] {
	return Visibility[Row]{rights, func(az *acl.Authorizer, row Row) (Row, sight) {
		if may(az, row) {
			return row, whole
		}
		return row, hidden
	}}
}

// VisibleAs is the Visibility of rows that are shown, if at all, with secrets masked.
func VisibleAs[Row any](rights string, show func(*acl.Authorizer, Row) (shown Row, ok bool)) Visibility[Row] {
	return Visibility[Row]{rights, func(az *acl.Authorizer, row Row) (Row, sight) {
		if shown, ok := show(az, row); ok {
			return shown, masked
		}
		return row, hidden
	}}
}

// Rule is the rule of an operation whose rows are filtered so.
func (v Visibility[Row]) Rule() Rule { return FilteredBy(v.rights) }

// See returns what the caller sees of a row, false if nothing, and whether that is
// less than there is.
func (v Visibility[Row]) See(az *acl.Authorizer, row Row) (seen Row, ok, filtered bool) {
	if az.Unrestricted() {
		return row, true, false
	}
	seen, s := v.see(az, row)
	return seen, s != hidden, s < masked
}

// Show returns what the caller sees of some rows, and whether that is less than
// there is. The rows stay; who sees all of them gets the very slice that was
// given: front doors know it by its address.
func (v Visibility[Row]) Show(az *acl.Authorizer, rows []Row) (seen []Row, filtered bool) {
	if az.Unrestricted() {
		return rows, false
	}
	seen, least := make([]Row, 0, len(rows)), whole
	for _, row := range rows {
		one, s := v.see(az, row)
		least = min(least, s)
		if s != hidden {
			seen = append(seen, one)
		}
	}
	if least == whole {
		return rows, false
	}
	return seen, least < masked
}

// The visibilities (reference/security.md §4.1). Where a row is about a node and a
// service, both rights are needed.
var (
	Nodes = VisibleIf("node:read", func(az *acl.Authorizer, n *catalog.Node) bool { return az.Allows(acl.Node.Read(n.Node)) })
	// Services are those of a node that may be seen.
	Services = VisibleIf("service:read", func(az *acl.Authorizer, s *catalog.Service) bool {
		return az.Allows(acl.Service.Read(s.Service))
	})
	Instances = VisibleIf("node:read and service:read", func(az *acl.Authorizer, i *catalog.Instance) bool {
		return mayReadInstance(az, i.Node, i.Service)
	})
	Health = VisibleIf("node:read and service:read", func(az *acl.Authorizer, i *catalog.InstanceHealth) bool {
		return mayReadInstance(az, i.Node, i.Service)
	})
	Checks = VisibleIf("node:read, and service:read of a service's checks", func(az *acl.Authorizer, c *catalog.Check) bool {
		return az.Allows(acl.Node.Read(c.Node)) && (c.ServiceName == "" || az.Allows(acl.Service.Read(c.ServiceName)))
	})
	Details     = Visibility[*catalog.NodeDetail]{"node:read and service:read", seeDetail}
	Coordinates = VisibleIf("node:read", func(az *acl.Authorizer, c *catalog.Coordinate) bool { return az.Allows(acl.Node.Read(c.Node)) })
	Sessions    = VisibleIf("session:read", func(az *acl.Authorizer, s *catalog.Session) bool { return az.Allows(acl.Session.Read(s.Node)) })
	Keys        = VisibleIf("key:read", func(az *acl.Authorizer, key string) bool { return az.Allows(acl.Key.Read(key)) })
	Entries     = VisibleIf("key:read", func(az *acl.Authorizer, e *catalog.KVEntry) bool { return az.Allows(acl.Key.Read(e.Key)) })
	Results     = VisibleIf("the rights of what each result shows", seeResult)
)

func mayReadInstance(az *acl.Authorizer, n *catalog.Node, s *catalog.Service) bool {
	return az.Allows(acl.Node.Read(n.Node)) && az.Allows(acl.Service.Read(s.Service))
}

// seeDetail hides single services and checks of a node.
func seeDetail(az *acl.Authorizer, n *catalog.NodeDetail) (*catalog.NodeDetail, sight) {
	if !az.Allows(acl.Node.Read(n.Node.Node)) {
		return n, hidden
	}
	services, fewer := Services.Show(az, n.Services)
	checks, less := Checks.Show(az, n.Checks)
	if !fewer && !less {
		return n, whole
	}
	return &catalog.NodeDetail{Node: n.Node, Services: services, Checks: checks}, partly
}

func seeResult(az *acl.Authorizer, r catalog.TxnResult) bool {
	switch {
	case r.KV != nil:
		return az.Allows(acl.Key.Read(r.KV.Key))
	case r.Node != nil:
		return az.Allows(acl.Node.Read(r.Node.Node))
	case r.Service != nil:
		return az.Allows(acl.Node.Read(r.Service.Node)) && az.Allows(acl.Service.Read(r.Service.Service))
	}
	_, s := Checks.see(az, r.Check)
	return s == whole
}
