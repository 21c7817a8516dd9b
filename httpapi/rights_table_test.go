package httpapi_test

import "slices"

// verdict is what becomes of a request whose token lacks a right.
type verdict uint8

const (
	refuses   verdict = iota // 403 that names the permission
	bare                     // 403 that names none
	conflicts                // 409 with the refusal in its list of errors
	filters                  // an answer without the rows
	owned                    // 403, the request being about the token itself
	open                     // no right is asked for, but the token must exist
	unchecked                // the token is not looked at
)

// right is what it takes to make a request (reference/security.md §4.1).
//
// A need is a permission and what it is on, "key:write k/a", or on all names that begin
// so, "key_prefix:write k/"; a request needs all of those listed. In all texts AGENT is
// the node of the agent that is asked, NEW a name that nothing has, QUERY the ID of the
// prepared query "named" and SESSION that of a session on n1 made for the request.
type right struct {
	request string // "GET /v1/kv/a?recurse"
	body    string
	verdict verdict
	needs   []string
	status  int      // of an answer, 200 if not set
	hidden  int      // of an answer without the rows; status if not set
	sees    string   // what only an answer with the rows holds
	before  []string // requests of the manager that make what this one is about: "PUT /v1/kv/a text"
	endless bool     // the answer goes on until the client leaves
	unrun   string   // why nobody who may does it here
}

func needs(list ...string) []string { return list }

const (
	idle    = "6d5c2a0e-1111-2222-3333-444455556666" // an ID that nothing has
	atN1    = "PUT /v1/catalog/register "
	webOnN1 = atN1 + `{"Node":"n1","Address":"10.9.0.1","Service":{"Service":"web","Port":80},"Check":{"CheckID":"web-check","ServiceID":"web","Status":"passing"}}`
)

// ci is a way to log in.
const (
	ciBody = `"Type":"jwt","Config":{"JWTValidationPubKeys":["-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEABwvH6BcuZ+9+3zP2n+a6EK5wovofASOf8j9yaFvfIVI=\n-----END PUBLIC KEY-----\n"]}}`
	ci     = `PUT /v1/acl/auth-method {"Name":"ci",` + ciBody
)

const (
	anonymousID  = "00000000-0000-0000-0000-000000000002"
	n1Coordinate = `{"Node":"n1","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}}`
)

// agedAim is an intention with an ID.
const (
	agedID  = "6d5c2a0e-1111-2222-3333-444455557777"
	agedAim = `PUT /v1/config {"Kind":"service-intentions","Name":"aged","Sources":[{"Name":"y","Action":"allow","LegacyID":"` + agedID + `"}]}`
)

// standing is what all requests find.
var standing = []string{
	webOnN1,
	atN1 + `{"Node":"n1","SkipNodeUpdate":true,"Check":{"CheckID":"n1-check","Status":"passing"}}`,
	atN1 + `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Kind":"connect-proxy","Service":"web-proxy","Port":81,"Proxy":{"DestinationServiceName":"web"}}}`,
	`PUT /v1/config {"Kind":"service-defaults","Name":"web"}`,
	`PUT /v1/config {"Kind":"mesh"}`,
	`PUT /v1/config {"Kind":"terminating-gateway","Name":"gate","Services":[{"Name":"web"}]}`,
	`PUT /v1/config {"Kind":"service-intentions","Name":"aim","Sources":[{"Name":"x","Action":"allow"}]}`,
	"PUT /v1/coordinate/update " + n1Coordinate,
	"PUT /v1/kv/k/a x",
	"PUT /v1/event/fire/deploy",
}

// onAgents is what they find on each agent.
var onAgents = append(slices.Clone(locCheck),
	`PUT /v1/agent/check/register {"ID":"node-check","Name":"c","TTL":"1h","Status":"passing"}`)

var locCheck = []string{
	`PUT /v1/agent/service/register {"Name":"loc"}`,
	`PUT /v1/agent/check/register {"ID":"loc-check","Name":"c","TTL":"1h","Status":"passing","ServiceID":"loc"}`,
}

var seesWeb = needs("node:read n1", "service:read web")

