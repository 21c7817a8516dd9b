package configentry_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/configentry"
)

// of makes the JSON of an entry that has members beside its kind and name.
func of(kind, members string) string {
	name := map[string]string{"proxy-defaults": "global", "rate-limit": "global", "exported-services": "default"}[kind]
	if name == "" {
		name = "x"
	}
	if kind == "mesh" {
		return fmt.Sprintf(`{"Kind":%q,%s}`, kind, members)
	}
	return fmt.Sprintf(`{"Kind":%q,"Name":%q,%s}`, kind, name, members)
}

// TestRulesAtTheirEdges has, for each rule, what it just accepts and what it just
// refuses. refusal is part of the text, "" for what is accepted.
func TestRulesAtTheirEdges(t *testing.T) {
	meta := func(pairs, key, value int) string {
		m := map[string]string{}
		for i := range pairs {
			m[fmt.Sprintf("%0*d", key, i)] = strings.Repeat("v", value)
		}
		text, _ := json.Marshal(m)
		return `"Meta":` + string(text)
	}
	for _, row := range []struct{ kind, members, refusal string }{
		{"service-defaults", meta(64, 128, 512), ""},
		{"service-defaults", meta(65, 3, 1), "Meta exceeds maximum element count 64"},
		{"service-defaults", meta(1, 129, 1), "exceeds maximum length 128"},
		{"service-defaults", meta(1, 1, 513), "exceeds maximum length 512"},

		{"service-defaults", `"Protocol":"GRPC"`, ""},
		{"service-defaults", `"Protocol":"http2"`, ""},
		{"service-defaults", `"MutualTLSMode":"permissive"`, ""},
		{"service-defaults", `"MutualTLSMode":"lax"`, `Invalid MutualTLSMode "lax". Must be one of "", "strict", or "permissive".`},
		{"service-defaults", `"BalanceInboundConnections":"exact_balance"`, ""},
		{"service-defaults", `"BalanceInboundConnections":"fair"`, `invalid value for balance connections: "fair"`},
		{"service-defaults", `"UpstreamConfig":{"Overrides":[{"Name":"a"},null],"Defaults":{}}`, ""},
		{"service-defaults", `"UpstreamConfig":{"Defaults":{"Name":"a"}}`, "error in upstream defaults: Name must be empty"},
		{"service-defaults", `"UpstreamConfig":{"Overrides":[{}],"Defaults":{"Name":"a"}}`, "2 errors occurred"},
		{"service-defaults", `"Destination":{"Addresses":["a.b"],"Port":1}`, ""},
		{"service-defaults", `"Destination":{"Addresses":["a.b"],"Port":65535}`, ""},
		{"service-defaults", `"Destination":{"Port":1}`, "1 error occurred:\n\t* Destination must contain at least one valid address\n\n"},
		{"service-defaults", `"Destination":{"Addresses":[""],"Port":1}`, "Destination address '' is invalid Could not validate address  as an IP or Hostname"},
		{"service-defaults", `"Destination":{"Addresses":["a.b","a.b"],"Port":1}`, "Duplicate address 'a.b' is not allowed"},
		{"service-defaults", `"Destination":{"Addresses":["10.0.0.0/8","fe80::1","http://x"],"Port":1}`, ""},
		{"service-defaults", `"Protocol":"zz","Destination":{"Port":0},"EnvoyExtensions":[{}]`,
			"4 errors occurred:\n\t* invalid value for protocol: zz\n\t* Destination must contain at least one valid address\n\t* Invalid Port number 0\n\t* invalid EnvoyExtensions[0]: Name is required\n\n"},
		{"service-defaults", `"MutualTLSMode":"lax","Protocol":"zz"`, `Invalid MutualTLSMode "lax"`},
		{"service-defaults", `"RateLimits":{}`, ""},
		{"service-defaults", `"RateLimits":{"InstanceLevel":{"RequestsPerSecond":1}}`, "invalid rate_limits config. Rate limiting is a consul enterprise feature"},
		{"service-defaults", `"RateLimits":{"InstanceLevel":{"Routes":[{}]}}`, "invalid rate_limits config. Rate limiting is a consul enterprise feature"},
		{"service-defaults", `"Destination":{"Addresses":["a.b"]}`, "Invalid Port number 0"},
		{"service-defaults", `"Destination":{"Addresses":["a.b"],"Port":65536}`, "Invalid Port number 65536"},
		{"service-defaults", `"Destination":{"Addresses":["*.b"],"Port":1}`, "Destination address '*.b' is invalid Could not validate address *.b as an IP or Hostname"},

		{"proxy-defaults", `"AccessLogs":{"Type":"stdout","JSONFormat":"{}"}`, ""},
		{"proxy-defaults", `"AccessLogs":{"Type":"file","Path":"/a"}`, ""},
		{"proxy-defaults", `"AccessLogs":{"Type":"mail"}`, "invalid access log type: mail"},
		{"proxy-defaults", `"AccessLogs":{"JSONFormat":"{}","TextFormat":"x"}`, "cannot specify both access log JSONFormat and TextFormat"},
		{"proxy-defaults", `"AccessLogs":{"Path":"/a"}`, "path is only valid for file type access logs"},
		{"proxy-defaults", `"AccessLogs":{"JSONFormat":"x"}`, "invalid access log json for JSON format: invalid character 'x' looking for beginning of value"},
		{"proxy-defaults", `"Mode":"odd"`, `invalid proxy mode "odd"`},
		{"proxy-defaults", `"FailoverPolicy":{"Mode":"order-by-locality"}`, ""},
		{"proxy-defaults", `"FailoverPolicy":{"Mode":"odd"}`, "Failover policy must be one of"},
		{"proxy-defaults", `"PrioritizeByLocality":{}`, ""},
		{"proxy-defaults", `"PrioritizeByLocality":{"Mode":"failover"}`, "Prioritize-by-locality requires Consul Enterprise "},

		{"rate-limit", `"config":{}`, ""},
		{"rate-limit", `"config":{"readRate":2147483647,"writeRate":0}`, ""},
		{"rate-limit", `"config":{"readRate":2147483648}`, "config.readRate must be from 0 to 2147483647 requests a second"},
		{"rate-limit", `"config":{"write_rate":-1}`, "config.writeRate must be from 0 to 2147483647 requests a second, not -1"},
		{"rate-limit", `"config":{"excludeEndpoints":["Status.Leader",""]}`, "config.excludeEndpoints names an empty endpoint"},
		{"rate-limit", `"Meta":{}`, "config is required"},
		{"rate-limit", `"Mode":"permissive"`, `invalid config key "Mode"`},

		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathPrefix":"/a"}},"Destination":{"PrefixRewrite":"/"}}]`, ""},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathExact":"/a"}},"Destination":{"PrefixRewrite":"/"}}]`, ""},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathRegex":"/a"}},"Destination":{"PrefixRewrite":"/"}}]`, "Route[0] cannot make use of PrefixRewrite"},
		{"service-router", `"Routes":[{"Destination":{}},{"Match":{"HTTP":{}},"Destination":{"PrefixRewrite":"/"}}]`, "Route[1] cannot make use of PrefixRewrite"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathExact":"/a","PathPrefix":"/b"}}}]`, "at most one of PathExact, PathPrefix, or PathRegex"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathExact":"a"}}}]`, `PathExact doesn't start with '/': "a"`},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathPrefix":"a"}}}]`, `PathPrefix doesn't start with '/': "a"`},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"PathRegex":"a"}}}]`, ""},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Header":[{"Name":"a","Exact":"b"},{"Name":"a","Present":true}]}}}]`, ""},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Header":[{"Name":"a"}]}}}]`, "Route[0] Header[0] should only contain one of Present, Exact, Prefix, Suffix, or Regex"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"QueryParam":[{"Name":"a"}]}}}]`, "Route[0] QueryParam[0] should only contain one of Present, Exact, or Regex"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Methods":["zz"]}}}]`, `Route[0] Methods contains an invalid method "ZZ"`},
		{"service-router", `"Routes":[{"Destination":{"RetryOn":["5xx","reset"],"NumRetries":-1,"RequestTimeout":"-1s","Namespace":"n","Partition":"p"}}]`, ""},
		{"service-router", `"Routes":[{"Destination":{"RetryOn":["zz"]}}]`, `Route[0] contains an invalid retry condition: "zz"`},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Header":[{"Exact":"b"}]}}}]`, "Header[0] missing required Name field"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Header":[{"Name":"a","Present":true,"Exact":"b"}]}}}]`, "Header[0] should only contain one of"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Header":[{"Name":"a","Prefix":"b","Suffix":"c"}]}}}]`, "Header[0] should only contain one of"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"QueryParam":[{"Name":"a","Regex":"b"}]}}}]`, ""},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"QueryParam":[{"Exact":"b"}]}}}]`, "QueryParam[0] missing required Name field"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"QueryParam":[{"Name":"a","Exact":"b","Regex":"c"}]}}}]`, "QueryParam[0] should only contain one of"},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Methods":["get","put"]}}}]`, ""},

		{"service-splitter", `"Splits":[{"Weight":99.99},{"Weight":0.01,"Service":"y"}]`, ""},
		{"service-splitter", `"Splits":[{"Weight":99.98},{"Weight":0.01,"Service":"y"}]`, "the sum of all split weights must be 100, not 99.99"},
		{"service-splitter", `"Splits":[{"Weight":100},{"Weight":0,"Service":"y"}]`, ""},
		{"service-splitter", `"Splits":[{"Weight":101}]`, "the sum of all split weights must be 100, not 101.000000"},
		{"service-splitter", `"Splits":[{"Weight":-1},{"Weight":101}]`, `split destination occurs more than once: service="x", subset="", namespace="", partition=""`},
		{"service-splitter", `"Splits":[{"Weight":100,"Namespace":"n"}]`, ""},
		{"service-splitter", `"Splits":[{"Weight":101},{"Weight":-1,"Service":"y"}]`, "Splits[0].Weight must be from 0 to 100"},
		{"service-splitter", `"Splits":[{"Weight":-1},{"Weight":101,"Service":"y"}]`, "Splits[0].Weight must be from 0 to 100"},
		{"service-splitter", `"Splits":[{"Weight":50,"ServiceSubset":"a"},{"Weight":50,"ServiceSubset":"b"}]`, ""},

		{"service-resolver", `"DefaultSubset":"a","Subsets":{"a":{}}`, ""},
		{"service-resolver", `"DefaultSubset":"b","Subsets":{"a":{}}`, `DefaultSubset "b" is not a valid subset`},
		{"service-resolver", `"Subsets":{"":{}}`, "Subset defined with empty name"},
		{"service-resolver", `"ConnectTimeout":"0s","RequestTimeout":"0s"`, ""},
		{"service-resolver", `"RequestTimeout":"-1ns"`, "Bad RequestTimeout '-1ns', must be >= 0"},
		{"service-resolver", `"Redirect":{"Service":"y","ServiceSubset":"a"}`, ""},
		{"service-resolver", `"Redirect":{"ServiceSubset":"a"}`, "Redirect.ServiceSubset defined without Redirect.Service"},
		{"service-resolver", `"Redirect":{"Service":"y","SamenessGroup":"g"}`, "Redirect: Setting SamenessGroup requires Consul Enterprise"},
		{"service-resolver", `"Redirect":{"Service":"y","Namespace":"g"}`, "Redirect: Setting Namespace requires Consul Enterprise"},
		{"service-resolver", `"Redirect":{"Peer":"p"}`, "Redirect.Peer defined without Redirect.Service"},
		{"service-resolver", `"Redirect":{"Service":"y","Peer":"p"}`, ""},
		{"service-resolver", `"Redirect":{"Service":"y","Peer":"p","Datacenter":"d"}`, "Redirect.Peer cannot be set with"},
		{"service-resolver", `"Redirect":{"Service":"y","Peer":"p","ServiceSubset":"d"}`, "Redirect.Peer cannot be set with"},
		{"service-resolver", `"Redirect":{"Service":"y"},"Failover":{"*":{"Service":"z"}}`, "Redirect and Failover cannot both be set"},
		{"service-resolver", `"Failover":{"*":{"Service":"z"}}`, ""},
		{"service-resolver", `"Failover":{"*":{"Datacenters":["d"]}}`, ""},
		{"service-resolver", `"Failover":{"*":{"Datacenters":["d",""]}}`, "found empty datacenter"},
		{"service-resolver", `"Failover":{"*":{}}`, "one of Service, ServiceSubset, Namespace, Targets, SamenessGroup, or Datacenters is required"},
		{"service-resolver", `"Failover":{"v":{"Service":"z"}}`, `Bad Failover["v"]: not a valid subset subset`},
		{"service-resolver", `"Subsets":{"v":{}},"Failover":{"v":{"ServiceSubset":"v"}}`, ""},
		{"service-resolver", `"Failover":{"*":{"ServiceSubset":"v"}}`, `ServiceSubset "v" is not a valid subset of ""`},
		{"service-resolver", `"Failover":{"*":{"Service":"x","ServiceSubset":"v"}}`, `ServiceSubset "v" is not a valid subset of "x"`},
		{"service-resolver", `"Failover":{"*":{"Service":"y","ServiceSubset":"v"}}`, ""},
		{"service-resolver", `"Failover":{"*":{"SamenessGroup":"g"}}`, `Bad Failover["*"]: Setting SamenessGroup requires Consul Enterprise`},
		{"service-resolver", `"Failover":{"*":{"Targets":[{"Service":"y"}]}}`, ""},
		{"service-resolver", `"Failover":{"*":{"Service":"a","Targets":[{"Service":"y"}]}}`, `Bad Failover["*"]: Targets cannot be set with Service`},
		{"service-resolver", `"Failover":{"*":{"ServiceSubset":"a","Targets":[{"Service":"y"}]}}`, "Targets cannot be set with ServiceSubset"},
		{"service-resolver", `"Failover":{"*":{"Datacenters":["a"],"Targets":[{"Service":"y"}]}}`, "Targets cannot be set with Datacenters"},
		{"service-resolver", `"Failover":{"*":{"Targets":[{}]}}`, ""},
		{"service-resolver", `"Failover":{"*":{"Targets":[{},{"Service":"y","Namespace":"n"}]}}`, `Bad Failover["*"].Targets[1]: Setting Namespace requires Consul Enterprise`},
		{"service-resolver", `"Failover":{"*":{"Targets":[{"Peer":"p","ServiceSubset":"d"}]}}`, `Bad Failover["*"].Targets[0]: Peer cannot be set with ServiceSubset`},
		{"service-resolver", `"Failover":{"*":{"Targets":[{"Peer":"p"}]}}`, ""},
		{"service-resolver", `"Failover":{"*":{"Targets":[{"Peer":"p","Datacenter":"d"}]}}`, `Bad Failover["*"].Targets[0]: Peer cannot be set with Datacenter`},
		{"service-resolver", `"Failover":{"*":{"Service":"y","Policy":{"Mode":"odd"}}}`, `Bad Failover["*"]: Setting failover policies requires Consul Enterprise`},
		{"service-resolver", `"Failover":{"*":{"Service":"y","Policy":{}}}`, ""},
		{"service-resolver", `"Failover":{"*":{"Policy":{"Mode":"odd"}}},"PrioritizeByLocality":{"Mode":"none"}`, "Prioritize-by-locality requires Consul Enterprise "},
		{"service-resolver", `"LoadBalancer":{"Policy":"ring_hash","RingHashConfig":{},"HashPolicies":[{"SourceIP":true}]}`, ""},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"header","FieldValue":"a"}]}`, ""},
		{"service-resolver", `"LoadBalancer":{"Policy":"random"}`, ""},
		{"service-resolver", `"LoadBalancer":{"Policy":"random","RingHashConfig":{}}`, "RingHashConfig specified for incompatible"},
		{"service-resolver", `"LoadBalancer":{"Policy":"least_request","LeastRequestConfig":{}}`, ""},
		{"service-resolver", `"LoadBalancer":{"Policy":"random","LeastRequestConfig":{}}`, "LeastRequestConfig specified for incompatible"},
		{"service-resolver", `"LoadBalancer":{"Policy":"random","HashPolicies":[{"SourceIP":true}]}`, "HashPolicies specified for non-hash-based Policy"},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"odd","FieldValue":"a"}]}`, `HashPolicy[0]: "odd" is not a supported field`},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"SourceIP":true,"Field":"header","FieldValue":"a"}]}`, "cannot hash both a source address and a field"},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"SourceIP":true,"FieldValue":"a"}]}`, "cannot hash both a source address and a field"},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"header"}]}`, "was specified without a FieldValue"},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"FieldValue":"a"}]}`, "requires a Field to apply to a FieldValue"},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"cookie","FieldValue":"a","CookieConfig":{"Session":true}}]}`, ""},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"cookie","FieldValue":"a","CookieConfig":{"TTL":"1s"}}]}`, ""},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"header","FieldValue":"a","CookieConfig":{}}]}`, `cookie_config provided for "header"`},
		{"service-resolver", `"LoadBalancer":{"Policy":"maglev","HashPolicies":[{"Field":"cookie","FieldValue":"a","CookieConfig":{"Session":true,"TTL":"1s"}}]}`, "a session cookie cannot have an associated TTL"},

		{"service-intentions", `"Sources":[{"Name":"a","Action":"deny"},{"Name":"a","Peer":"p","Action":"allow"}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"*","Action":"deny"}]`, ""},
		{"service-intentions", `"Sources":[null]`, "Sources[0].Name is required"},
		{"service-intentions", `"Sources":[{"Name":"*","Action":"allow"},{"Name":"","Action":"deny"}]`, "Sources[0].Name is required"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow"},{"Name":"","Action":"deny"}]`, "Sources[1].Name is required"},
		{"service-intentions", `"Sources":[{"Action":"deny"}]`, "Sources[0].Name is required"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"deny"},{"Name":"a","Action":"allow"}]`, `Sources[1] defines "a" more than once`},
		{"service-intentions", `"Sources":[{"Name":"a","Peer":"p","Action":"deny"},{"Name":"a","Peer":"p","Action":"allow"}]`, `Sources[1] defines peer("p") "a" more than once`},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"maybe"}]`, "Sources[0].Action must be set to 'allow' or 'deny'"},
		{"service-intentions", `"Sources":[{"Name":"a"}]`, "Sources[0].Action must be set to 'allow' or 'deny'"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","Type":"vault"}]`, "Sources[0].Type must be set to 'consul'"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","SamenessGroup":"g"}]`, ".SamenessGroup: Sameness groups are a Consul Enterprise feature. "},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","Description":"` + strings.Repeat("d", 512) + `"}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","Description":"` + strings.Repeat("d", 513) + `"}]`, ".Description exceeds maximum length 512"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","LegacyID":"1","LegacyMeta":{"a":"b"},"LegacyCreateTime":"2020-01-02T03:04:05Z","LegacyUpdateTime":"2020-01-02T03:04:05Z"}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","LegacyCreateTime":"2020-01-02T03:04:05Z"}]`, ".LegacyCreateTime must be omitted"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","LegacyUpdateTime":"2020-01-02T03:04:05Z"}]`, ".LegacyUpdateTime must be omitted"},
		{"service-intentions", `"Sources":[{"Name":"*","Peer":"p","Action":"allow"}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"*","Peer":"*","Action":"allow"}]`, ".Peer: cannot use wildcard '*' in peer"},
		{"service-intentions", `"JWT":{"Providers":[{"Name":"okta"}]},"Sources":[{"Name":"a","Action":"allow"}]`, ""},
		{"service-intentions", `"JWT":{"Providers":[]},"Sources":[{"Name":"a","Action":"allow"}]`, ""},
		{"service-intentions", `"JWT":{"Providers":[{"Name":"okta"},{}]},"Sources":[{"Name":"a","Action":"allow"}]`, "JWT provider name is required"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{},"JWT":{"Providers":[{"Name":""}]}}]}]`, "JWT provider name is required"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Name":"h","Suffix":"s","IgnoreCase":true}]}}]}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Name":"h","Present":true,"IgnoreCase":true}]}}]}]`, "when using IgnoreCase"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Name":"h","Regex":"r","IgnoreCase":true}]}}]}]`, "when using IgnoreCase"},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"allow","Permissions":[{"Action":"allow","HTTP":{"PathExact":"/"}}]}]`, ".Action must be omitted if Permissions are specified"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"deny","HTTP":{"Methods":["get"]}}]}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[null]}]`, ".Permissions[0].Action must be set to 'allow' or 'deny'"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"odd","HTTP":{"PathExact":"/"}}]}]`, ".Permissions[0].Action must be set to 'allow' or 'deny'"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow"}]}]`, ".Permissions[0].HTTP is required"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{}}]}]`, ".Permissions[0].HTTP should not be empty"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{},"JWT":{"Providers":[{"Name":"okta"}]}}]}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Name":"h","Contains":"x"}]}}]}]`, ""},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Exact":"x"}]}}]}]`, ".HTTP.Header[0] missing required Name field"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Name":"h"}]}}]}]`, ".HTTP.Header[0] should only contain one of"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Header":[{"Name":"h","Present":true,"Regex":"x"}]}}]}]`, ".HTTP.Header[0] should only contain one of"},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Methods":["GET","get"]}}]}]`, `.HTTP.Methods contains "GET" more than once`},
		{"service-intentions", `"Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"Methods":["trace","FETCH"]}}]}]`, `.HTTP.Methods contains an invalid method "FETCH"`},
		{"service-intentions", `"Sources":[{"Name":"a","Namespace":"b"}]`, `invalid config key "Sources[0].Namespace", namespaces are a consul enterprise feature`},
		{"jwt-provider", `"JSONWebKeySet":{"Remote":{"URI":"x"}}`, `Remote JWKS URI is invalid: parse "x": invalid URI for request, uri: x`},
		{"jwt-provider", `"JSONWebKeySet":{"Remote":{"URI":"https://x.y/k","JWKSCluster":{"DiscoveryType":"EDS"}}}`, ""},
		{"jwt-provider", `"JSONWebKeySet":{"Remote":{"URI":"https://x.y/k","JWKSCluster":{"DiscoveryType":"ZZ"}}}`, `unsupported jwks cluster discovery type: "ZZ"`},

		{"mesh", `"TLS":{"Incoming":{"TLSMinVersion":"TLSv1_2","TLSMaxVersion":"TLSv1_2","CipherSuites":["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]}}`, ""},
		{"mesh", `"TLS":{"Incoming":{"TLSMinVersion":"TLS_AUTO","TLSMaxVersion":"TLSv1_0"}}`, ""},
		{"mesh", `"TLS":{"Outgoing":{"TLSMinVersion":"TLSv9"}}`, "error in outgoing TLS configuration: no matching TLS version found for TLSv9"},
		{"mesh", `"TLS":{"Outgoing":{"TLSMaxVersion":"TLSv9"}}`, "error in outgoing TLS configuration: no matching TLS version found for TLSv9"},
		{"mesh", `"TLS":{"Incoming":{"TLSMinVersion":"TLSv1_3","CipherSuites":["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]}}`, "CipherSuites is only applicable to connections negotiated with TLS 1.2 or earlier"},
		{"mesh", `"TLS":{"Incoming":{"CipherSuites":["ROT13"]}}`, "error in incoming TLS configuration: no matching Envoy TLS cipher suite found for ROT13"},
		{"mesh", `"HTTP":{"SanitizeXForwardedClientCert":true}`, ""},
		{"mesh", `"HTTP":{"Incoming":{}}`, ""},
		{"mesh", `"HTTP":{"Incoming":{"RequestNormalization":{"PathWithEscapedSlashesAction":"REJECT_REQUEST","HeadersWithUnderscoresAction":"DROP_HEADER"}}}`, ""},
		{"mesh", `"HTTP":{"Incoming":{"RequestNormalization":{"PathWithEscapedSlashesAction":"odd"}}}`, "no matching PathWithEscapedSlashesAction value found for odd"},
		{"mesh", `"HTTP":{"Incoming":{"RequestNormalization":{"HeadersWithUnderscoresAction":"odd"}}}`, "no matching HeadersWithUnderscoresAction value found for odd"},

		{"exported-services", `"Services":[{"Name":"*","Consumers":[{"Peer":"p"}]}]`, ""},
		{"exported-services", `"Services":[{"Consumers":[{"Peer":"p"}]}]`, "Services[0]: service name cannot be empty"},
		{"exported-services", `"Services":[{"Name":"a","Consumers":[{}]}]`, "Services[0].Consumers[0]: must define at least one of"},
		{"exported-services", `"Services":[{"Name":"a","Consumers":[{"Peer":"*"}]}]`, "exporting to all peers (wildcard) is not supported"},
		{"exported-services", `"Services":[{"Name":"a","Consumers":[{"Partition":"p"}]}]`, "partitions and sameness groups are an enterprise-only feature"},
		{"exported-services", `"Services":[{"Name":"a","Consumers":[{"SamenessGroup":"p"}]}]`, "partitions and sameness groups are an enterprise-only feature"},

		{"ingress-gateway", `"Listeners":[{"Port":1,"Services":[{"Name":"a"}]},{"Port":2,"Services":[{"Name":"a"}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Services":[{"Name":"a"}]},{"Port":1,"Services":[{"Name":"b"}]}]`, "port 1 declared on two listeners"},
		{"ingress-gateway", `"TLS":{"SDS":{"ClusterName":"c","CertResource":"r"}}`, ""},
		{"ingress-gateway", `"TLS":{"SDS":{"CertResource":"r"}}`, "TLS.SDS.ClusterName is required if CertResource is set"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"TLS":{"TLSMinVersion":"odd"},"Services":[{"Name":"a"}]}]`, "no matching TLS version found for odd"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"udp","Services":[{"Name":"a"}]}]`, "'udp' is an unsupported protocol"},
		{"ingress-gateway", `"Listeners":[{"Port":1}]`, "No service declared for listener with port 1"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Services":[{}]}]`, "Service name cannot be blank (listener on port 1)"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Services":[{"Name":"*"}]}]`, "Wildcard service name is only valid for protocol"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"*"}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"*","Hosts":["h"]}]}]`, "Associating hosts to a wildcard service is not supported"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Services":[{"Name":"a","Hosts":["h"]}]}]`, "Associating hosts to a service is not supported for the tcp protocol"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","Hosts":["h"]},{"Name":"b","Hosts":["i"]}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","Hosts":["h"]},{"Name":"b","Hosts":["h"]}]}]`, "Hosts must be unique within a specific listener"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a"},{"Name":"a"}]}]`, "Service a cannot be added multiple times"},

		{"api-gateway", `"Listeners":[{"Name":"aZ-09","Port":65535,"Protocol":"HTTP","Hostname":"h"},{"Name":"m","Port":65535,"Protocol":"http","Hostname":"i"}]`, ""},
		{"api-gateway", `"Listeners":[{"Name":"l","Port":65536,"Protocol":"tcp"}]`, "listener port 65536 not in the range 1-65535"},
		{"api-gateway", `"Listeners":[{"Name":"","Port":1,"Protocol":"tcp"}]`, "must be at least 1 character"},
		{"api-gateway", `"Listeners":[{"Name":"a_b","Port":1,"Protocol":"tcp"}]`, `listener name "a_b" is invalid`},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","Hosts":["*","*.b.c","a b"]}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","Hosts":["*.*.c"]}]}]`, `Host "*.*.c" is not valid, a wildcard specifier is only allowed as the leftmost label`},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"tcp","Services":[{"Name":"*"}]}]`, "Wildcard service name is only valid for protocol = 'http' (listener on port 1)"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"tcp","Services":[{"Name":"a","RequestHeaders":{}}]}]`, `request headers only valid for http, http2 and grpc protocols (service "a" on listener on port 1)`},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"tcp","Services":[{"Name":"a","ResponseHeaders":{}}]}]`, `response headers only valid for http, http2 and grpc protocols (service "a" on listener on port 1)`},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"tcp","TLS":{"SDS":{"ClusterName":"c"}},"Services":[{"Name":"a"}]}]`, "TLS.SDS.CertResource is required if ClusterName is set for listener (listener on port 1)"},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"tcp","TLS":{"SDS":{"CertResource":"r"}},"Services":[{"Name":"a"}]}]`, "TLS.SDS.ClusterName is required if CertResource is set for listener (listener on port 1)"},
		{"ingress-gateway", `"TLS":{"SDS":{"ClusterName":"c"}},"Listeners":[{"Port":1,"Protocol":"tcp","TLS":{"SDS":{"CertResource":"r"}},"Services":[{"Name":"a"}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","TLS":{"SDS":{"CertResource":"r"}}}]}]`, `TLS.SDS.ClusterName is required if CertResource is set (service "a" on listener on port 1)`},
		{"ingress-gateway", `"TLS":{"SDS":{"ClusterName":"c"}},"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","TLS":{"SDS":{"CertResource":"r"}}}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"a","TLS":{"SDS":{"ClusterName":"c"}}}]}]`, ""},
		{"ingress-gateway", `"Listeners":[{"Port":-1,"Services":[{"Name":"a"}]},{"Port":0,"Services":[{"Name":"a"}]}]`, ""},

		{"api-gateway", `"Listeners":[]`, "api gateway must have at least one listener"},
		{"http-route", `"Hostnames":["*.a.b","c"]`, ""},
		{"http-route", `"Hostnames":["*"]`, `host "*" must not be a wildcard`},
		{"http-route", `"Hostnames":["*.*.x"]`, `host "*.*.x" must not be a wildcard`},
		{"tcp-route", `"Parents":[{"Name":"g","SectionName":"a"},{"Name":"g","SectionName":"b"}]`, ""},
		{"tcp-route", `"Parents":[{"Name":"g"},{"Kind":"api-gateway","Name":"g"}]`, "route parents must be unique"},

		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/none","Arguments":{}}]`, "1 error occurred:\n\t* invalid EnvoyExtensions[0][builtin/none]: name \"builtin/none\" is not a built-in extension"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/lua","Arguments":{"Listener":"inbound","script":"x","Bogus":1}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/lua","Arguments":{}}]`, "invalid EnvoyExtensions[0][builtin/lua]: 2 errors occurred:\n\t* missing Script value\n\t* unexpected Listener \"\"\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/lua","Arguments":{"ProxyType":"zz","Listener":"outbound","Script":"x"}}]`, "1 error occurred:\n\t* invalid EnvoyExtensions[0][builtin/lua]: 1 error occurred:\n\t* unexpected ProxyType \"zz\"\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/aws/lambda","Arguments":{"ARN":"zz"}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/aws/lambda","Arguments":{}}]`, "1 error occurred:\n\t* invalid EnvoyExtensions[0][builtin/aws/lambda]: 1 error occurred:\n\t* ARN is required\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/otel-access-logging","Arguments":{"Config":{"GrpcService":{}}}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/otel-access-logging","Arguments":{}}]`, "1 error occurred:\n\t* invalid EnvoyExtensions[0][builtin/otel-access-logging]: 1 error occurred:\n\t* missing GrpcService\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/otel-access-logging","Arguments":{"ListenerType":"zz","Config":{"GrpcService":{}}}}]`, "1 error occurred:\n\t* invalid EnvoyExtensions[0][builtin/otel-access-logging]: 1 error occurred:\n\t* unexpected ListenerType \"zz\"\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/otel-access-logging","Arguments":{"Config":{"GrpcService":{},"BufferFlushInterval":"1s"}}}]`, "1 error(s) decoding:\n\n* 'Config.BufferFlushInterval' expected type 'time.Duration', got unconvertible type 'string', value: '1s'"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/ext-authz","Arguments":{"Config":{"HttpService":{}}}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/ext-authz","Arguments":{"Config":{"HttpService":{},"GrpcService":{}}}}]`, "exactly one of GrpcService or HttpService must be set"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{}}]`, "invalid EnvoyExtensions[0][builtin/property-override]: at least one patch is required\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{"Patches":[{"ResourceFilter":{"ResourceType":"cluster","TrafficDirection":"inbound"},"Op":"remove","Path":"/a"}]}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{"Patches":[{"Op":"add"}]}}]`, "1 error occurred:\n\t* invalid EnvoyExtensions[0][builtin/property-override]: 1 error occurred:\n\t* invalid Patches[0]: field ResourceFilter is required\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{"Patches":[{"ResourceFilter":{"ResourceType":"zz"}}]}}]`, `invalid Patches[0]: invalid ResourceType '"zz"'; `},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{"Patches":[{"ResourceFilter":{"ResourceType":"route","TrafficDirection":"zz"}}]}}]`, `invalid Patches[0]: invalid TrafficDirection '"zz"'; `},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{"Patches":[{"ResourceFilter":{"ResourceType":"route","TrafficDirection":"outbound"},"Op":"zz"}]}}]`, `invalid Patches[0]: invalid Op '"zz"'; `},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/property-override","Arguments":{"Patches":[{"ResourceFilter":{"ResourceType":"route","TrafficDirection":"outbound"},"Op":"remove","Value":1}]}}]`, "invalid Patches[0]: field Value is not supported for remove operation"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/wasm","Arguments":{}}]`, "5 errors occurred:\n\t* unsupported Protocol \"\", expected \"tcp\" or \"http\"\n\t* unsupported ListenerType \"\", expected \"inbound\" or \"outbound\"\n\t* VmConfig.Code must provide exactly one of Local or Remote data source\n\t* both Service and URI are required for Remote data sources\n\t* SHA256 checksum is required for Remote data sources\n\n\n\n"},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/wasm","Arguments":{"Protocol":"tcp","ListenerType":"inbound","PluginConfig":{"VmConfig":{"Code":{"Local":{}}}}}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/wasm","Arguments":{"Protocol":"http","ListenerType":"outbound","PluginConfig":{"VmConfig":{"Code":{"Remote":{"HttpURI":{"Service":{"Name":"a"},"URI":"u"},"SHA256":"s"}}}}}}]`, ""},
		{"service-defaults", `"EnvoyExtensions":[{"Name":"builtin/wasm","Arguments":{"Protocol":"http","ListenerType":"outbound","PluginConfig":{"VmConfig":{"Code":{"Remote":{"HttpURI":{"Service":{"Name":"a"}},"SHA256":"s"}}}}}}]`, "both Service and URI are required for Remote data sources"},
		{"proxy-defaults", `"EnvoyExtensions":[{"Name":"builtin/lua","Arguments":{"Listener":"inbound"}}]`, "missing Script value"},

		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"tcp"},{"Name":"a","Port":2,"Protocol":"tcp"}]`, `found multiple listeners with the name "a"`},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"udp"}]`, `unsupported listener protocol "udp"`},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"tcp","Hostname":"h"}]`, "hostname specification is not supported when using TCP"},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"tcp"},{"Name":"b","Port":1,"Protocol":"http"}]`, `listeners "a" and "b" cannot be merged`},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"http","Hostname":"h"},{"Name":"b","Port":1,"Protocol":"http","Hostname":"h"}]`, `listeners "a" and "b" cannot be merged`},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"http","TLS":{"Certificates":[{"Kind":"inline-certificate","Name":"c"},{"Kind":"file-system-certificate","Name":"c"}]}}]`, ""},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"http","TLS":{"Certificates":[{"Kind":"odd","Name":"c"}]}}]`, `unsupported certificate kind: "odd"`},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"http","TLS":{"Certificates":[{"Kind":"inline-certificate"}]}}]`, "certificate reference must have a name"},
		{"api-gateway", `"Listeners":[{"Name":"a","Port":1,"Protocol":"http","TLS":{"MinVersion":"odd"}}]`, "no matching TLS version found for odd"},

		{"tcp-route", `"Services":[{"Name":"a"}],"Parents":[{"Name":"g"}]`, ""},
		{"tcp-route", `"Services":[{}]`, "tcp-route service must have a name"},
		{"tcp-route", `"Parents":[{"Kind":"odd","Name":"g"}]`, `unsupported parent kind: "odd"`},
		{"tcp-route", `"Parents":[{"Kind":"api-gateway"}]`, "parent must have a name"},
		{"http-route", `"Rules":[{"Matches":[{"Method":"get","Path":{"Match":"regex","Value":"x"},"Headers":[{"Match":"suffix","Name":"h"}],"Query":[{"Match":"present","Name":"q"}]}]}]`, ""},
		{"http-route", `"Rules":[{"Matches":[{"Method":"odd"}]}]`, "Rule[0], Match[0], method ODD is not valid"},
		{"http-route", `"Rules":[{"Matches":[{"Path":{"Match":"odd","Value":"/"}}]}]`, "path match type should be one of exact, prefix, or regex"},
		{"http-route", `"Rules":[{"Matches":[{"Headers":[{"Match":"exact"}]}]}]`, "header match needs a name"},
		{"http-route", `"Rules":[{"Matches":[{"Headers":[{"Name":"h"}]}]}]`, "header match needs a name"},
		{"http-route", `"Rules":[{"Matches":[{"Headers":[{"Name":"h","Match":"odd"}]}]}]`, "header match needs a name"},
		{"http-route", `"Rules":[{"Matches":[{"Query":[{"Match":"exact"}]}]}]`, "query match needs a name"},
		{"http-route", `"Rules":[{"Matches":[{"Query":[{"Name":"q"}]}]}]`, "query match needs a name"},
		{"http-route", `"Rules":[{"Matches":[{"Query":[{"Name":"q","Match":"prefix"}]}]}]`, "query match needs a name"},
		{"http-route", `"Rules":[{"Services":[{}]}]`, "Rule[0], Service[0], a service must have a name"},

		{"inline-certificate", `"PrivateKey":"-----BEGIN X-----\n-----END X-----\n","Certificate":"x"`, "failed to parse certificate PEM"},
		{"inline-certificate", `"PrivateKey":"-----BEGIN X-----\n-----END X-----\n","Certificate":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"`, "failed to parse certificate:"},
		{"file-system-certificate", `"Certificate":"/a","PrivateKey":"/b"`, ""},
		{"file-system-certificate", `"Certificate":"/a"`, ""},
		{"file-system-certificate", `"PrivateKey":""`, ""},

		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[{"Header":{"Name":"h"}},{"QueryParam":{"Name":"q"}},{"Cookie":{"Name":"c"}}],"Forwarding":{"HeaderName":"f"}`, ""},
		{"jwt-provider", `"JSONWebKeySet":{"Remote":{"URI":"https://a"}}`, ""},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"JWKS":"e30="}}`, ""},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"JWKS":"eA=="}}`, "JWKS must be valid JSON"},
		{"jwt-provider", `"JSONWebKeySet":{}`, "must specify exactly one of Local or Remote"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"},"Remote":{"URI":"https://a"}}`, "must specify exactly one of Local or Remote"},
		{"jwt-provider", `"JSONWebKeySet":{"Remote":{}}`, "Remote JWKS URI is required"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{}}`, "must specify exactly one of String or filename"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a","JWKS":"e30="}}`, "must specify exactly one of String or filename"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[null]`, "must set exactly one of: JWT location header, query param or cookie"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[{}]`, "must set exactly one of: JWT location header, query param or cookie"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[{"Header":{"Name":"h"},"Cookie":{"Name":"c"}}]`, "must set exactly one of: JWT location header, query param or cookie"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[{"Header":{}}]`, "JWT location header name must be specified"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[{"QueryParam":{}}]`, "JWT location query param name must be specified"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Locations":[{"Cookie":{}}]`, "JWT location cookie name must be specified"},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"Forwarding":{}`, "Header name required for forwarding config"},
	} {
		body := of(row.kind, row.members)
		entry, err := configentry.DecodeJSON(strings.NewReader(body))
		if err == nil {
			err = configentry.Prepare(entry)
		}
		switch {
		case row.refusal == "" && err != nil:
			t.Errorf("%s\nrefused: %v", body, err)
		case row.refusal != "" && (err == nil || !strings.Contains(err.Error(), row.refusal)):
			t.Errorf("%s\ngot  %v\nwant …%s", body, err, row.refusal)
		}
	}
}

// TestEntriesAreStoredWithTheirDefaults: what an entry leaves out is filled in
// before it is stored.
func TestEntriesAreStoredWithTheirDefaults(t *testing.T) {
	for _, row := range []struct{ kind, members, want string }{
		{"service-defaults", `"Protocol":"HTTP"`, `"Protocol":"http"`},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Services":[{"Name":"a"}]}]`, `"Protocol":"tcp"`},
		{"ingress-gateway", `"Listeners":[{"Port":1,"Protocol":"HTTP","Services":[{"Name":"a"}]}]`, `"Protocol":"http"`},
		{"api-gateway", `"Listeners":[{"Name":"l","Port":1,"Protocol":"TCP"}]`, `"Protocol":"tcp"`},
		{"tcp-route", `"Parents":[{"Name":"g"}]`, `"Parents":[{"Kind":"api-gateway","Name":"g"`},
		{"http-route", `"Parents":[{"Name":"g"}]`, `"Parents":[{"Kind":"api-gateway","Name":"g"`},
		{"http-route", `"Hostnames":["A.B"]`, `"Hostnames":["a.b"]`},
		{"http-route", `"Rules":[{"Services":[{"Name":"a"}]}]`, `"Name":"a","Weight":1`},
		{"http-route", `"Rules":[{"Services":[{"Name":"a","Weight":-3}]}]`, `"Name":"a","Weight":1`},
		{"http-route", `"Rules":[{"Services":[{"Name":"a","Weight":2}]}]`, `"Name":"a","Weight":2`},
		{"http-route", `"Rules":[{"Matches":[{"Method":"get"}]}]`, `"Method":"GET","Path":{"Match":"prefix","Value":"/"}`},
		{"service-router", `"Routes":[{"Match":{"HTTP":{"Methods":["get"]}}}]`, `"Methods":["GET"]`},
		{"service-intentions", `"Sources":[{"Name":"a","Action":"deny"}]`, `"Precedence":9,"Type":"consul"`},
		{"service-intentions", `"Sources":[{"Name":"*","Action":"deny"},{"Name":"a","Action":"allow"}]`,
			`"Sources":[{"Name":"a","Action":"allow","Precedence":9,"Type":"consul"},{"Name":"*","Action":"deny","Precedence":8,"Type":"consul"}]`},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}}`, `"ClockSkewSeconds":30`},
		{"jwt-provider", `"JSONWebKeySet":{"Local":{"Filename":"/a"}},"ClockSkewSeconds":5`, `"ClockSkewSeconds":5`},
	} {
		if got := prepare(of(row.kind, row.members)); !strings.Contains(got, row.want) {
			t.Errorf("%s with %s\ngot  %s\nwant …%s", row.kind, row.members, got, row.want)
		}
	}
}

// TestPermissionsNeedOneDestination: what all services speak is not known.
func TestPermissionsNeedOneDestination(t *testing.T) {
	const want = "Sources[0].Permissions cannot be specified on intentions with wildcarded destinations"
	if got := prepare(`{"Kind":"service-intentions","Name":"*","Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"PathExact":"/"}}]}]}`); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestLegacyIntentionsAreRefusedWithAllThatIsWrong, as the endpoints that name them by ID do.
func TestLegacyIntentionsAreRefusedWithAllThatIsWrong(t *testing.T) {
	permission := []*configentry.Permission{{Action: "allow"}}
	for _, row := range []struct {
		source configentry.SourceIntention
		want   string
	}{
		{configentry.SourceIntention{Name: "a", Action: "allow"}, ""},
		{configentry.SourceIntention{Name: "a", Action: "deny", LegacyMeta: map[string]string{"k": strings.Repeat("v", 512)}}, ""},
		{configentry.SourceIntention{Action: "allow"}, "1 error occurred:\n\t* SourceName must be set\n\n"},
		{configentry.SourceIntention{Name: "a", Action: "Allow"}, "1 error occurred:\n\t* Action must be set to 'allow' or 'deny'\n\n"},
		{configentry.SourceIntention{Name: "a", Permissions: permission},
			"2 errors occurred:\n\t* Action must be set to 'allow' or 'deny'\n\t* Permissions must not be set when using the legacy APIs\n\n"},
		{configentry.SourceIntention{Name: "a", Action: "deny", LegacyMeta: map[string]string{"k": strings.Repeat("v", 513)}},
			"1 error occurred:\n\t* Meta value for key \"k\" exceeds maximum length 512\n\n"},
	} {
		got := ""
		if err := row.source.CheckLegacy(); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%+v: %q, want %q", row.source, got, row.want)
		}
	}
}

