package config

import (
	"net"
	"net/netip"
	"time"

	"praetor/catalog"
	"praetor/internal/configentry"
)

// Runtime is the finished configuration of one agent: every source merged,
// every default filled in, every value checked. It is never changed; a reload
// makes another.
type Runtime struct {
	Datacenter        string
	PrimaryDatacenter string
	NodeName          string
	NodeID            string // as configured, lower case; "" means that NodeID decides
	DisableHostNodeID bool
	NodeMeta          map[string]string
	Locality          *catalog.Locality // nil when not given
	DataDir           string            // "" only with Dev
	PidFile           string
	Domain            string
	AltDomain         string
	Server            bool
	Dev               bool
	Bootstrap         bool
	BootstrapExpect   int // 0, or at least 2
	ReadReplica       bool
	ServerName        string
	Protocol          int

	BindAddr               netip.Addr
	ClientAddrs            []netip.Addr
	AdvertiseAddrLAN       netip.Addr
	AdvertiseAddrWAN       netip.Addr
	TaggedAddresses        map[string]string // lan, wan, lan_ipv4, … and those of the user
	TranslateWANAddrs      bool
	Ports                  Ports
	SerfBindLAN            netip.AddrPort
	SerfBindWAN            netip.AddrPort // port 0: no WAN pool
	SerfAdvertiseLAN       netip.AddrPort
	SerfAdvertiseWAN       netip.AddrPort
	RPCBind                netip.AddrPort
	RPCAdvertise           netip.AddrPort
	DNSAddrs               []Addr
	DNSTLSAddrs            []Addr
	HTTPAddrs              []Addr
	HTTPSAddrs             []Addr
	GRPCAddrs              []Addr
	GRPCTLSAddrs           []Addr
	UnixSockets            UnixSockets
	SerfAllowedCIDRsLAN    []netip.Prefix // empty: all
	SerfAllowedCIDRsWAN    []netip.Prefix
	JoinLAN                Join
	JoinWAN                Join
	RejoinAfterLeave       bool
	LeaveOnTerm            bool
	SkipLeaveOnInt         bool
	DisableKVKeyValidation bool
	ReconnectTimeoutLAN    time.Duration
	ReconnectTimeoutWAN    time.Duration
	AdvertiseReconnect     time.Duration // clients only; 0: others use their own
	DefaultQueryTime       time.Duration
	MaxQueryTime           time.Duration
	DiscoveryMaxStale      time.Duration
	SessionTTLMin          time.Duration // 0: the built-in 10 s
	ServerRejoinAgeMax     time.Duration
	UseStreaming           bool // clients follow services by stream
	RPCStreaming           bool // servers offer streams
	DisableUpdateCheck     bool
	DisableAnonSignature   bool
	EnableDebug            bool
	AutoReload             bool
	PeeringEnabled         bool
	ConnectEnabled         bool
	AutoEncrypt            AutoEncrypt
	ConnectCAProvider      string         // consul, vault or aws-pca
	ConnectCAConfig        map[string]any // of the provider
	DefaultIntention       string         // allow or deny; "" for what ACLs say
	ConnectDeregister      time.Duration  // of default sidecar checks; 0: never

	Log         Log
	DNS         DNS
	HTTP        HTTP
	Limits      Limits
	Cache       Cache
	Gossip      Gossip
	Raft        Raft
	Autopilot   Autopilot
	Entries     []configentry.Entry // the first leader writes those that are not there
	Performance Performance
	Checks      Checks
	UI          UI
	ACL         ACL
	TLS         TLS
	Telemetry   Telemetry
	Backups     Backups
	History     catalog.HistoryOptions

	Services   []ServiceDefinition
	NodeChecks []CheckDefinition
	Watches    []Watch

	// Watched are the files and folders that make up this configuration, for
	// auto_reload_config: sources and TLS files.
	Watched []string

	flags    *Flags
	settings *settings // what was merged, to compare after a reload
}

// Addr is where a client listener stands: an IP and port, or a Unix socket.
type Addr struct {
	netip.AddrPort
	Path string // of a Unix socket; then AddrPort is zero
}

// Network and String make Addr a net.Addr.
func (a Addr) Network() string {
	if a.Path != "" {
		return "unix"
	}
	return "tcp"
}

func (a Addr) String() string {
	if a.Path != "" {
		return a.Path
	}
	return a.AddrPort.String()
}

// Ports are port numbers; -1 means off. Ranges are inclusive, 0-0 means off.
type Ports struct {
	DNS, DNSTLS, HTTP, HTTPS, GRPC, GRPCTLS int
	SerfLAN, SerfWAN, Server                int
	SidecarMin, SidecarMax                  int
	ExposeMin, ExposeMax                    int
}

// UnixSockets is what created sockets are given; "" leaves a part as it is.
type UnixSockets struct {
	User, Group, Mode string
}

// Join is what to contact at start.
type Join struct {
	Addresses   []string // host, host:port, or a discovery string with provider=
	Interval    time.Duration
	MaxAttempts int // 0: no limit
}

