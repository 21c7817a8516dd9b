package configentry

import (
	"reflect"
	"slices"

	"praetor/internal/structhash"
)

// Hash returns the number that tells entries apart by what they say. It is Consul's
// where transcripts show one (conformance mesh/config_misc_kinds): FNV over the names
// of types and members, and what these hold.
func Hash(e Entry) uint64 { return structhash.Of(e, hashForm) }

// hashNames are the names of types that Consul calls otherwise.
var hashNames = map[string]string{
	"ServiceDefaults": "ServiceConfigEntry", "ProxyDefaults": "ProxyConfigEntry", "ServiceRouter": "ServiceRouterConfigEntry",
	"ServiceSplitter": "ServiceSplitterConfigEntry", "ServiceResolver": "ServiceResolverConfigEntry",
	"ServiceIntentions": "ServiceIntentionsConfigEntry", "IngressGateway": "IngressGatewayConfigEntry",
	"TerminatingGateway": "TerminatingGatewayConfigEntry", "Mesh": "MeshConfigEntry", "ExportedServices": "ExportedServicesConfigEntry",
	"APIGateway": "APIGatewayConfigEntry", "BoundAPIGateway": "BoundAPIGatewayConfigEntry", "HTTPRoute": "HTTPRouteConfigEntry",
	"TCPRoute": "TCPRouteConfigEntry", "InlineCertificate": "InlineCertificateConfigEntry",
	"FileSystemCertificate": "FileSystemCertificateConfigEntry", "JWTProvider": "JWTProviderConfigEntry",

	"TransparentProxy": "TransparentProxyConfig", "MeshGateway": "MeshGatewayConfig", "Expose": "ExposeConfig", "AccessLogs": "AccessLogsConfig",
	"Upstreams": "UpstreamConfiguration", "Upstream": "UpstreamConfig", "Destination": "DestinationConfig",
	"InstanceRateLimits": "InstanceLevelRateLimits", "RouteRateLimits": "InstanceLevelRouteRateLimits",
	"MeshTransparentProxy": "TransparentProxyMeshConfig", "MeshTLS": "MeshTLSConfig", "TLSParams": "MeshDirectionalTLSConfig",
	"MeshHTTP": "MeshHTTPConfig", "MeshHTTPIncoming": "MeshDirectionalHTTPConfig", "RequestNormalization": "RequestNormalizationMeshConfig",
	"MeshPeering": "PeeringMeshConfig", "Consumer": "ServiceConsumer",
	"GatewayTLS": "GatewayTLSConfig", "GatewaySDS": "GatewayTLSSDSConfig", "ServiceTLS": "GatewayServiceTLSConfig", "IngressDefaults": "IngressServiceConfig",
	"APIListener": "APIGatewayListener", "APIListenerTLS": "APIGatewayTLSConfiguration", "APIPolicy": "APIGatewayPolicy", "GatewayJWT": "APIGatewayJWTRequirement",
	"RouteRule": "HTTPRouteRule", "RouteFilters": "HTTPFilters", "ResponseFilters": "HTTPResponseFilters", "HeaderFilter": "HTTPHeaderFilter",
	"RuleMatch": "HTTPMatch", "NameMatch": "HTTPHeaderMatch", "QueryMatch": "HTTPQueryMatch", "PathMatch": "HTTPPathMatch", "RuleService": "HTTPService",
	"Route": "ServiceRoute", "RouteMatch": "ServiceRouteMatch", "HTTPMatch": "ServiceRouteHTTPMatch", "ValueMatch": "ServiceRouteHTTPMatchHeader",
	"ParamMatch": "ServiceRouteHTTPMatchQueryParam", "RouteDestination": "ServiceRouteDestination", "HeaderModifiers": "HTTPHeaderModifiers",
	"Split": "ServiceSplit", "Subset": "ServiceResolverSubset", "Redirect": "ServiceResolverRedirect", "Failover": "ServiceResolverFailover",
	"FailoverTarget": "ServiceResolverFailoverTarget", "FailoverPolicy": "ServiceResolverFailoverPolicy",
	"Permission": "IntentionPermission", "PermissionHTTP": "IntentionHTTPPermission", "PermissionHeader": "IntentionHTTPHeaderPermission",
	"JWTRequirement": "IntentionJWTRequirement", "JWTRequired": "IntentionJWTProvider", "JWTClaim": "IntentionJWTClaimVerification",
	"JWTHeader": "JWTLocationHeader", "JWTForwarding": "JWTForwardingConfig", "JWTCache": "JWTCacheConfig",
	"JWKSBackOff": "RetryPolicyBackOff", "JWKSTLSCertificates": "JWKSTLSCertificate",
}

// hashTenants are the types, beside entries, that have a member for Enterprise, which
// is empty.
var hashTenants = []string{"LinkedService", "IngressService", "TCPService", "RuleService", "ResourceReference", "SourceIntention"}

// hashNewer are members that later versions brought: what does not have them keeps its hash.
var hashNewer = map[string][]string{
	"ServiceDefaults": {"MaxRequestHeadersKB"}, "APIGateway": {"TLS", "Defaults", "ExtAuthz"}, "APIListener": {"MaxRequestHeadersKB"},
	"APIListenerTLS": {"SDS"}, "UpstreamLimits": {"PassiveHealthCheck"}, "TCPService": {"TLS", "Limits"}, "RuleService": {"TLS", "Limits"},
	"RouteFilters": {"ExtProc", "ExtAuthz"},
}

// hashKindless are the kinds whose entries hold nothing that names it.
var hashKindless = []string{"Mesh", "ExportedServices"}

var hashForm = structhash.Form{Struct: hashStruct, Member: hashMember}

func hashStruct(t reflect.Type) (shown string, more uint64) {
	shown = t.Name()
	if theirs, ok := hashNames[shown]; ok {
		shown = theirs
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[Entry]()) || slices.Contains(hashTenants, t.Name()) {
		more = structhash.Member("EnterpriseMeta", structhash.Text("EnterpriseMeta"))
	}
	switch t.Name() { // members that nothing is ever in
	case "IngressService":
		more ^= structhash.Member("Meta", 0)
	case "ExportedService":
		more ^= structhash.Member("Namespace", structhash.Text(""))
	}
	return shown, more
}

func hashMember(of reflect.Type, f reflect.StructField, v reflect.Value) (holds reflect.Value, counts bool) {
	switch {
	case slices.Contains([]string{"CreateIndex", "ModifyIndex", "Hash"}, f.Name),
		f.Name == "Kind" && slices.Contains(hashKindless, of.Name()),
		slices.Contains(hashNewer[of.Name()], f.Name) && v.IsZero():
		return v, false
	case f.Type == reflect.TypeFor[Status](): // the controller's, not the entry's
		return reflect.New(f.Type).Elem(), true
	}
	return v, true
}
