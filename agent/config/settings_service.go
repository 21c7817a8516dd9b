package config

// serviceSettings is a service definition in a file (reference/config.md §7).
type serviceSettings struct {
	Kind              *string                           `cfg:"kind" help:"empty, or connect-proxy or a gateway kind"`
	ID                *string                           `cfg:"id" help:"unique on this agent; the name when not set"`
	Name              *string                           `cfg:"name" help:"name of the service"`
	Tags              []string                          `cfg:"tags" help:"tags of the instance"`
	Address           *string                           `cfg:"address" help:"IP or host name; the node's when not set"`
	TaggedAddresses   map[string]serviceAddressSettings `cfg:"tagged_addresses" help:"further addresses, such as wan"`
	Meta              map[string]string                 `cfg:"meta" help:"key/value pairs shown with the instance"`
	Port              *int                              `cfg:"port" help:"port of the instance"`
	SocketPath        *string                           `cfg:"socket_path" help:"Unix socket instead of address and port"`
	Check             *checkSettings                    `cfg:"check"`
	Checks            []checkSettings                   `cfg:"checks"`
	Token             *string                           `cfg:"token" help:"ACL token that registers the service"`
	Weights           *weightSettings                   `cfg:"weights"`
	EnableTagOverride *bool                             `cfg:"enable_tag_override" help:"others may change the tags in the catalog"`
	Proxy             *proxySettings                    `cfg:"proxy"`
	Connect           *serviceConnect                   `cfg:"connect"`
	Locality          *localitySettings                 `cfg:"locality"`
	Namespace         *string                           `cfg:"namespace" use:"ent"`
	Partition         *string                           `cfg:"partition" use:"ent"`

	origin string // the source that defined it
}

type serviceAddressSettings struct {
	Address *string `cfg:"address"`
	Port    *int    `cfg:"port"`
}

type weightSettings struct {
	Passing *int `cfg:"passing" help:"SRV weight while passing"`
	Warning *int `cfg:"warning" help:"SRV weight while warning"`
}

type serviceConnect struct {
	Native  *bool            `cfg:"native" help:"the service speaks mesh TLS itself"`
	Sidecar *serviceSettings `cfg:"sidecar_service" recursive:"y"`
}

// checkSettings is a check definition in a file (reference/config.md §8).
type checkSettings struct {
	ID                     *string             `cfg:"id" help:"unique on this agent"`
	Name                   *string             `cfg:"name" help:"what people call it"`
	Notes                  *string             `cfg:"notes" help:"free text"`
	ServiceID              *string             `cfg:"service_id" alias:"ServiceID" help:"service that the check belongs to"`
	Token                  *string             `cfg:"token" help:"ACL token that registers the check"`
	Status                 *string             `cfg:"status" help:"status before the first run"`
	ScriptArgs             []string            `cfg:"args" alias:"ScriptArgs" help:"command and its arguments"`
	HTTP                   *string             `cfg:"http" help:"URL to fetch"`
	Header                 map[string][]string `cfg:"header" help:"headers of the HTTP request"`
	Method                 *string             `cfg:"method" help:"method of the HTTP request"`
	Body                   *string             `cfg:"body" help:"body of the HTTP request"`
	DisableRedirects       *bool               `cfg:"disable_redirects" help:"judge a redirect itself"`
	OutputMaxSize          *int                `cfg:"output_max_size" help:"bytes kept of the output"`
	TCP                    *string             `cfg:"tcp" help:"host:port to connect to"`
	TCPUseTLS              *bool               `cfg:"tcp_use_tls" help:"the TCP check speaks TLS"`
	UDP                    *string             `cfg:"udp" help:"host:port to send to"`
	Interval               *string             `cfg:"interval" help:"time between runs"`
	DockerContainerID      *string             `cfg:"docker_container_id" alias:"DockerContainerID" help:"container in which args run"`
	Shell                  *string             `cfg:"shell" help:"shell in the container"`
	GRPC                   *string             `cfg:"grpc" help:"host:port/service to ask for its health"`
	GRPCUseTLS             *bool               `cfg:"grpc_use_tls" help:"the gRPC check speaks TLS"`
	TLSServerName          *string             `cfg:"tls_server_name" help:"name expected in the certificate"`
	TLSSkipVerify          *bool               `cfg:"tls_skip_verify" alias:"TLSSkipVerify" help:"accept any certificate"`
	AliasNode              *string             `cfg:"alias_node" help:"node whose health counts"`
	AliasService           *string             `cfg:"alias_service" help:"service whose health counts"`
	Timeout                *string             `cfg:"timeout" help:"time for one run"`
	TTL                    *string             `cfg:"ttl" help:"time within which somebody must report"`
	H2Ping                 *string             `cfg:"h2ping" help:"host:port to ping over HTTP/2"`
	H2PingUseTLS           *bool               `cfg:"h2ping_use_tls" help:"the HTTP/2 check speaks TLS"`
	OSService              *string             `cfg:"os_service" help:"operating system service, Windows only"`
	SuccessBeforePassing   *int                `cfg:"success_before_passing" help:"good results in a row before passing"`
	FailuresBeforeWarning  *int                `cfg:"failures_before_warning" help:"bad results in a row before warning"`
	FailuresBeforeCritical *int                `cfg:"failures_before_critical" help:"bad results in a row before critical"`
	DeregisterAfter        *string             `cfg:"deregister_critical_service_after" alias:"DeregisterCriticalServiceAfter" help:"removes a service that stays critical"`
	Namespace              *string             `cfg:"namespace" use:"ent"`
	Partition              *string             `cfg:"partition" use:"ent"`

	origin string // the source that defined it
}

