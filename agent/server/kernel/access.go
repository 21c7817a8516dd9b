package kernel

import (
	"maps"
	"slices"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
)

// MayRegister asks for node:write where the node or its own checks change, and
// for service:write on every service that the registration touches
// (reference/http-catalog-health.md §2.1).
func MayRegister(c *acl.Authorizer, tx *catalog.Tx, reg *catalog.Register) error {
	if c.Unrestricted() {
		return nil
	}
	node, services := NodeNamed(tx, reg.Node)
	ownCheck := slices.ContainsFunc(reg.Checks, func(c *catalog.Check) bool { return c.ServiceID == "" })
	if ownCheck || changesNode(node, reg) {
		if err := c.Check(acl.Node.Write(reg.Node)); err != nil {
			return err
		}
	}
	touched := func(id string) error {
		if old := ServiceWithID(services, id); old != nil {
			return c.Check(acl.Service.Write(old.Service))
		}
		return nil
	}
	if svc := reg.Service; svc != nil {
		if err := c.Check(acl.Service.Write(svc.Service)); err != nil {
			return err
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

// MayDeregister asks for node:write, or for service:write where just a service
// or a check of it goes (reference/http-catalog-health.md §2.2).
func MayDeregister(c *acl.Authorizer, tx *catalog.Tx, d *catalog.Deregister) error {
	switch {
	case d == nil || d.Node == "":
		return fault.New(fault.Rejected, "Must provide node")
	case c.Allows(acl.Node.Write(d.Node)):
		return nil
	}
	_, services := NodeNamed(tx, d.Node)
	switch {
	case d.ServiceID != "":
		svc := ServiceWithID(services, d.ServiceID)
		if svc == nil {
			return fault.New(fault.Rejected, "Unknown service ID '%s'", d.ServiceID)
		}
		return c.Check(acl.Service.Write(svc.Service))
	case d.CheckID != "":
		check := CheckWithID(tx, d.Node, d.CheckID)
		if check == nil {
			return fault.New(fault.Rejected, "Unknown check ID '%s'", d.CheckID)
		}
		if check.ServiceID != "" {
			return c.Check(acl.Service.Write(check.ServiceName))
		}
	}
	return c.Check(acl.Node.Write(d.Node))
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
		!node.Locality.Equal(reg.Locality)
}
