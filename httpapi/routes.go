package httpapi

import "net/http"

// Route is one endpoint, for those who walk the list.
type Route struct {
	// Pattern is a path. One that ends in a slash stands for every longer path;
	// the rest is a name.
	Pattern string
	Methods []string
}

// Routes lists the endpoints that are served.
func Routes() []Route {
	list := make([]Route, len(routes))
	for i, r := range routes {
		list[i] = Route{r.pattern, r.methods}
	}
	return list
}

type route struct {
	pattern string
	methods []string
	serve   func(*exchange) error
	traits  traits
}

// traits are what endpoints do differently.
type traits uint16

const (
	// effective shows X-Consul-Effective-Consistency.
	effective traits = 1 << iota
	// metaAlways shows meta headers though the read failed.
	metaAlways
	// discovery follows Options.DiscoveryMaxStale.
	discovery
	// anyTenancy ignores namespaces and partitions, anyNamespace the former.
	anyTenancy
	anyNamespace
	// viewed shares one upstream read among all who wait for the same answer.
	viewed
	// cacheable knows ?cached.
	cacheable
	// acting has names that end in an action, of which one knows ?cached.
	acting
	// streamed is what Consul's agents follow by stream, and says so.
	streamed
)

var (
	get   = []string{http.MethodGet}
	put   = []string{http.MethodPut}
	post  = []string{http.MethodPost}
	kvAll = []string{http.MethodGet, http.MethodPut, http.MethodDelete}
)

const (
	catalogRead = effective | metaAlways | discovery | viewed
	serviceRead = effective | discovery | viewed | cacheable | streamed
)

