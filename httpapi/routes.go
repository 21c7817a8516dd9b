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
	// bodyFirst reads the body before it looks at them.
	bodyFirst
	// viewed shares one upstream read among all who wait for the same answer.
	viewed
	// cacheable knows ?cached.
	cacheable
	// acting has names that end in an action, of which one knows ?cached.
	acting
	// streamed is what Consul's agents follow by stream, and says so.
	streamed
	// ownBody bounds the body of its own.
	ownBody
	// topical may be followed by ui/stream.
	topical
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
	queryRead   = effective | metaAlways | viewed | anyTenancy
)

// routes is every endpoint (reference/http-api.md §1.1).
var routes = []route{
	{"/v1/agent/self", get, agentSelf, anyTenancy},
	{"/v1/agent/version", get, agentVersion, anyTenancy},
	{"/v1/agent/host", get, agentHost, anyTenancy},
	{"/v1/agent/doctor", get, agentDoctor, anyTenancy},
	{"/v1/agent/metrics", get, agentMetrics, anyTenancy},
	{"/v1/agent/metrics/stream", get, agentMetricsStream, anyTenancy},
	{"/v1/agent/monitor", get, agentMonitor, anyTenancy},
	{"/v1/agent/token/", put, withACLs(agentToken), anyTenancy},
	{"/v1/agent/members", get, agentMembers, anyNamespace | topical},
	{"/v1/agent/join/", put, agentJoin, anyNamespace},
	{"/v1/agent/leave", put, agentLeave, anyTenancy},
	{"/v1/agent/force-leave/", put, agentForceLeave, anyNamespace},
	{"/v1/agent/reload", put, agentReload, anyTenancy},
	{"/v1/agent/maintenance", put, thenSynced(agentMaintenance), anyTenancy},

	{"/v1/agent/services", get, agentServices, 0},
	{"/v1/agent/service/", get, agentService, 0},
	{"/v1/agent/service/register", put, thenSynced(agentServiceRegister), 0},
	{"/v1/agent/service/deregister/", put, thenSynced(agentServiceDeregister), 0},
	{"/v1/agent/service/maintenance/", put, thenSynced(agentServiceMaintenance), 0},
	{"/v1/agent/health/service/id/", get, agentHealthByID, 0},
	{"/v1/agent/health/service/name/", get, agentHealthByName, 0},

	{"/v1/agent/checks", get, agentChecks, 0},
	{"/v1/agent/check/register", put, thenSynced(agentCheckRegister), 0},
	{"/v1/agent/check/deregister/", put, thenSynced(agentCheckDeregister), 0},
	{"/v1/agent/check/pass/", put, thenSynced(agentCheckPass), 0},
	{"/v1/agent/check/warn/", put, thenSynced(agentCheckWarn), 0},
	{"/v1/agent/check/fail/", put, thenSynced(agentCheckFail), 0},
	{"/v1/agent/check/update/", put, thenSynced(agentCheckUpdate), bodyFirst},

	{"/v1/agent/connect/authorize", post, withMesh(agentAuthorize), 0},
	{"/v1/agent/connect/ca/roots", get, withMesh(agentCARoots), anyTenancy},
	{"/v1/agent/connect/ca/leaf/", get, withMesh(agentCALeaf), 0},

	{"/v1/connect/ca/roots", get, connectCARoots, anyTenancy | viewed},
	{"/v1/connect/ca/configuration", []string{http.MethodGet, http.MethodPut}, connectCAConfiguration, anyTenancy},

	{"/v1/acl/bootstrap", put, withACLs(aclBootstrap), anyTenancy},
	{"/v1/acl/login", post, withACLs(aclLogin), anyTenancy},
	{"/v1/acl/logout", post, withACLs(aclLogout), anyTenancy},
	{"/v1/acl/explain", get, withACLs(aclExplain), anyTenancy},
	{"/v1/acl/replication", get, withACLs(aclReplication), anyTenancy},
	{"/v1/acl/policies", get, withACLs(aclPolicies), anyTenancy | topical},
	{"/v1/acl/policy", put, withACLs(aclPolicyCreate), anyTenancy},
	{"/v1/acl/policy/", kvAll, withACLs(aclPolicy), anyTenancy | topical},
	{"/v1/acl/policy/name/", get, withACLs(aclPolicyNamed), anyTenancy},
	{"/v1/acl/roles", get, withACLs(aclRoles), anyTenancy | topical},
	{"/v1/acl/role", put, withACLs(aclRoleCreate), anyTenancy},
	{"/v1/acl/role/", kvAll, withACLs(aclRole), anyTenancy | topical},
	{"/v1/acl/role/name/", get, withACLs(aclRoleNamed), anyTenancy},
	{"/v1/acl/tokens", get, withACLs(aclTokens), anyTenancy | topical},
	{"/v1/acl/token", put, withACLs(aclTokenCreate), anyTenancy},
	{"/v1/acl/token/", kvAll, withACLs(aclToken), anyTenancy | topical},
	{"/v1/acl/token/self", get, withACLs(aclTokenSelf), anyTenancy},
	{"/v1/acl/binding-rules", get, withACLs(aclBindingRules), anyTenancy | topical},
	{"/v1/acl/binding-rule", put, withACLs(aclBindingRuleCreate), anyTenancy},
	{"/v1/acl/binding-rule/", kvAll, withACLs(aclBindingRule), anyTenancy},
	{"/v1/acl/auth-methods", get, withACLs(aclAuthMethods), anyTenancy | topical},
	{"/v1/acl/auth-method", put, withACLs(aclAuthMethodCreate), anyTenancy},
	{"/v1/acl/auth-method/", kvAll, withACLs(aclAuthMethod), anyTenancy | topical},
	{"/v1/acl/templated-policies", get, withACLs(aclTemplates), anyTenancy},
	{"/v1/acl/templated-policy/name/", get, withACLs(aclTemplate), anyTenancy},
	{"/v1/acl/templated-policy/preview/", post, withACLs(aclTemplatePreview), anyTenancy},
	{"/v1/internal/acl/authorize", post, withACLs(aclAuthorize), anyTenancy},

	{"/v1/catalog/register", put, catalogRegister, 0},
	{"/v1/catalog/deregister", put, catalogDeregister, 0},
	{"/v1/catalog/datacenters", get, catalogDatacenters, cacheable | topical},
	{"/v1/catalog/nodes", get, catalogNodes, catalogRead | anyNamespace},
	{"/v1/catalog/services", get, catalogServices, catalogRead | cacheable},
	{"/v1/catalog/service/", get, catalogService, catalogRead | cacheable},
	{"/v1/catalog/connect/", get, catalogConnect, catalogRead | cacheable},
	{"/v1/catalog/gateway-services/", get, catalogGatewayServices, catalogRead},
	{"/v1/catalog/node/", get, catalogNode, catalogRead},
	{"/v1/catalog/node-services/", get, catalogNodeServices, catalogRead},
	{"/v1/catalog/history", get, catalogHistory, effective},

	{"/v1/health/node/", get, healthNode, catalogRead},
	{"/v1/health/checks/", get, healthChecks, catalogRead},
	{"/v1/health/state/", get, healthState, catalogRead | topical},
	{"/v1/health/service/", get, healthService, serviceRead | topical},
	{"/v1/health/connect/", get, healthConnect, serviceRead},
	{"/v1/health/ingress/", get, healthIngress, catalogRead},

	{"/v1/operator/raft/configuration", get, operatorRaft, anyTenancy},
	{"/v1/operator/raft/peer", []string{http.MethodDelete}, operatorRemovePeer, anyTenancy},
	{"/v1/operator/raft/transfer-leader", post, operatorTransferLeader, anyNamespace},
	{"/v1/operator/autopilot/configuration", []string{http.MethodGet, http.MethodPut}, operatorAutopilot, anyTenancy},
	{"/v1/operator/autopilot/health", get, operatorHealth, anyTenancy},
	{"/v1/operator/autopilot/state", get, operatorState, anyTenancy | topical},
	{"/v1/operator/keyring", []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}, operatorKeyring, anyTenancy},
	{"/v1/operator/backup", []string{http.MethodGet, http.MethodPut}, operatorBackup, anyTenancy},
	{"/v1/operator/usage", get, operatorUsage, effective},

	{"/v1/coordinate/datacenters", get, located(coordinateDatacenters), anyTenancy},
	{"/v1/coordinate/nodes", get, located(coordinateNodes), metaAlways | anyNamespace | viewed | topical},
	{"/v1/coordinate/node/", get, located(coordinateNode), metaAlways | anyNamespace | viewed},
	{"/v1/coordinate/update", put, located(coordinateUpdate), 0},

	{"/v1/event/fire/", put, eventFire, anyTenancy},
	{"/v1/event/list", get, eventList, anyTenancy | topical},

	{"/v1/internal/ui/nodes", get, uiNodes, metaAlways | viewed | topical},
	{"/v1/internal/ui/node/", get, uiNode, topical},
	{"/v1/internal/ui/services", get, uiServices, metaAlways | viewed | topical},
	{"/v1/internal/ui/catalog-overview", get, uiOverview, topical},
	{"/v1/internal/ui/exported-services", get, uiExportedServices, 0},
	{"/v1/internal/ui/gateway-services-nodes/", get, uiGateway, 0},
	{"/v1/internal/ui/gateway-intentions/", get, uiGateway, 0},
	{"/v1/internal/ui/service-topology/", get, uiTopology, topical},
	{"/v1/internal/ui/stream", get, uiStream, anyTenancy},
	{"/v1/internal/ui/kv-search", get, uiKeySearch, metaAlways},
	{"/v1/internal/ui/check-text", post, uiCheckText, anyTenancy},
	{"/v1/internal/ui/metrics-proxy/", get, uiMetricsProxy, 0},

	{"/v1/snapshot", []string{http.MethodGet, http.MethodPut}, snapshot, anyTenancy | ownBody},

	{"/v1/status/leader", get, statusLeader, anyTenancy | topical},
	{"/v1/status/peers", get, statusPeers, anyTenancy},

	{"/v1/kv/", kvAll, kv, viewed | ownBody | topical},

	{"/v1/query", []string{http.MethodGet, http.MethodPost}, queries, queryRead | topical},
	{"/v1/query/", kvAll, query, queryRead | cacheable | acting},

	{"/v1/config", put, configWrite, 0},
	{"/v1/config/", []string{http.MethodGet, http.MethodDelete}, config, viewed},
	{"/v1/connect/intentions", []string{http.MethodGet, http.MethodPost}, intentions, viewed | topical},
	{"/v1/connect/intentions/", kvAll, intention, 0},
	{"/v1/connect/intentions/match", get, intentionMatch, effective | viewed | cacheable},
	{"/v1/connect/intentions/check", get, intentionCheck, 0},
	{"/v1/connect/intentions/exact", kvAll, intentionExact, 0},
	{"/v1/exported-services", get, exportedServices, anyTenancy | viewed},
	{"/v1/imported-services", get, importedServices, anyTenancy},

	{"/v1/txn", put, txn, anyTenancy | ownBody},

	{"/v1/session/create", put, sessionCreate, 0},
	{"/v1/session/destroy/", put, sessionDestroy, 0},
	{"/v1/session/renew/", put, sessionRenew, 0},
	{"/v1/session/info/", get, sessionInfo, metaAlways},
	{"/v1/session/node/", get, sessionNode, metaAlways | topical},
	{"/v1/session/list", get, sessionList, metaAlways | topical},
}