// Log says what is logged and where.
type Log struct {
	Level          string // upper case
	JSON           bool
	File           string
	RotateDuration time.Duration
	RotateBytes    int
	RotateMaxFiles int
	Syslog         bool
	SyslogFacility string
}

// DNS is dns_config with the recursors.
type DNS struct {
	AllowStale         bool
	MaxStale           time.Duration
	NodeTTL            time.Duration
	ServiceTTL         map[string]time.Duration // by name; "*" and prefix* patterns
	OnlyPassing        bool
	EnableTruncate     bool
	UDPAnswerLimit     int
	UDPMaxSize         int // bytes
	ARecordLimit       int // 0: no limit
	DisableCompression bool
	Recursors          []string // host:port
	RecursorStrategy   string   // sequential or random
	RecursorTimeout    time.Duration
	NodeMetaTXT        bool
	SOA                SOA
	UseCache           bool
	CacheMaxAge        time.Duration
}

// SOA are the numbers of the SOA record, in seconds.
type SOA struct {
	Refresh, Retry, Expire, MinTTL uint32
}

// HTTP is http_config.
type HTTP struct {
	BlockEndpoints          []string
	AllowWriteFrom          []netip.Prefix // empty: all
	ResponseHeaders         map[string]string
	AllowedHosts            []string // beside the machine's own, for browsers; lower case
	UseCache                bool
	MaxHeaderBytes          int // 0: 64 KiB
	ReadHeaderTimeout       time.Duration
	ReadTimeout             time.Duration
	WriteTimeout            time.Duration
	IdleTimeout             time.Duration
	AllowUnprintableInPaths bool
}

// Limits bound what one client may ask. Rates are per second; negative means
// no limit.
type Limits struct {
	HTTPMaxConnsPerClient int // 0: no limit
	HTTPMaxConns          int // 0: no limit
	HTTPMaxRequests       int // of one address a second; 0: no limit
	HTTPMaxBodyBytes      uint64
	HTTPSHandshakeTimeout time.Duration
	RPCHandshakeTimeout   time.Duration
	RPCClientTimeout      time.Duration
	RPCRate               float64
	RPCMaxBurst           int
	RPCMaxConnsPerClient  int // 0: no limit
	KVMaxValueSize        uint64
	TxnMaxReqLen          uint64
	RequestMode           string // disabled, permissive or enforcing
	ReadRate              float64
	WriteRate             float64
}

// Cache bounds how often a cache entry is fetched; a negative rate means no limit.
type Cache struct {
	FetchRate     float64
	FetchMaxBurst int
}

// Gossip is how members keep in touch.
type Gossip struct {
	LAN, WAN           GossipTiming
	EncryptKey         string // base64
	VerifyIncoming     bool
	VerifyOutgoing     bool
	DisableKeyringFile bool
	DisableCoordinates bool
}

// GossipTiming is memberlist's tuning for one pool.
type GossipTiming struct {
	GossipNodes    int
	GossipInterval time.Duration
	ProbeInterval  time.Duration
	ProbeTimeout   time.Duration
	SuspicionMult  int
	RetransmitMult int
}

// Raft is how the replicated log is timed and kept. Timeouts are scaled by
// performance.raft_multiplier already.
type Raft struct {
	HeartbeatTimeout   time.Duration
	ElectionTimeout    time.Duration
	LeaderLeaseTimeout time.Duration
	SnapshotThreshold  uint64
	SnapshotInterval   time.Duration
	TrailingLogs       uint64
	PreVoteDisabled    bool
	Backend            string // default, wal or boltdb
	DisableLogCache    bool
	Verify             bool
	VerifyInterval     time.Duration
	NoFreelistSync     bool
	SegmentSizeMB      int
}

// Autopilot seeds the replicated autopilot configuration.
type Autopilot struct {
	CleanupDeadServers      bool
	LastContactThreshold    time.Duration
	MaxTrailingLogs         uint64
	MinQuorum               uint
	ServerStabilizationTime time.Duration
	RedundancyZoneTag       string // key of node metadata; "": zones do not matter
	UpgradeVersionTag       string // key of node metadata; "": versions do not matter
	DisableUpgradeMigration bool
}

// Performance holds what has no better home.
type Performance struct {
	RaftMultiplier        int
	LeaveDrainTime        time.Duration
	RPCHoldTimeout        time.Duration
	GRPCKeepaliveInterval time.Duration
	GRPCKeepaliveTimeout  time.Duration
}

// Checks are the settings common to all health checks.
type Checks struct {
	EnableRemoteScripts  bool // through the HTTP API
	EnableLocalScripts   bool // from files
	UseAgentTLS          bool
	SameHost             bool // redirects of HTTP checks lead to no other
	UpdateInterval       time.Duration
	OutputMaxSize        int
	DiscardOutput        bool
	CentralServiceConfig bool
	DisableRemoteExec    bool
}

