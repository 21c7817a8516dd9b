package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// Service is one instance of a service on a node. ID is unique on its node.
type Service struct {
	Node              string // name of the node it runs on; the JSON of node-centric answers leaves it out
	Kind              string // "" or a proxy or gateway kind
	ID                string
	Service           string // the service's name
	Tags              []string
	Address           string // "" means the node's address
	TaggedAddresses   map[string]ServiceAddress
	Meta              map[string]string
	Port              int
	SocketPath        string
	Weights           Weights
	EnableTagOverride bool
	Proxy             *Proxy   // nil for plain services
	Connect           *Connect // nil for plain services
	Locality          *Locality
	CreateIndex       uint64
	ModifyIndex       uint64
}

// ServiceAddress is one address of an instance under a tag such as lan_ipv4.
type ServiceAddress struct {
	Address string
	Port    int
}

// Weights are an instance's DNS SRV weights by health. The zero value means 1 and 1.
type Weights struct {
	Passing int
	Warning int
}

// Connect marks instances that speak mesh TLS themselves.
type Connect struct {
	Native bool
}

// Proxy is the mesh part of an instance of kind connect-proxy or a gateway.
// It is stored and given back; nothing here interprets it.
type Proxy struct {
	DestinationServiceName string
	DestinationServiceID   string
	LocalServiceAddress    string
	LocalServicePort       int
	LocalServiceSocketPath string
	Mode                   string
	Config                 map[string]any
	Upstreams              []Upstream
	MeshGatewayMode        string
	Expose                 *Expose
	TransparentProxy       *TransparentProxy
}

// Upstream is a service that a proxy reaches for its own.
type Upstream struct {
	DestinationType      string
	DestinationNamespace string
	DestinationPartition string
	DestinationPeer      string
	DestinationName      string
	Datacenter           string
	LocalBindAddress     string
	LocalBindPort        int
	LocalBindSocketPath  string
	LocalBindSocketMode  string
	Config               map[string]any
	MeshGatewayMode      string
	CentrallyConfigured  bool
}

// Expose lists paths a proxy serves without mesh TLS.
type Expose struct {
	Checks bool
	Paths  []ExposePath
}

// ExposePath is one path of Expose.
type ExposePath struct {
	ListenerPort    int
	Path            string
	LocalPathPort   int
	Protocol        string
	ParsedFromCheck bool
}

// TransparentProxy is the redirection set-up of a proxy.
type TransparentProxy struct {
	OutboundListenerPort int
	DialedDirectly       bool
}