func TestEditsOfAnEntryEndItsLegacy(t *testing.T) {
	when := time.Unix(1, 0)
	e := &configentry.ServiceIntentions{Sources: []*configentry.SourceIntention{{LegacyID: "1", LegacyCreateTime: &when, LegacyUpdateTime: &when}, {LegacyID: "2"}}}
	if !e.IsLegacy() {
		t.Error("all have IDs, and it is no legacy")
	}
	e.Sources[1].LegacyID = ""
	if e.IsLegacy() {
		t.Error("one has no ID, and it is legacy")
	}
	e.DropLegacy()
	if s := e.Sources[0]; s.LegacyID != "" || s.LegacyCreateTime != nil || s.LegacyUpdateTime != nil {
		t.Errorf("left: %+v", s)
	}
}

func TestProvidersThatIntentionsNeed(t *testing.T) {
	e, err := configentry.DecodeJSON(strings.NewReader(`{"Kind":"service-intentions","Name":"x","JWT":{"Providers":[{"Name":"b"},{"Name":"a"}]},"Sources":[
		{"Name":"s"},{"Name":"t","Permissions":[{"JWT":{"Providers":[{"Name":"c"},{"Name":"a"}]}},{}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := e.(*configentry.ServiceIntentions).Providers(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %q", got)
	}
}

// TestPrecedenceOfIntentions: exact names come before wildcards, the destination
// first (reference/http-mesh-ui.md §2).
func TestPrecedenceOfIntentions(t *testing.T) {
	for _, row := range []struct {
		source, destination string
		want                int
	}{{"a", "b", 9}, {"*", "b", 8}, {"a", "*", 6}, {"*", "*", 5}} {
		if got := configentry.Precedence(row.source, row.destination); got != row.want {
			t.Errorf("%s to %s: %d, want %d", row.source, row.destination, got, row.want)
		}
	}
}

func TestWhatEntriesSayOfThemselves(t *testing.T) {
	of := func(body string) configentry.Entry {
		entry, err := configentry.DecodeJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return entry
	}
	for body, plaintext := range map[string]bool{
		`{"Kind":"service-defaults","Name":"x"}`:                                 false,
		`{"Kind":"service-defaults","Name":"x","MutualTLSMode":"strict"}`:        false,
		`{"Kind":"service-defaults","Name":"x","MutualTLSMode":"permissive"}`:    true,
		`{"Kind":"proxy-defaults","Name":"global"}`:                              false,
		`{"Kind":"proxy-defaults","Name":"global","MutualTLSMode":"permissive"}`: true,
		`{"Kind":"mesh"}`: false,
		`{"Kind":"mesh","AllowEnablingPermissiveMutualTLS":true}`: true,
		`{"Kind":"tcp-route","Name":"x"}`:                         false,
	} {
		if got := configentry.PermitsPlaintext(of(body)); got != plaintext {
			t.Errorf("%s permits plaintext: %t", body, got)
		}
	}
	for body, name := range map[string]string{`{"Kind":"mesh"}`: "mesh", `{"Kind":"proxy-defaults","Name":"global"}`: "global", `{"Kind":"tcp-route","Name":"x"}`: "x", `{"Kind":"tcp-route"}`: ""} {
		if got := of(body).EntryName(); got != name {
			t.Errorf("%s is called %q", body, got)
		}
	}
	for protocol, http := range map[string]bool{"http": true, "http2": true, "grpc": true, "tcp": false, "": false, "HTTP": false} {
		if configentry.IsHTTP(protocol) != http {
			t.Errorf("%q is HTTP: %t", protocol, !http)
		}
	}
	for body, protocol := range map[string]string{`"Config":{"protocol":"HTTP"}`: "http", `"Config":{"protocol":5}`: "", `"Config":{}`: "", `"Protocol":"http"`: ""} {
		if got := of(`{"Kind":"proxy-defaults","Name":"global",` + body + `}`).(*configentry.ProxyDefaults).DefaultProtocol(); got != protocol {
			t.Errorf("%s: services speak %q, want %q", body, got, protocol)
		}
	}
	resolver := of(`{"Kind":"service-resolver","Name":"x","Subsets":{"v1":{}}}`).(*configentry.ServiceResolver)
	for subset, has := range map[string]bool{"": true, "v1": true, "v2": false} {
		if resolver.HasSubset(subset) != has {
			t.Errorf("subset %q: %t", subset, !has)
		}
	}
	for body, has := range map[string]bool{
		`[{"Name":"a","Action":"deny"}]`: false,
		`[{"Name":"a","Action":"deny"},{"Name":"b","Permissions":[{"Action":"deny","HTTP":{"PathExact":"/"}}]}]`: true,
	} {
		if got := of(`{"Kind":"service-intentions","Name":"x","Sources":` + body + `}`).(*configentry.ServiceIntentions).HasPermissions(); got != has {
			t.Errorf("%s has permissions: %t", body, got)
		}
	}
}

// TestSpansAreReadAndShownAsText: "5s", where other durations are nanoseconds.
func TestSpansAreReadAndShownAsText(t *testing.T) {
	for _, row := range []struct{ timeout, want string }{
		{`"5s"`, `"ConnectTimeout":"5s"`}, {`"1m30s"`, `"ConnectTimeout":"1m30s"`}, {`5000000000`, `"ConnectTimeout":"5s"`},
		{`""`, `{}`}, {`"0s"`, `{}`}, {`"soon"`, "invalid duration"}, {`true`, "ConnectTimeout"},
	} {
		if got := prepare(`{"Kind":"service-resolver","Name":"x","ConnectTimeout":` + row.timeout + `}`); row.want != "{}" && !strings.Contains(got, row.want) || row.want == "{}" && strings.Contains(got, "ConnectTimeout") {
			t.Errorf("%s: %s, want %s", row.timeout, got, row.want)
		}
	}
	var span configentry.Span
	for text, want := range map[string]string{`"2s"`: "2s", `5`: "", `"x"`: ""} {
		if err := json.Unmarshal([]byte(text), &span); (err == nil) != (want != "") || err == nil && span.String() != want {
			t.Errorf("%s: %v, %v", text, span, err)
		}
	}
}
