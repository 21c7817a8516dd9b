package kernel

import (
	"strings"

	"praetor/catalog"
)

// ConsulService is the name, and the ID, of the service that servers are.
const ConsulService = "consul"

// NodeKey is a node's identity: its name in any case.
func NodeKey(name string) string { return strings.ToLower(name) }

// ServiceKey is an instance's identity on its node: its ID in any case.
func ServiceKey(id string) string { return strings.ToLower(id) }

// NodeNamed finds a node by its name alone, where the catalog takes IDs too.
func NodeNamed(tx *catalog.Tx, name string) (*catalog.Node, []*catalog.Service) {
	_, found := tx.NodeServices(nil, name)
	if found == nil || !strings.EqualFold(found.Node.Node, name) {
		return nil, nil
	}
	return found.Node, found.Services
}

// ServiceWithID finds an instance by its ID, nil if there is none.
func ServiceWithID(services []*catalog.Service, id string) *catalog.Service {
	for _, svc := range services {
		if ServiceKey(svc.ID) == ServiceKey(id) {
			return svc
		}
	}
	return nil
}

// ServiceOf is the service whose check c is, "" for one of its node. What else a node's check
// calls its service gives nobody a right.
func ServiceOf(c *catalog.Check) string {
	if c.ServiceID == "" {
		return ""
	}
	return c.ServiceName
}

// CheckWithID finds a check of a node, nil if there is none.
func CheckWithID(tx *catalog.Tx, node, id string) *catalog.Check {
	_, checks := tx.NodeChecks(nil, node)
	for _, c := range checks {
		if c.CheckID == id {
			return c
		}
	}
	return nil
}
