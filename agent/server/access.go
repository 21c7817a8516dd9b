package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
)

// caller is who made a request, as far as its token tells.
type caller struct {
	acl.Authorizer
	anonymous bool
}

// access resolves a token.
func (s *Server) access(token string) (caller, error) {
	az, err := s.opts.ACL.Resolve(token)
	return caller{az, token == ""}, err
}

// unlimited tells that nothing is hidden from the caller, so that lists need
// not be looked through.
func (c caller) unlimited() bool {
	_, all := c.Authorizer.(acl.AllowAll)
	return all
}

// managesAccess tells whether the caller may see and change tokens: operator:write
// stands for acl:write as long as there are no access rules.
func (c caller) managesAccess() bool { return c.OperatorWrite() }

// accessor is what an Authorizer may add: the public name of its token.
type accessor interface{ AccessorID() string }

// denied is the refusal of reference/http-api.md §2.3. name is "" for
// permissions that hold everywhere.
func (c caller) denied(permission, name string) error {
	on := ""
	if name != "" {
		on = fmt.Sprintf(" on %q", name)
	}
	if c.anonymous {
		return fault.New(fault.Denied, "Permission denied: anonymous token lacks permission '%s'%s. "+
			"The anonymous token is used implicitly when a request does not specify a token.", permission, on)
	}
	with := ""
	if a, ok := c.Authorizer.(accessor); ok {
		with = " with AccessorID '" + a.AccessorID() + "'"
	}
	return fault.New(fault.Denied, "Permission denied: token%s lacks permission '%s'%s", with, permission, on)
}

// mayReadInstance tells whether the caller sees an instance: both rights are
// needed (reference/http-catalog-health.md §3).
func (c caller) mayReadInstance(n *catalog.Node, svc *catalog.Service) bool {
	return c.NodeRead(n.Node) && c.ServiceRead(svc.Service)
}

func (c caller) mayReadCheck(check *catalog.Check) bool {
	return c.NodeRead(check.Node) && (check.ServiceName == "" || c.ServiceRead(check.ServiceName))
}

// mayRegister asks for node:write where the node or its own checks change, and
// for service:write on every service that the registration touches
// (reference/http-catalog-health.md §2.1).
func (c caller) mayRegister(tx *catalog.Tx, reg *catalog.Register) error {
	if c.unlimited() {
		return nil
	}
	node, services := nodeNamed(tx, reg.Node)
	ownCheck := slices.ContainsFunc(reg.Checks, func(c *catalog.Check) bool { return c.ServiceID == "" })
	if (ownCheck || changesNode(node, reg)) && !c.NodeWrite(reg.Node) {
		return c.denied("node:write", reg.Node)
	}
	touched := func(id string) error {
		if old := serviceWithID(services, id); old != nil && !c.ServiceWrite(old.Service) {
			return c.denied("service:write", old.Service)
		}
		return nil
	}
	if svc := reg.Service; svc != nil {
		if !c.ServiceWrite(svc.Service) {
			return c.denied("service:write", svc.Service)
		}
		if err := touched(svc.ID); err != nil { // one of another name may be there
			return err
		}
	}
	for _, check := range reg.Checks {
		if err := touched(check.ServiceID); err != nil {
			return err
		}
	}
	return nil
}

// mayDeregister asks for node:write, or for service:write where just a service
// or a check of it goes (reference/http-catalog-health.md §2.2).
func (c caller) mayDeregister(tx *catalog.Tx, d *catalog.Deregister) error {
	switch {
	case d == nil || d.Node == "":
		return fault.New(fault.Rejected, "Must provide node")
	case c.NodeWrite(d.Node):
		return nil
	}
	_, services := nodeNamed(tx, d.Node)
	switch {
	case d.ServiceID != "":
		svc := serviceWithID(services, d.ServiceID)
		if svc == nil {
			return fault.New(fault.Rejected, "Unknown service ID '%s'", d.ServiceID)
		}
		if !c.ServiceWrite(svc.Service) {
			return c.denied("service:write", svc.Service)
		}
		return nil
	case d.CheckID != "":
		check := checkWithID(tx, d.Node, d.CheckID)
		if check == nil {
			return fault.New(fault.Rejected, "Unknown check ID '%s'", d.CheckID)
		}
		if check.ServiceID != "" {
			if !c.ServiceWrite(check.ServiceName) {
				return c.denied("service:write", check.ServiceName)
			}
			return nil
		}
	}
	return c.denied("node:write", d.Node)
}

// nodeNamed finds a node by its name alone, where the catalog takes IDs too.
func nodeNamed(tx *catalog.Tx, name string) (*catalog.Node, []*catalog.Service) {
	_, found := tx.NodeServices(nil, name)
	if found == nil || !strings.EqualFold(found.Node.Node, name) {
		return nil, nil
	}
	return found.Node, found.Services
}

func changesNode(node *catalog.Node, reg *catalog.Register) bool {
	switch {
	case node == nil:
		return true
	case reg.SkipNodeUpdate:
		return false
	}
	return node.Node != reg.Node || node.ID != reg.ID || node.Address != reg.Address ||
		!maps.Equal(node.TaggedAddresses, reg.TaggedAddresses) || !maps.Equal(node.Meta, reg.NodeMeta) ||
		!sameLocality(node.Locality, reg.Locality)
}

func sameLocality(a, b *catalog.Locality) bool { return a == b || a != nil && b != nil && *a == *b }

func serviceWithID(services []*catalog.Service, id string) *catalog.Service {
	for _, svc := range services {
		if svc.ID == id {
			return svc
		}
	}
	return nil
}

func checkWithID(tx *catalog.Tx, node, id string) *catalog.Check {
	_, checks := tx.NodeChecks(nil, node)
	for _, c := range checks {
		if c.CheckID == id {
			return c
		}
	}
	return nil
}