// routes is every endpoint (reference/http-api.md §1.1).
var routes = []route{
	{"/v1/agent/self", get, agentSelf, anyTenancy},
	{"/v1/agent/version", get, agentVersion, anyTenancy},
	{"/v1/agent/host", get, agentHost, anyTenancy},
	{"/v1/agent/metrics", get, agentMetrics, anyTenancy},
	{"/v1/agent/metrics/stream", get, agentMetricsStream, anyTenancy},
	{"/v1/agent/monitor", get, agentMonitor, anyTenancy},
	{"/v1/agent/token/", put, withACLs(agentToken), anyTenancy},
	{"/v1/agent/members", get, agentMembers, 0},
	{"/v1/agent/join/", put, agentJoin, 0},
	{"/v1/agent/leave", put, agentLeave, anyTenancy},
	{"/v1/agent/force-leave/", put, agentForceLeave, 0},
	{"/v1/agent/reload", put, agentReload, anyTenancy},
	{"/v1/agent/maintenance", put, agentMaintenance, anyTenancy},

	{"/v1/agent/services", get, agentServices, 0},
	{"/v1/agent/service/", get, agentService, 0},
	{"/v1/agent/service/register", put, agentServiceRegister, 0},
	{"/v1/agent/service/deregister/", put, agentServiceDeregister, 0},
	{"/v1/agent/service/maintenance/", put, agentServiceMaintenance, 0},
	{"/v1/agent/health/service/id/", get, agentHealthByID, 0},
	{"/v1/agent/health/service/name/", get, agentHealthByName, 0},

	{"/v1/agent/checks", get, agentChecks, 0},
	{"/v1/agent/check/register", put, agentCheckRegister, 0},
	{"/v1/agent/check/deregister/", put, agentCheckDeregister, 0},
	{"/v1/agent/check/pass/", put, agentCheckPass, 0},
	{"/v1/agent/check/warn/", put, agentCheckWarn, 0},
	{"/v1/agent/check/fail/", put, agentCheckFail, 0},
	{"/v1/agent/check/update/", put, agentCheckUpdate, 0},

	{"/v1/acl/bootstrap", put, withACLs(aclBootstrap), anyTenancy},
	{"/v1/acl/login", post, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/logout", post, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/replication", get, withACLs(aclReplication), anyTenancy},
	{"/v1/acl/policies", get, withACLs(aclPolicies), anyTenancy},
	{"/v1/acl/policy", put, withACLs(aclPolicyCreate), anyTenancy},
	{"/v1/acl/policy/", kvAll, withACLs(aclPolicy), anyTenancy},
	{"/v1/acl/policy/name/", get, withACLs(aclPolicyNamed), anyTenancy},
	{"/v1/acl/roles", get, withACLs(aclRoles), anyTenancy},
	{"/v1/acl/role", put, withACLs(aclRoleCreate), anyTenancy},
	{"/v1/acl/role/", kvAll, withACLs(aclRole), anyTenancy},
	{"/v1/acl/role/name/", get, withACLs(aclRoleNamed), anyTenancy},
	{"/v1/acl/tokens", get, withACLs(aclTokens), anyTenancy},
	{"/v1/acl/token", put, withACLs(aclTokenCreate), anyTenancy},
	{"/v1/acl/token/", kvAll, withACLs(aclToken), anyTenancy},
	{"/v1/acl/token/self", get, withACLs(aclTokenSelf), anyTenancy},
	{"/v1/acl/binding-rules", get, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/binding-rule", put, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/binding-rule/", kvAll, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/auth-methods", get, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/auth-method", put, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/auth-method/", kvAll, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/templated-policies", get, withACLs(aclTemplates), anyTenancy},
	{"/v1/acl/templated-policy/name/", get, withACLs(aclTemplate), anyTenancy},
	{"/v1/acl/templated-policy/preview/", post, withACLs(aclTemplatePreview), anyTenancy},
	{"/v1/internal/acl/authorize", post, withACLs(aclAuthorize), anyTenancy},

	{"/v1/catalog/register", put, catalogRegister, 0},
	{"/v1/catalog/deregister", put, catalogDeregister, 0},
	{"/v1/catalog/datacenters", get, catalogDatacenters, cacheable},
	{"/v1/catalog/nodes", get, catalogNodes, catalogRead | anyNamespace},
	{"/v1/catalog/services", get, catalogServices, catalogRead | cacheable},
	{"/v1/catalog/service/", get, catalogService, catalogRead | cacheable},
	{"/v1/catalog/connect/", get, catalogConnect, catalogRead | cacheable},
	{"/v1/catalog/gateway-services/", get, catalogGatewayServices, catalogRead},
	{"/v1/catalog/node/", get, catalogNode, catalogRead},
	{"/v1/catalog/node-services/", get, catalogNodeServices, catalogRead},

	{"/v1/health/node/", get, healthNode, catalogRead},
	{"/v1/health/checks/", get, healthChecks, catalogRead},
	{"/v1/health/state/", get, healthState, catalogRead},
	{"/v1/health/service/", get, healthService, serviceRead},
	{"/v1/health/connect/", get, healthConnect, serviceRead},
	{"/v1/health/ingress/", get, healthIngress, catalogRead},

	{"/v1/operator/raft/configuration", get, operatorRaft, anyTenancy},
	{"/v1/operator/raft/peer", []string{http.MethodDelete}, operatorRemovePeer, anyTenancy},
	{"/v1/operator/raft/transfer-leader", post, operatorTransferLeader, anyNamespace},
	{"/v1/operator/autopilot/configuration", []string{http.MethodGet, http.MethodPut}, operatorAutopilot, anyTenancy},
	{"/v1/operator/autopilot/health", get, operatorHealth, anyTenancy},
	{"/v1/operator/autopilot/state", get, operatorState, anyTenancy},
	{"/v1/operator/keyring", []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}, operatorKeyring, anyTenancy},
	{"/v1/operator/usage", get, operatorUsage, effective},

	{"/v1/coordinate/datacenters", get, located(coordinateDatacenters), anyTenancy},
	{"/v1/coordinate/nodes", get, located(coordinateNodes), metaAlways | anyNamespace | viewed},
	{"/v1/coordinate/node/", get, located(coordinateNode), metaAlways | anyNamespace | viewed},
	{"/v1/coordinate/update", put, located(coordinateUpdate), 0},

	{"/v1/event/fire/", put, eventFire, anyTenancy},
	{"/v1/event/list", get, eventList, anyTenancy},

	{"/v1/internal/ui/nodes", get, uiNodes, viewed},
	{"/v1/internal/ui/node/", get, uiNode, 0},
	{"/v1/internal/ui/services", get, uiServices, viewed},
	{"/v1/internal/ui/catalog-overview", get, uiOverview, 0},
	{"/v1/internal/ui/exported-services", get, uiExportedServices, 0},
	{"/v1/internal/ui/gateway-services-nodes/", get, uiGateway, 0},
	{"/v1/internal/ui/gateway-intentions/", get, uiGateway, 0},
	{"/v1/internal/ui/service-topology/", get, uiTopology, 0},
	{"/v1/internal/ui/metrics-proxy/", get, uiMetricsProxy, 0},

	{"/v1/snapshot", []string{http.MethodGet, http.MethodPut}, snapshot, anyTenancy},

	{"/v1/status/leader", get, statusLeader, anyTenancy},
	{"/v1/status/peers", get, statusPeers, anyTenancy},

	{"/v1/kv/", kvAll, kv, viewed},

	{"/v1/query", []string{http.MethodGet, http.MethodPost}, queries, anyTenancy | viewed},
	{"/v1/query/", kvAll, query, anyTenancy | viewed | cacheable | acting},

	{"/v1/config", put, configWrite, anyTenancy},
	{"/v1/config/", []string{http.MethodGet, http.MethodDelete}, config, anyTenancy | viewed},
	{"/v1/exported-services", get, exportedServices, anyTenancy | viewed},

	{"/v1/txn", put, txn, anyTenancy},

	{"/v1/session/create", put, sessionCreate, 0},
	{"/v1/session/destroy/", put, sessionDestroy, 0},
	{"/v1/session/renew/", put, sessionRenew, 0},
	{"/v1/session/info/", get, sessionInfo, metaAlways},
	{"/v1/session/node/", get, sessionNode, metaAlways},
	{"/v1/session/list", get, sessionList, metaAlways},
}
