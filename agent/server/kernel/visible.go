package kernel

import (
	"slices"

	"praetor/catalog"
	"praetor/internal/acl"
)

// MayReadInstance tells whether the caller sees an instance: both rights are
// needed (reference/http-catalog-health.md §3).
func MayReadInstance(c *acl.Authorizer, n *catalog.Node, svc *catalog.Service) bool {
	return c.Allows(acl.Node.Read(n.Node)) && c.Allows(acl.Service.Read(svc.Service))
}

// MayReadCheck reports whether the caller sees a check.
func MayReadCheck(c *acl.Authorizer, check *catalog.Check) bool {
	return c.Allows(acl.Node.Read(check.Node)) && (check.ServiceName == "" || c.Allows(acl.Service.Read(check.ServiceName)))
}

// ReadableInstances leaves out what a token may not see. A token that may see
// all gets the very slice it was given: front doors know it by its address.
func ReadableInstances(az *acl.Authorizer, all []*catalog.InstanceHealth) ([]*catalog.InstanceHealth, bool) {
	hidden := func(i *catalog.InstanceHealth) bool { return !MayReadInstance(az, i.Node, i.Service) }
	if az.Unrestricted() || !slices.ContainsFunc(all, hidden) {
		return all, false
	}
	return slices.DeleteFunc(slices.Clone(all), hidden), true
}
