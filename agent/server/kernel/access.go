package kernel

import (
	"maps"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/mesh"
)

// MayRegister asks for service:write on every service that the registration touches,
// and for node:write where the node or checks of its own change: on what is there as
// well as on what is to be, so that nobody takes over another's service, check or node
// (reference/security.md §4.1, §12).
func MayRegister(c *acl.Authorizer, tx *catalog.Tx, reg *catalog.Register) error {
	if c.Unrestricted() {
		return nil
	}
	node, services := NodeNamed(tx, reg.Node)
	if err := mayRegisterService(c, services, reg.Service); err != nil {
		return err
	}
	if changesNode(node, reg) {
		if err := mayChangeNode(c, tx, reg); err != nil {
			return err
		}
	}
	for _, check := range reg.Checks {
		if err := mayRegisterCheck(c, tx, reg, services, check); err != nil {
			return err
		}
	}
	return nil
}

func mayRegisterService(c *acl.Authorizer, services []*catalog.Service, svc *catalog.Service) error {
	if svc == nil {
		return nil
	}
	if err := c.Check(acl.Service.Write(svc.Service)); err != nil {
		return err
	}
	if old := ServiceWithID(services, svc.ID); old != nil && !c.Allows(acl.Service.Write(old.Service)) {
		return acl.ErrDenied // of another name
	}
	if svc.Kind == mesh.KindProxy && svc.Proxy != nil {
		return c.Check(acl.Service.Write(svc.Proxy.DestinationServiceName))
	}
	return nil
}

// mayChangeNode asks for the node that is to be, and for the one that has its ID now.
func mayChangeNode(c *acl.Authorizer, tx *catalog.Tx, reg *catalog.Register) error {
	if err := c.Check(acl.Node.Write(reg.Node)); err != nil {
		return err
	}
	if reg.ID == "" {
		return nil
	}
	if _, old := tx.Node(nil, reg.ID); old != nil {
		return c.Check(acl.Node.Write(old.Node))
	}
	return nil
}

// mayRegisterCheck asks for the owner that a check is to have, and for the one that it
// has: a service, or the node itself.
func mayRegisterCheck(c *acl.Authorizer, tx *catalog.Tx, reg *catalog.Register, services []*catalog.Service, check *catalog.Check) error {
	owner := ""
	if svc := reg.Service; svc != nil && ServiceKey(svc.ID) == ServiceKey(check.ServiceID) {
		owner = svc.Service
	} else if old := ServiceWithID(services, check.ServiceID); old != nil {
		owner = old.Service
	}
	if err := mayWriteCheckOf(c, reg.Node, owner); err != nil {
		return err
	}
	if old := CheckWithID(tx, reg.Node, check.CheckID); old != nil {
		return mayWriteCheckOf(c, reg.Node, ServiceOf(old))
	}
	return nil
}

// mayWriteCheckOf asks for the right on a service, or on a node for its own checks.
func mayWriteCheckOf(c *acl.Authorizer, node, service string) error {
	if service == "" {
		return c.Check(acl.Node.Write(node))
	}
	return c.Check(acl.Service.Write(service))
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