type proxySettings struct {
	DestinationServiceName *string            `cfg:"destination_service_name" help:"service behind the proxy"`
	DestinationServiceID   *string            `cfg:"destination_service_id" help:"instance behind the proxy"`
	LocalServiceAddress    *string            `cfg:"local_service_address" help:"address of the instance"`
	LocalServicePort       *int               `cfg:"local_service_port" help:"port of the instance"`
	LocalServiceSocketPath *string            `cfg:"local_service_socket_path" help:"Unix socket of the instance"`
	Mode                   *string            `cfg:"mode" help:"empty, direct or transparent"`
	Config                 map[string]any     `cfg:"config" help:"settings for the proxy itself"`
	Upstreams              []upstreamSettings `cfg:"upstreams" help:"services that the instance calls"`
	MeshGateway            *gatewaySettings   `cfg:"mesh_gateway"`
	Expose                 *exposeSettings    `cfg:"expose"`
	TransparentProxy       *transparent       `cfg:"transparent_proxy"`
	AccessLogs             map[string]any     `cfg:"access_logs" use:"later"`
	EnvoyExtensions        []map[string]any   `cfg:"envoy_extensions" use:"later"`
}

type upstreamSettings struct {
	DestinationType      *string          `cfg:"destination_type"`
	DestinationName      *string          `cfg:"destination_name"`
	DestinationPeer      *string          `cfg:"destination_peer"`
	DestinationNamespace *string          `cfg:"destination_namespace"`
	DestinationPartition *string          `cfg:"destination_partition"`
	Datacenter           *string          `cfg:"datacenter"`
	LocalBindAddress     *string          `cfg:"local_bind_address"`
	LocalBindPort        *int             `cfg:"local_bind_port"`
	LocalBindSocketPath  *string          `cfg:"local_bind_socket_path"`
	LocalBindSocketMode  *string          `cfg:"local_bind_socket_mode"`
	Config               map[string]any   `cfg:"config"`
	MeshGateway          *gatewaySettings `cfg:"mesh_gateway"`
}

type gatewaySettings struct {
	Mode *string `cfg:"mode"`
}

type exposeSettings struct {
	Checks *bool                `cfg:"checks"`
	Paths  []exposePathSettings `cfg:"paths"`
}

type exposePathSettings struct {
	ListenerPort  *int    `cfg:"listener_port"`
	Path          *string `cfg:"path"`
	LocalPathPort *int    `cfg:"local_path_port"`
	Protocol      *string `cfg:"protocol"`
}

type transparent struct {
	OutboundListenerPort *int  `cfg:"outbound_listener_port"`
	DialedDirectly       *bool `cfg:"dialed_directly"`
}