// rights has a row at least for each method of each route.
var rights = []right{
	{request: "GET /v1/agent/self", needs: needs("agent:read AGENT")},
	{request: "GET /v1/agent/version", verdict: unchecked},
	{request: "GET /v1/agent/host", needs: needs("operator:read")},
	{request: "GET /v1/agent/doctor", needs: needs("operator:read")},
	{request: "GET /v1/agent/metrics", needs: needs("agent:read AGENT")},
	{request: "GET /v1/agent/metrics/stream", needs: needs("agent:read AGENT"), endless: true},
	{request: "GET /v1/agent/monitor", needs: needs("agent:read AGENT"), endless: true},
	{request: "PUT /v1/agent/token/dns", body: `{"Token":""}`, needs: needs("agent:write AGENT")},
	{request: "GET /v1/agent/members", verdict: filters, needs: needs("node:read AGENT"), sees: `"AGENT"`},
	{request: "PUT /v1/agent/join/127.78.1.1", needs: needs("agent:write AGENT")},
	{request: "PUT /v1/agent/leave", needs: needs("agent:write AGENT"), unrun: "the agent would be gone"},
	{request: "PUT /v1/agent/force-leave/none", needs: needs("operator:write"), status: 500},
	{request: "PUT /v1/agent/reload", needs: needs("agent:write AGENT")},
	{request: "PUT /v1/agent/maintenance?enable=false", needs: needs("node:write AGENT")},

	{request: "GET /v1/agent/services", verdict: filters, needs: needs("service:read loc"), sees: `"loc"`},
	{request: "GET /v1/agent/service/loc", needs: needs("service:read loc")},
	{request: "PUT /v1/agent/service/register", body: `{"Name":"loc2"}`, needs: needs("service:write loc2")},
	{request: "PUT /v1/agent/service/register", body: `{"ID":"held","Name":"loc2"}`, needs: needs("service:write loc2", "service:write holder"),
		before: []string{`PUT /v1/agent/service/register {"ID":"held","Name":"holder"}`}},
	{request: "PUT /v1/agent/service/register", body: `{"Name":"side","Port":1,"Connect":{"SidecarService":{}}}`,
		needs: needs("service:write side", "service:write side-sidecar-proxy")},
	{request: "PUT /v1/agent/service/register", body: `{"Name":"p","Port":1,"Kind":"connect-proxy","Proxy":{"DestinationServiceName":"loc"}}`,
		needs: needs("service:write p", "service:write loc")},
	{request: "PUT /v1/agent/service/register", body: `{"Name":"loc3","Check":{"CheckID":"held-check","TTL":"1h","Status":"passing"}}`,
		needs:  needs("service:write loc3", "service:write loc"),
		before: []string{`PUT /v1/agent/check/register {"ID":"held-check","Name":"c","TTL":"1h","Status":"passing","ServiceID":"loc"}`}},
	{request: "PUT /v1/agent/service/deregister/loc2", needs: needs("service:write loc2"), before: []string{`PUT /v1/agent/service/register {"Name":"loc2"}`}},
	{request: "PUT /v1/agent/service/maintenance/loc?enable=false", needs: needs("service:write loc")},
	{request: "GET /v1/agent/health/service/id/loc", needs: needs("service:read loc")},
	{request: "GET /v1/agent/health/service/name/loc", needs: needs("service:read loc")},

	{request: "GET /v1/agent/checks", verdict: filters, needs: needs("service:read loc"), sees: `"loc-check"`},
	{request: "GET /v1/agent/checks", verdict: filters, needs: needs("node:read AGENT"), sees: `"node-check"`},
	{request: "PUT /v1/agent/check/register", body: `{"Name":"c2","TTL":"1h","Status":"passing"}`, needs: needs("node:write AGENT")},
	{request: "PUT /v1/agent/check/register", body: `{"Name":"c3","TTL":"1h","Status":"passing","ServiceID":"loc"}`, needs: needs("service:write loc")},
	{request: "PUT /v1/agent/check/register", body: `{"ID":"loc-check","Name":"c","TTL":"1h","Status":"passing"}`, needs: needs("service:write loc", "node:write AGENT"),
		before: []string{`PUT /v1/agent/check/register {"ID":"loc-check","Name":"c","TTL":"1h","Status":"passing","ServiceID":"loc"}`}},
	{request: "PUT /v1/agent/check/deregister/c4", needs: needs("node:write AGENT"), before: []string{`PUT /v1/agent/check/register {"ID":"c4","Name":"c","TTL":"1h","Status":"passing"}`}},
	{request: "PUT /v1/agent/check/pass/loc-check", needs: needs("service:write loc"), before: locCheck},
	{request: "PUT /v1/agent/check/warn/loc-check", needs: needs("service:write loc"), before: locCheck},
	{request: "PUT /v1/agent/check/fail/node-check", needs: needs("node:write AGENT")},
	{request: "PUT /v1/agent/check/update/loc-check", body: `{"Status":"passing"}`, needs: needs("service:write loc"), before: locCheck},

	{request: "PUT /v1/acl/bootstrap", verdict: unchecked, status: 403},
	{request: "GET /v1/acl/replication", verdict: unchecked},
	{request: "GET /v1/acl/explain?resource=key&access=read&segment=a", verdict: open},
	{request: "GET /v1/acl/explain?resource=key&access=read&segment=a&accessor=" + idle, needs: needs("acl:read"), status: 403},
	{request: "GET /v1/acl/policies", needs: needs("acl:read")},
	{request: "PUT /v1/acl/policy", body: `{"Name":"NEW"}`, needs: needs("acl:write")},
	{request: "GET /v1/acl/policy/" + idle, needs: needs("acl:read"), status: 404},
	{request: "PUT /v1/acl/policy/" + idle, body: `{"Name":"x"}`, needs: needs("acl:write"), status: 500},
	{request: "DELETE /v1/acl/policy/" + idle, needs: needs("acl:write"), status: 404},
	{request: "GET /v1/acl/policy/name/global-management", needs: needs("acl:read")},
	{request: "GET /v1/acl/roles", needs: needs("acl:read")},
	{request: "PUT /v1/acl/role", body: `{"Name":"NEW","NodeIdentities":[{"NodeName":"n1","Datacenter":"dc1"}]}`, needs: needs("acl:write")},
	{request: "GET /v1/acl/role/" + idle, needs: needs("acl:read"), status: 404},
	{request: "PUT /v1/acl/role/" + idle, body: `{"Name":"x"}`, needs: needs("acl:write"), status: 500},
	{request: "DELETE /v1/acl/role/" + idle, needs: needs("acl:write"), status: 404},
	{request: "GET /v1/acl/role/name/none", needs: needs("acl:read"), status: 404},
	{request: "GET /v1/acl/tokens", needs: needs("acl:read")},
	{request: "PUT /v1/acl/token", body: `{}`, needs: needs("acl:write")},
	{request: "GET /v1/acl/token/" + anonymousID, needs: needs("acl:read")},
	{request: "PUT /v1/acl/token/" + idle, body: `{}`, needs: needs("acl:write"), status: 500},
	{request: "DELETE /v1/acl/token/" + idle, needs: needs("acl:write"), status: 404},
	{request: "PUT /v1/acl/token/" + anonymousID + "/clone", body: `{}`, needs: needs("acl:write")},
	{request: "GET /v1/acl/token/self", verdict: owned},
	{request: "POST /v1/acl/login", body: `{"AuthMethod":"x"}`, verdict: unchecked, status: 403},
	{request: "POST /v1/acl/logout", verdict: owned, unrun: "no login made these tokens"},
	{request: "GET /v1/acl/binding-rules", needs: needs("acl:read")},
	{request: "PUT /v1/acl/binding-rule", body: `{"AuthMethod":"ci","BindType":"service","BindName":"NEW"}`, needs: needs("acl:write"), before: []string{ci}},
	{request: "GET /v1/acl/binding-rule/" + idle, needs: needs("acl:read"), status: 404},
	{request: "PUT /v1/acl/binding-rule/" + idle, body: `{"AuthMethod":"x"}`, needs: needs("acl:write"), status: 500},
	{request: "DELETE /v1/acl/binding-rule/" + idle, needs: needs("acl:write"), status: 404},
	{request: "GET /v1/acl/auth-methods", needs: needs("acl:read")},
	{request: "PUT /v1/acl/auth-method", body: `{"Name":"ci",` + ciBody, needs: needs("acl:write")},
	{request: "GET /v1/acl/auth-method/ci", needs: needs("acl:read"), before: []string{ci}},
	{request: "PUT /v1/acl/auth-method/ci", body: `{` + ciBody, needs: needs("acl:write")},
	{request: "DELETE /v1/acl/auth-method/ci", needs: needs("acl:write"), before: []string{ci}},
	{request: "GET /v1/acl/templated-policies", needs: needs("acl:read")},
	{request: "GET /v1/acl/templated-policy/name/builtin/service", needs: needs("acl:read")},
	{request: "POST /v1/acl/templated-policy/preview/builtin/service", body: `{"Name":"x"}`, needs: needs("acl:read")},
	{request: "POST /v1/internal/acl/authorize", body: `[{"Resource":"key","Access":"read","Segment":"a"}]`, verdict: open},

	{request: "PUT /v1/catalog/register", body: `{"Node":"n9","Address":"10.9.0.9","NodeMeta":{"m":"NEW"}}`, needs: needs("node:write n9")},
	{request: "PUT /v1/catalog/register", body: `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Service":"web2"}}`, needs: needs("service:write web2")},
	{request: "PUT /v1/catalog/register", body: `{"Node":"n1","SkipNodeUpdate":true,"Service":{"ID":"web3","Service":"web2"}}`, verdict: bare,
		needs:  needs("service:write web2", "service:write web3"),
		before: []string{atN1 + `{"Node":"n1","SkipNodeUpdate":true,"Service":{"ID":"web3","Service":"web3"}}`}},
	{request: "PUT /v1/catalog/register", body: `{"Node":"n1","SkipNodeUpdate":true,"Check":{"CheckID":"taken","Status":"passing"}}`, needs: needs("node:write n1", "service:write web"),
		before: []string{atN1 + `{"Node":"n1","SkipNodeUpdate":true,"Check":{"CheckID":"taken","ServiceID":"web","Status":"passing"}}`}},
	{request: "PUT /v1/catalog/deregister", body: `{"Node":"n9"}`, needs: needs("node:write n9"), before: []string{atN1 + `{"Node":"n9","Address":"10.9.0.9"}`}},
	{request: "PUT /v1/catalog/deregister", body: `{"Node":"n1","ServiceID":"web2"}`, needs: needs("service:write web2"),
		before: []string{atN1 + `{"Node":"n1","SkipNodeUpdate":true,"Service":{"Service":"web2"}}`}},
	{request: "GET /v1/catalog/datacenters", verdict: unchecked},
	{request: "GET /v1/catalog/nodes", verdict: filters, needs: needs("node:read n1"), sees: `"n1"`},
	{request: "GET /v1/catalog/services", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/catalog/service/web", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/catalog/connect/web", verdict: filters, needs: needs("node:read n1", "service:read web-proxy", "service:read web"), sees: `"web-proxy"`},
	{request: "GET /v1/catalog/gateway-services/gate", needs: needs("service:read gate")},
	{request: "GET /v1/catalog/node/n1", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/catalog/node/n1", verdict: filters, needs: needs("node:read n1"), sees: `"n1"`},
	{request: "GET /v1/catalog/node-services/n1", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/catalog/history?service=web", verdict: filters, needs: seesWeb, sees: `"web-check"`},
	{request: "GET /v1/catalog/history?kind=node&node=n1", verdict: filters, needs: needs("node:read n1"), sees: `"n1"`},

	{request: "GET /v1/health/node/n1", verdict: filters, needs: seesWeb, sees: `"web-check"`},
	{request: "GET /v1/health/node/n1", verdict: filters, needs: needs("node:read n1"), sees: `"n1-check"`},
	{request: "GET /v1/health/checks/web", verdict: filters, needs: seesWeb, sees: `"web-check"`},
	{request: "GET /v1/health/state/any", verdict: filters, needs: seesWeb, sees: `"web-check"`},
	{request: "GET /v1/health/service/web", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/health/connect/web", verdict: bare, needs: needs("service:read web")},
	{request: "GET /v1/health/connect/web", verdict: filters, needs: needs("service:read web", "node:read n1", "service:read web-proxy"), sees: `"web-proxy"`},
	{request: "GET /v1/health/ingress/web", verdict: bare, needs: needs("service:read web")},

	{request: "GET /v1/operator/raft/configuration", needs: needs("operator:read")},
	{request: "DELETE /v1/operator/raft/peer?id=none", needs: needs("operator:write"), status: 500},
	{request: "POST /v1/operator/raft/transfer-leader?id=none", needs: needs("operator:write"), status: 500},
	{request: "GET /v1/operator/autopilot/configuration", needs: needs("operator:read")},
	{request: "PUT /v1/operator/autopilot/configuration", body: `{"CleanupDeadServers":true}`, needs: needs("operator:write")},
	{request: "GET /v1/operator/autopilot/health", needs: needs("operator:read"), unrun: "it tells of the cluster's health by its status"},
	{request: "GET /v1/operator/autopilot/state", needs: needs("operator:read")},
	{request: "GET /v1/operator/keyring", needs: needs("keyring:read")},
	{request: "POST /v1/operator/keyring", body: `{"Key":"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}`, needs: needs("keyring:write")},
	{request: "PUT /v1/operator/keyring", body: `{"Key":"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}`, needs: needs("keyring:write")},
	{request: "DELETE /v1/operator/keyring", body: `{"Key":"7x+Vz0kVxVwk/2SyHKXOdkLpVo0Yz0dJ9PbQbxlQqW8="}`, needs: needs("keyring:write")},
	{request: "GET /v1/operator/backup", needs: needs("operator:read")},
	{request: "PUT /v1/operator/backup", needs: needs("operator:write"), status: 500},
	{request: "GET /v1/operator/usage", needs: needs("operator:read")},

	{request: "GET /v1/coordinate/datacenters", verdict: unchecked},
	{request: "GET /v1/coordinate/nodes", verdict: filters, needs: needs("node:read n1"), sees: `"n1"`},
	{request: "GET /v1/coordinate/node/n1", needs: needs("node:read n1")},
	{request: "PUT /v1/coordinate/update", body: n1Coordinate, needs: needs("node:write n1")},

	{request: "PUT /v1/event/fire/deploy", verdict: bare, needs: needs("event:write deploy")},
	{request: "GET /v1/event/list", verdict: filters, needs: needs("event:read deploy"), sees: `"deploy"`},

	{request: "GET /v1/internal/ui/nodes", verdict: filters, needs: needs("node:read n1"), sees: `"n1"`},
	{request: "GET /v1/internal/ui/nodes", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/internal/ui/node/n1", verdict: filters, needs: needs("node:read n1"), sees: `"n1"`, hidden: 404},
	{request: "GET /v1/internal/ui/services", verdict: filters, needs: seesWeb, sees: `"web"`},
	{request: "GET /v1/internal/ui/catalog-overview", needs: needs("operator:read")},
	{request: "GET /v1/internal/ui/exported-services?peer=p", verdict: open},
	{request: "GET /v1/internal/ui/gateway-services-nodes/gate", verdict: open},
	{request: "GET /v1/internal/ui/gateway-intentions/gate", verdict: open},
	{request: "GET /v1/internal/ui/service-topology/web?kind=", needs: needs("service:read web")},
	{request: "GET /v1/internal/ui/stream?topic=/v1/status/leader", verdict: unchecked, endless: true},
	{request: "GET /v1/internal/ui/kv-search?q=A&prefix=k/", verdict: filters, needs: needs("key:read k/a"), sees: `"k/a"`},
	{request: "GET /v1/internal/ui/kv-search?q=X&prefix=k/&values", verdict: filters, needs: needs("key:read k/a"), sees: `"k/a"`},
	{request: "POST /v1/internal/ui/check-text?format=yaml", body: "a: 1", verdict: open},
	{request: "GET /v1/internal/ui/metrics-proxy/x", needs: needs("service_prefix:read ", "node_prefix:read "), status: 502},

	{request: "POST /v1/agent/connect/authorize", body: `{"Target":"web","ClientCertURI":"spiffe://x.consul/ns/default/dc/dc1/svc/a"}`, needs: needs("service:write web")},
	{request: "GET /v1/agent/connect/ca/roots", verdict: unchecked},
	{request: "GET /v1/agent/connect/ca/leaf/web", needs: needs("service:write web")},
	{request: "GET /v1/connect/ca/roots", verdict: unchecked},
	{request: "GET /v1/connect/ca/configuration", needs: needs("operator:write")},
	{request: "PUT /v1/connect/ca/configuration", body: `{"Provider":"consul","Config":{"LeafCertTTL":"72h"}}`, needs: needs("operator:write")},

	{request: "GET /v1/snapshot", needs: needs("acl:write")},
	{request: "PUT /v1/snapshot", needs: needs("acl:write"), status: 500},

	{request: "GET /v1/status/leader", verdict: unchecked},
	{request: "GET /v1/status/peers", verdict: unchecked},

	{request: "GET /v1/kv/k/a", needs: needs("key:read k/a")},
	{request: "GET /v1/kv/k/a?history", needs: needs("key:read k/a")},
	{request: "GET /v1/kv/k/a?at=9999999999", needs: needs("key:read k/a")},
	{request: "GET /v1/kv/k/?recurse", verdict: filters, needs: needs("key:read k/a"), sees: `"k/a"`, hidden: 404},
	{request: "GET /v1/kv/k/?keys", verdict: filters, needs: needs("key:read k/a"), sees: `"k/a"`, hidden: 404},
	{request: "PUT /v1/kv/k/new", body: "x", needs: needs("key:write k/new")},
	{request: "PUT /v1/kv/k/new?acquire=" + idle, body: "x", needs: needs("key:write k/new"), status: 500},
	{request: "PUT /v1/kv/k/new?cas=1", body: "x", needs: needs("key:write k/new")},
	{request: "DELETE /v1/kv/k/gone", needs: needs("key:write k/gone")},

	{request: "GET /v1/query", verdict: filters, needs: needs("query:read named"), sees: `"named"`},
	{request: "POST /v1/query", body: `{"Name":"NEW","Service":{"Service":"web"}}`, needs: needs("query:write NEW")},
	{request: "GET /v1/query/QUERY", verdict: bare, needs: needs("query:read named")},
	{request: "PUT /v1/query/QUERY", body: `{"Name":"named","Service":{"Service":"web"}}`, needs: needs("query:write named")},
	{request: "DELETE /v1/query/" + idle, verdict: open, status: 500},
	{request: "GET /v1/query/QUERY/explain", verdict: bare, needs: needs("query:read named")},
	{request: "GET /v1/query/QUERY/execute", verdict: filters, needs: seesWeb, sees: `"web-check"`},

	{request: "PUT /v1/config", body: `{"Kind":"service-defaults","Name":"web"}`, needs: needs("service:write web")},
	{request: "PUT /v1/config", body: `{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"api"}}`, needs: needs("service:write web", "service:read api")},
	{request: "PUT /v1/config", body: `{"Kind":"service-resolver","Name":"web","Failover":{"*":{"Targets":[{"Service":"web"},{"Service":"api"}]}}}`,
		needs: needs("service:write web", "service:read api")},
	{request: "PUT /v1/config", body: `{"Kind":"service-splitter","Name":"split","Splits":[{"Weight":100,"Service":"api7"}]}`,
		needs: needs("service:write split", "service:read api7"), before: []string{`PUT /v1/config {"Kind":"service-defaults","Name":"split","Protocol":"http"}`,
			`PUT /v1/config {"Kind":"service-defaults","Name":"api7","Protocol":"http"}`}},
	{request: "PUT /v1/config", body: `{"Kind":"service-router","Name":"route","Routes":[{"Destination":{"Service":"api7"}}]}`,
		needs: needs("service:write route", "service:read api7"), before: []string{`PUT /v1/config {"Kind":"service-defaults","Name":"route","Protocol":"http"}`,
			`PUT /v1/config {"Kind":"service-defaults","Name":"api7","Protocol":"http"}`}},
	{request: "PUT /v1/config", body: `{"Kind":"mesh"}`, needs: needs("mesh:write")},
	{request: "PUT /v1/config", body: `{"Kind":"terminating-gateway","Name":"gate","Services":[{"Name":"web"}]}`, needs: needs("mesh:write")},
	{request: "PUT /v1/config", body: `{"Kind":"service-intentions","Name":"aim","Sources":[{"Name":"x","Action":"allow"}]}`, needs: needs("intention:write aim")},
	{request: "GET /v1/config/service-defaults/web", needs: needs("service:read web")},
	{request: "GET /v1/config/mesh/mesh", verdict: open},
	{request: "GET /v1/config/service-defaults", verdict: filters, needs: needs("service:read web"), sees: `"web"`},
	{request: "GET /v1/config/service-intentions", verdict: filters, needs: needs("intention:read aim"), sees: `"aim"`},
	{request: "DELETE /v1/config/service-defaults/none", needs: needs("service:write none")},
	{request: "GET /v1/connect/intentions", verdict: filters, needs: needs("intention:read aim"), sees: `"aim"`},
	{request: "POST /v1/connect/intentions", body: `{"SourceName":"x","DestinationName":"NEW","Action":"allow"}`, verdict: bare, needs: needs("intention:write NEW")},
	{request: "GET /v1/connect/intentions/" + agedID, verdict: bare, needs: needs("intention:read aged"), before: []string{agedAim}},
	{request: "PUT /v1/connect/intentions/" + agedID, body: `{"SourceName":"x","DestinationName":"aged","Action":"deny"}`, verdict: bare,
		needs: needs("intention:write aged"), before: []string{agedAim}},
	{request: "DELETE /v1/connect/intentions/" + agedID, verdict: bare, needs: needs("intention:write aged"), before: []string{agedAim}},
	{request: "GET /v1/connect/intentions/match?by=destination&name=aim", needs: needs("intention:read aim")},
	{request: "GET /v1/connect/intentions/match?by=source&name=x&name=aim", needs: needs("intention:read x", "intention:read aim")},
	{request: "GET /v1/connect/intentions/check?source=x&destination=aim", needs: needs("service:read aim")},
	{request: "GET /v1/connect/intentions/exact?source=x&destination=aim", verdict: bare, needs: needs("intention:read aim")},
	{request: "PUT /v1/connect/intentions/exact?source=x&destination=aim", body: `{"Action":"allow"}`, verdict: bare, needs: needs("intention:write aim")},
	{request: "DELETE /v1/connect/intentions/exact?source=none&destination=aim", verdict: bare, needs: needs("intention:write aim")},
	{request: "GET /v1/exported-services", needs: needs("mesh:read")},
	{request: "GET /v1/imported-services", verdict: open},

	{request: "PUT /v1/txn", body: `[{"KV":{"Verb":"get","Key":"k/a"}}]`, verdict: filters, needs: needs("key:read k/a"), sees: `"k/a"`},
	{request: "PUT /v1/txn", body: `[{"KV":{"Verb":"set","Key":"k/txn","Value":"eA=="}}]`, verdict: conflicts, needs: needs("key:write k/txn")},
	{request: "PUT /v1/txn", body: `[{"KV":{"Verb":"delete-tree","Key":"k/t/"}}]`, verdict: conflicts, needs: needs("key_prefix:write k/t/")},
	{request: "PUT /v1/txn", body: `[{"Node":{"Verb":"set","Node":{"Node":"n8","Address":"10.9.0.8"}}}]`, verdict: conflicts, needs: needs("node:write n8")},
	{request: "PUT /v1/txn", body: `[{"Service":{"Verb":"set","Node":"n1","Service":{"ID":"web2","Service":"web2"}}}]`, verdict: conflicts, needs: needs("service:write web2")},
	{request: "PUT /v1/txn", body: `[{"Check":{"Verb":"set","Check":{"Node":"n1","CheckID":"taken2","Name":"c","Status":"passing"}}}]`, verdict: conflicts,
		needs:  needs("node:write n1", "service:write web"),
		before: []string{atN1 + `{"Node":"n1","SkipNodeUpdate":true,"Check":{"CheckID":"taken2","ServiceID":"web","Status":"passing"}}`}},

	{request: "PUT /v1/session/create", body: `{"Node":"n1","NodeChecks":[]}`, needs: needs("session:write n1")},
	{request: "PUT /v1/session/destroy/SESSION", needs: needs("session:write n1"), before: []string{"SESSION"}},
	{request: "PUT /v1/session/renew/SESSION", needs: needs("session:write n1"), before: []string{"SESSION"}},
	{request: "GET /v1/session/info/SESSION", verdict: filters, needs: needs("session:read n1"), sees: `"n1"`, before: []string{"SESSION"}},
	{request: "GET /v1/session/node/n1", verdict: filters, needs: needs("session:read n1"), sees: `"n1"`, before: []string{"SESSION"}},
	{request: "GET /v1/session/list", verdict: filters, needs: needs("session:read n1"), sees: `"n1"`, before: []string{"SESSION"}},
}