// UI is ui_config.
type UI struct {
	Enabled               bool
	Dir                   string
	ContentPath           string // starts and ends with a slash
	MetricsProvider       string
	MetricsProviderFiles  []string
	MetricsOptionsJSON    string
	MetricsProxyURL       string
	MetricsProxyHeaders   []Header
	MetricsProxyAllow     []string
	DashboardURLTemplates map[string]string
}

// Header is one HTTP header.
type Header struct{ Name, Value string }

// ACL is how access is controlled.
type ACL struct {
	Enabled                bool
	DefaultPolicy          string // allow or deny
	DownPolicy             string // allow, deny, extend-cache or async-cache
	TokenTTL               time.Duration
	PolicyTTL              time.Duration
	RoleTTL                time.Duration
	EnableKeyListPolicy    bool
	EnableTokenReplication bool
	EnableTokenPersistence bool
	Tokens                 Tokens
}

// Tokens are the secrets that the agent itself uses. Never log them.
type Tokens struct {
	InitialManagement, Replication, AgentRecovery, Agent, Default, ConfigFile, DNS string
}

// TLS are the settings of each listener, defaults filled in.
type TLS struct {
	InternalRPC, HTTPS, GRPC TLSStanza
}

// TLSStanza is one listener's TLS. Nothing is loaded yet.
type TLSStanza struct {
	CAFile, CAPath       string // the file wins
	CertFile, KeyFile    string
	MinVersion           string // TLSv1_2 and so on, or TLS_AUTO
	CipherSuites         []string
	Curves               []string // key exchanges that may be spoken; none leaves them to Go
	VerifyIncoming       bool
	VerifyOutgoing       bool
	VerifyServerHostname bool
	UseAutoCert          bool
}

// Telemetry says which metrics go where.
type Telemetry struct {
	MetricsPrefix           string
	DisableHostname         bool
	PrometheusRetentionTime time.Duration // 0: off
	StatsdAddr              string
	StatsiteAddr            string
	DogstatsdAddr           string
	DogstatsdTags           []string
	FilterDefault           bool
	AllowedPrefixes         []string
	BlockedPrefixes         []string
	RetryFailedConnection   bool
	EnableHostMetrics       bool
}

// ServiceDefinition is a service from a file, ready to register.
type ServiceDefinition struct {
	Service *catalog.Service
	Checks  []*catalog.Check
	Token   string // "" means Tokens.ConfigFile, then Tokens.Default

	// Sidecar is its proxy, nil for none. A port of 0 asks for a free one from
	// the range; without Checks it gets definition.SidecarChecks.
	Sidecar *ServiceDefinition
	Origin  string // the file that it stands in, or "flags"
}

// CheckDefinition is a node-level check from a file, perhaps bound to a service
// by ServiceID. Its Type is empty, as Consul shows it; definition.CheckType
// tells how to run it.
type CheckDefinition struct {
	Check  *catalog.Check
	Token  string
	Origin string // as in ServiceDefinition
}

// Watch is a handler to call when the answer to a query changes
// (reference/config.md §9).
type Watch struct {
	Type        string
	Datacenter  string
	Token       string
	Params      map[string]any // the type's own parameters
	HandlerType string         // script or http
	Args        []string       // of a script
	Handler     string         // a shell command, deprecated form of Args
	HTTP        WatchHTTP
}

// WatchHTTP is where an http handler posts.
type WatchHTTP struct {
	Path          string
	Method        string
	Timeout       time.Duration
	Header        map[string][]string
	TLSSkipVerify bool
}

// KeepTrust gives a Runtime that nobody reads yet the authorities and the
// verification of old: auto_reload_config does not change those
// (reference/config.md §2.10).
func (r *Runtime) KeepTrust(old *Runtime) {
	r.Gossip.VerifyIncoming, r.Gossip.VerifyOutgoing = old.Gossip.VerifyIncoming, old.Gossip.VerifyOutgoing
	now, before := &r.TLS, &old.TLS
	for _, pair := range [][2]*TLSStanza{
		{&now.InternalRPC, &before.InternalRPC}, {&now.HTTPS, &before.HTTPS}, {&now.GRPC, &before.GRPC},
	} {
		to, from := pair[0], pair[1]
		to.CAFile, to.CAPath = from.CAFile, from.CAPath
		to.VerifyIncoming, to.VerifyOutgoing, to.VerifyServerHostname = from.VerifyIncoming, from.VerifyOutgoing, from.VerifyServerHostname
	}
}

// Reload reads the same sources again and returns what they say now. On any
// error nothing changed, and the old Runtime stays good. An invalid log level
// is only a warning: the old one is kept.
func (r *Runtime) Reload() (*Runtime, []string, error) {
	return load(r.flags, hostEnvironment(), r.Log.Level)
}

// AutoEncrypt says who gives and gets certificates without files.
type AutoEncrypt struct {
	TLS      bool // this client asks servers for its certificate
	AllowTLS bool // this server gives them
	DNSSAN   []string
	IPSAN    []net.IP
}
