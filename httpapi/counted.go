package httpapi

import "praetor/internal/telemetry"

// calls count the requests to an endpoint, under Consul's names for those of the
// catalog; for other endpoints they count nothing.
type calls struct{ asked, answered, failed *telemetry.Counter }

// callNames are the names of what is counted, by pattern.
var callNames = map[string]string{
	"/v1/catalog/register":          "catalog_register",
	"/v1/catalog/deregister":        "catalog_deregister",
	"/v1/catalog/datacenters":       "catalog_datacenters",
	"/v1/catalog/nodes":             "catalog_nodes",
	"/v1/catalog/services":          "catalog_services",
	"/v1/catalog/service/":          "catalog_service_nodes",
	"/v1/catalog/node/":             "catalog_node_services",
	"/v1/catalog/node-services/":    "catalog_node_services",
	"/v1/catalog/gateway-services/": "catalog_gateway_services",
}

func newCalls(m *telemetry.Metrics, pattern string) calls {
	name, ok := callNames[pattern]
	if !ok {
		return calls{}
	}
	failed := "client.rpc.error." + name
	if name == "catalog_service_nodes" { // the one that Consul names otherwise
		failed = "client.api.error." + name
	}
	return calls{m.Counter("client.api." + name), m.Counter("client.api.success." + name), m.Counter(failed)}
}

func (c *calls) count(err error) {
	c.asked.Incr()
	if err != nil {
		c.failed.Incr()
	} else {
		c.answered.Incr()
	}
}
