package config

type rpcSettings struct {
	EnableStreaming *bool `cfg:"enable_streaming" use:"later" unset:"true on servers" help:"servers offer event streams"`
}

type addressSettings struct {
	DNS     *string `cfg:"dns" help:"IPs for DNS, client_addr when not set"`
	HTTP    *string `cfg:"http" help:"IPs and unix:// paths for HTTP, client_addr when not set"`
	HTTPS   *string `cfg:"https" help:"IPs and unix:// paths for HTTPS, client_addr when not set"`
	GRPC    *string `cfg:"grpc" help:"IPs and unix:// paths for gRPC, client_addr when not set"`
	GRPCTLS *string `cfg:"grpc_tls" help:"IPs and unix:// paths for gRPC with TLS, client_addr when not set"`
}

type portSettings struct {
	DNS        *int `cfg:"dns" help:"DNS, TCP and UDP; -1 turns it off"`
	DNSTLS     *int `cfg:"dns_tls" help:"DNS over TLS, with the certificate of tls.https, on the IPs of DNS; -1 turns it off"`
	HTTP       *int `cfg:"http" help:"HTTP API; -1 turns it off"`
	HTTPS      *int `cfg:"https" help:"HTTPS API; -1 turns it off"`
	GRPC       *int `cfg:"grpc" help:"gRPC without TLS; -1 turns it off"`
	GRPCTLS    *int `cfg:"grpc_tls" unset:"8503 on servers, else -1" help:"gRPC with TLS; -1 turns it off"`
	SerfLAN    *int `cfg:"serf_lan" help:"LAN gossip, TCP and UDP"`
	SerfWAN    *int `cfg:"serf_wan" help:"WAN gossip, TCP and UDP; -1 turns the WAN off"`
	Server     *int `cfg:"server" help:"RPC between agents"`
	SidecarMin *int `cfg:"sidecar_min_port" help:"first port for sidecars without one"`
	SidecarMax *int `cfg:"sidecar_max_port" help:"last port for sidecars without one"`
	ExposeMin  *int `cfg:"expose_min_port" use:"later" help:"first port for exposed checks"`
	ExposeMax  *int `cfg:"expose_max_port" use:"later" help:"last port for exposed checks"`
	ProxyMin   *int `cfg:"proxy_min_port" help:"legacy: checked only"`
	ProxyMax   *int `cfg:"proxy_max_port" help:"legacy: checked only"`
}

type unixSettings struct {
	User  *string `cfg:"user" help:"owner of created sockets, name or number"`
	Group *string `cfg:"group" help:"group of created sockets, a number"`
	Mode  *string `cfg:"mode" help:"mode of created sockets, octal"`
}

type cacheSettings struct {
	FetchRate     *float64 `cfg:"entry_fetch_rate" unset:"-1, no limit" help:"fetches per second and cache entry" reload:"y"`
	FetchMaxBurst *int     `cfg:"entry_fetch_max_burst" help:"burst of entry_fetch_rate" reload:"y"`
}

type limitSettings struct {
	HTTPMaxConns     *int            `cfg:"http_max_conns_per_client" help:"HTTP connections from one IP" reload:"y"`
	HTTPMaxRequests  *int            `cfg:"http_max_requests_per_client" help:"HTTP requests from one IP a second, 0 for any number" reload:"y"`
	HTTPMaxAllConns  *int            `cfg:"http_max_conns" help:"HTTP connections from all other machines together, 0 for any number; at most half of the files that the system lets it open" reload:"y"`
	HTTPMaxBody      *uint64         `cfg:"http_max_request_body_size" help:"bytes of an HTTP request's body; keys, transactions and snapshots have bounds of their own"`
	HTTPSHandshake   *string         `cfg:"https_handshake_timeout" help:"time for a TLS handshake of HTTPS"`
	RPCHandshake     *string         `cfg:"rpc_handshake_timeout" help:"time for a TLS handshake of RPC"`
	RPCClientTimeout *string         `cfg:"rpc_client_timeout" help:"time for an RPC that does not block" reload:"y"`
	RPCRate          *float64        `cfg:"rpc_rate" help:"RPCs per second to servers, -1 for no limit" reload:"y"`
	RPCMaxBurst      *int            `cfg:"rpc_max_burst" help:"burst of rpc_rate" reload:"y"`
	RPCMaxConns      *int            `cfg:"rpc_max_conns_per_client" help:"RPC connections from one IP" reload:"y"`
	KVMaxValueSize   *uint64         `cfg:"kv_max_value_size" help:"bytes of a KV value"`
	TxnMaxReqLen     *uint64         `cfg:"txn_max_req_len" help:"bytes of a transaction"`
	RequestLimits    requestSettings `cfg:"request_limits"`
}

type requestSettings struct {
	Mode      *string  `cfg:"mode" help:"disabled, permissive or enforcing" reload:"y"`
	ReadRate  *float64 `cfg:"read_rate" help:"reads per second and server, -1 for no limit" reload:"y"`
	WriteRate *float64 `cfg:"write_rate" help:"writes per second and server, -1 for no limit" reload:"y"`
}

type httpSettings struct {
	BlockEndpoints     []string          `cfg:"block_endpoints" help:"URL path prefixes that are refused"`
	AllowWriteHTTPFrom []string          `cfg:"allow_write_http_from" help:"networks that may write through agent endpoints"`
	ResponseHeaders    map[string]string `cfg:"response_headers" help:"headers added to every answer; pages of the origin in Access-Control-Allow-Origin may write too"`
	AllowedHosts       []string          `cfg:"allowed_hosts" help:"names under which browsers reach a loopback listener, beside IP addresses, localhost and the node's; *.NAME for all below one" reload:"y"`
	UseCache           *bool             `cfg:"use_cache" help:"allow ?cached"`
	MaxHeaderBytes     *int              `cfg:"max_header_bytes" help:"bytes of request headers, 0 for 64 KiB"`
	ReadHeaderTimeout  *string           `cfg:"read_header_timeout" help:"time for a client to send a request's headers"`
	ReadTimeout        *string           `cfg:"read_timeout" help:"time for a client to send a request's body; one of which nothing comes for a minute is given up before, and that of a snapshot takes as long as it goes on"`
	WriteTimeout       *string           `cfg:"write_timeout" help:"time that a client may take nothing of an answer that is being sent; queries that wait are not cut"`
	IdleTimeout        *string           `cfg:"idle_timeout" help:"time that a connection without a request is kept"`
}

type dnsSettings struct {
	AllowStale         *bool             `cfg:"allow_stale" help:"any server may answer" reload:"y"`
	MaxStale           *string           `cfg:"max_stale" help:"a staler answer is asked again of the leader" reload:"y"`
	NodeTTL            *string           `cfg:"node_ttl" help:"TTL of node answers" reload:"y"`
	ServiceTTL         map[string]string `cfg:"service_ttl" help:"TTL of service answers by name; * for all" reload:"y"`
	OnlyPassing        *bool             `cfg:"only_passing" help:"leave out instances with a warning" reload:"y"`
	EnableTruncate     *bool             `cfg:"enable_truncate" help:"set the TC bit on cut answers" reload:"y"`
	UDPAnswerLimit     *int              `cfg:"udp_answer_limit" help:"answers over UDP to old clients" reload:"y"`
	UDPMaxSize         *int              `cfg:"udp_max_size" help:"bytes of an answer over UDP, whatever the client takes; 512 to 65467" reload:"y"`
	ARecordLimit       *int              `cfg:"a_record_limit" help:"A and AAAA records in an answer, 0 for no limit" reload:"y"`
	DisableCompression *bool             `cfg:"disable_compression" help:"do not compress names" reload:"y"`
	RecursorStrategy   *string           `cfg:"recursor_strategy" help:"sequential or random" reload:"y"`
	RecursorTimeout    *string           `cfg:"recursor_timeout" help:"time for a recursor to answer" reload:"y"`
	NodeMetaTXT        *bool             `cfg:"enable_additional_node_meta_txt" help:"add node metadata as TXT records" reload:"y"`
	SOA                soaSettings       `cfg:"soa"`
	UseCache           *bool             `cfg:"use_cache" help:"cache_max_age counts" reload:"y"`
	CacheMaxAge        *string           `cfg:"cache_max_age" help:"an answer may be this old while servers cannot be asked; 0 means max_stale" reload:"y"`
	PreferNamespace    *bool             `cfg:"prefer_namespace" use:"ent"`
}

type soaSettings struct {
	Refresh *uint32 `cfg:"refresh" help:"SOA refresh, seconds" reload:"y"`
	Retry   *uint32 `cfg:"retry" help:"SOA retry, seconds" reload:"y"`
	Expire  *uint32 `cfg:"expire" help:"SOA expire, seconds" reload:"y"`
	MinTTL  *uint32 `cfg:"min_ttl" help:"SOA minimum TTL, seconds" reload:"y"`
}

type gossipTuning struct {
	GossipNodes    *int    `cfg:"gossip_nodes" help:"members told in each round"`
	GossipInterval *string `cfg:"gossip_interval" help:"time between rounds of gossip"`
	ProbeInterval  *string `cfg:"probe_interval" help:"time between probes"`
	ProbeTimeout   *string `cfg:"probe_timeout" help:"time for a probe to answer"`
	SuspicionMult  *int    `cfg:"suspicion_mult" help:"how long a suspect that is silent may defend itself; one that refuses connections is dead after 1 s, a client agent after 2.5 s"`
	RetransmitMult *int    `cfg:"retransmit_mult" help:"how often news is repeated"`
}

type perfSettings struct {
	RaftMultiplier    *int    `cfg:"raft_multiplier" help:"scale of Raft's timeouts, 1 to 10" reload:"y"`
	LeaveDrainTime    *string `cfg:"leave_drain_time" help:"how long a leaving server still serves"`
	RPCHoldTimeout    *string `cfg:"rpc_hold_timeout" help:"how long a request waits for a leader"`
	KeepaliveInterval *string `cfg:"grpc_keepalive_interval" help:"time between gRPC keepalives"`
	KeepaliveTimeout  *string `cfg:"grpc_keepalive_timeout" help:"time for a gRPC keepalive to answer"`
	XDSLoadBalancing  *bool   `cfg:"enable_xds_load_balancing" use:"later" help:"spread xDS streams over servers"`
}

type logStore struct {
	Backend         *string        `cfg:"backend" help:"default, wal or boltdb"`
	DisableLogCache *bool          `cfg:"disable_log_cache" help:"keep no log entries in memory"`
	Verification    verifySettings `cfg:"verification"`
	BoltDB          boltSettings   `cfg:"boltdb"`
	WAL             walSettings    `cfg:"wal"`
}

type verifySettings struct {
	Enabled  *bool   `cfg:"enabled" unset:"true with backend default" help:"check log entries for corruption"`
	Interval *string `cfg:"interval" unset:"1m" help:"time between checks"`
}

type boltSettings struct {
	NoFreelistSync *bool `cfg:"no_freelist_sync" help:"do not sync the free list"`
}

type walSettings struct {
	SegmentSizeMB *int `cfg:"segment_size_mb" help:"size of a segment, 1 to 1024"`
}

type oldBoltDB struct {
	NoFreelistSync *bool `cfg:"NoFreelistSync" help:"deprecated: raft_logstore.boltdb.no_freelist_sync"`
}

type pilotSettings struct {
	CleanupDeadServers      *bool   `cfg:"cleanup_dead_servers" help:"remove failed servers when a new one joins"`
	LastContactThreshold    *string `cfg:"last_contact_threshold" help:"longest silence of a healthy server"`
	MaxTrailingLogs         *int    `cfg:"max_trailing_logs" help:"entries by which a healthy server may trail"`
	MinQuorum               *uint   `cfg:"min_quorum" help:"fewest servers that pruning leaves"`
	ServerStabilizationTime *string `cfg:"server_stabilization_time" help:"how long a server must be healthy to vote"`
	RedundancyZoneTag       *string `cfg:"redundancy_zone_tag" help:"key of node_meta that names a server's redundancy zone, of which one votes; \"\": none"`
	UpgradeVersionTag       *string `cfg:"upgrade_version_tag" help:"key of node_meta that holds a server's version: those of the newest take over when they are enough; \"\": never"`
	DisableUpgradeMigration *bool   `cfg:"disable_upgrade_migration" help:"whether servers of a new version do not take over"`
}

type uiSettings struct {
	Enabled            *bool             `cfg:"enabled" help:"serve the built-in web UI" reload:"y"`
	Dir                *string           `cfg:"dir" help:"serve the UI from this folder instead" reload:"y"`
	ContentPath        *string           `cfg:"content_path" help:"URL path of the UI" reload:"y"`
	MetricsProvider    *string           `cfg:"metrics_provider" help:"name of the metrics provider" reload:"y"`
	MetricsFiles       []string          `cfg:"metrics_provider_files" help:"scripts of the metrics provider" reload:"y"`
	MetricsOptionsJSON *string           `cfg:"metrics_provider_options_json" help:"options of the metrics provider, a JSON object" reload:"y"`
	MetricsProxy       uiProxySettings   `cfg:"metrics_proxy"`
	DashboardURLs      map[string]string `cfg:"dashboard_url_templates" help:"links to dashboards" reload:"y"`
	HCPEnabled         *bool             `cfg:"hcp_enabled" help:"accepted and ignored"`
}

type uiProxySettings struct {
	BaseURL       *string           `cfg:"base_url" help:"URL of the metrics backend" reload:"y"`
	AddHeaders    []uiHeaderSetting `cfg:"add_headers" help:"headers added towards the metrics backend" reload:"y"`
	PathAllowlist []string          `cfg:"path_allowlist" help:"paths the UI may ask of the metrics backend" reload:"y"`
}

type uiHeaderSetting struct {
	Name  *string `cfg:"name"`
	Value *string `cfg:"value"`
}

type aclSettings struct {
	Enabled                *bool         `cfg:"enabled" help:"turn access control on"`
	DefaultPolicy          *string       `cfg:"default_policy" help:"allow or deny, where no rule decides"`
	DownPolicy             *string       `cfg:"down_policy" help:"allow, deny, extend-cache or async-cache, while ACLs cannot be fetched"`
	TokenTTL               *string       `cfg:"token_ttl" help:"how long a token stays cached"`
	PolicyTTL              *string       `cfg:"policy_ttl" help:"how long a policy stays cached"`
	RoleTTL                *string       `cfg:"role_ttl" help:"how long a role stays cached"`
	EnableKeyListPolicy    *bool         `cfg:"enable_key_list_policy" help:"listing keys needs the list permission"`
	EnableTokenReplication *bool         `cfg:"enable_token_replication" help:"secondary datacenters copy tokens"`
	EnableTokenPersistence *bool         `cfg:"enable_token_persistence" help:"keep tokens set through the API" reload:"y"`
	Tokens                 tokenSettings `cfg:"tokens"`
	MSPDisableBootstrap    *bool         `cfg:"msp_disable_bootstrap" use:"ent"`
}

type tokenSettings struct {
	InitialManagement *string `cfg:"initial_management" help:"secret of the first management token"`
	Replication       *string `cfg:"replication" help:"token for replication from the primary datacenter" reload:"y"`
	AgentRecovery     *string `cfg:"agent_recovery" help:"token for agent endpoints while servers are away" reload:"y"`
	Agent             *string `cfg:"agent" help:"token for the agent's own work" reload:"y"`
	Default           *string `cfg:"default" help:"token for requests without one" reload:"y"`
	ConfigFile        *string `cfg:"config_file_service_registration" help:"token for services and checks from files" reload:"y"`
	DNS               *string `cfg:"dns" help:"token for DNS" reload:"y"`
	Master            *string `cfg:"master" help:"deprecated: acl.tokens.initial_management"`
	AgentMaster       *string `cfg:"agent_master" help:"deprecated: acl.tokens.agent_recovery" reload:"y"`

	ManagedServiceProvider []map[string]any `cfg:"managed_service_provider" use:"ent"`
}

type tlsSettings struct {
	Defaults    tlsStanza `cfg:"defaults"`
	InternalRPC tlsStanza `cfg:"internal_rpc"`
	HTTPS       tlsStanza `cfg:"https"`
	GRPC        tlsStanza `cfg:"grpc"`
}

type tlsStanza struct {
	CAFile               *string `cfg:"ca_file" help:"file of CA certificates, PEM" reload:"y"`
	CAPath               *string `cfg:"ca_path" help:"folder of CA certificates, PEM" reload:"y"`
	CertFile             *string `cfg:"cert_file" help:"certificate, PEM" reload:"y"`
	KeyFile              *string `cfg:"key_file" help:"key of the certificate, PEM" reload:"y"`
	MinVersion           *string `cfg:"tls_min_version" unset:"\"TLSv1_2\"" help:"TLS_AUTO, TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3" reload:"y"`
	CipherSuites         *string `cfg:"tls_cipher_suites" help:"cipher suites, separated by commas" reload:"y"`
	Curves               *string `cfg:"tls_ecdh_curves" help:"key exchanges that may be spoken, separated by commas: X25519MLKEM768, which is preferred, X25519, P256 and others" reload:"y"`
	VerifyIncoming       *bool   `cfg:"verify_incoming" help:"clients must present a certificate" reload:"y"`
	VerifyOutgoing       *bool   `cfg:"verify_outgoing" help:"speak TLS to servers, and check their certificates" reload:"y"`
	VerifyServerHostname *bool   `cfg:"verify_server_hostname" help:"servers must be named server.DC.DOMAIN" reload:"y"`
	UseAutoCert          *bool   `cfg:"use_auto_cert" use:"later" help:"use the agent's automatic certificate" reload:"y"`
}

type backupSettings struct {
	Interval    *string          `cfg:"interval" help:"time between two backups that the leader takes, if local_path or s3.bucket says where"`
	Retain      *int             `cfg:"retain" help:"how many backups are kept, 0 for all"`
	LocalPath   *string          `cfg:"local_path" help:"folder on the leader, best one that all servers share"`
	ScratchPath *string          `cfg:"scratch_path" help:"folder for a backup on its way to s3, the system's when not set"`
	EncryptTo   []string         `cfg:"encrypt_to" help:"public keys (age1...): only their owners can read the backups"`
	S3          backupS3Settings `cfg:"s3"`
}

type backupS3Settings struct {
	Bucket          *string `cfg:"bucket" help:"bucket of an S3-compatible store"`
	Region          *string `cfg:"region" help:"region of the bucket"`
	KeyPrefix       *string `cfg:"key_prefix" help:"what stands before the backups' names, with a slash between"`
	Endpoint        *string `cfg:"endpoint" help:"where the store answers if it is not AWS, https://host:port"`
	PathStyle       *bool   `cfg:"force_path_style" help:"name the bucket in the path with AWS too"`
	AccessKeyID     *string `cfg:"access_key_id" help:"access key; AWS_ACCESS_KEY_ID of the environment when not set"`
	SecretAccessKey *string `cfg:"secret_access_key" help:"its secret; AWS_SECRET_ACCESS_KEY when not set"`
	SessionToken    *string `cfg:"session_token" help:"token of temporary keys; AWS_SESSION_TOKEN when not set"`
}

type historySettings struct {
	Catalog   *bool   `cfg:"catalog" help:"servers remember registrations, flips of checks and leaders" reload:"y"`
	KV        *bool   `cfg:"kv" help:"servers remember what keys were, and who changed them" reload:"y"`
	MaxAge    *string `cfg:"max_age" help:"how long they do, 0 for any time" reload:"y"`
	MaxSizeMB *int    `cfg:"max_size_mb" help:"memory for that, of keys and of the catalog each" reload:"y"`
}

type telemetrySettings struct {
	MetricsPrefix           *string  `cfg:"metrics_prefix" help:"first word of every metric"`
	DisableHostname         *bool    `cfg:"disable_hostname" help:"leave the host's name out of gauges"`
	PrometheusRetention     *string  `cfg:"prometheus_retention_time" help:"how long Prometheus metrics live, 0 turns them off"`
	StatsdAddr              *string  `cfg:"statsd_address" help:"statsd server, host:port"`
	StatsiteAddr            *string  `cfg:"statsite_address" help:"statsite server, host:port"`
	DogstatsdAddr           *string  `cfg:"dogstatsd_addr" help:"DogStatsD server, host:port or unix:// and a path"`
	DogstatsdTags           []string `cfg:"dogstatsd_tags" help:"tags sent to DogStatsD, name:value"`
	FilterDefault           *bool    `cfg:"filter_default" help:"keep metrics that no rule names"`
	PrefixFilter            []string `cfg:"prefix_filter" help:"+prefix keeps metrics, -prefix drops them" reload:"y"`
	RetryFailedConnection   *bool    `cfg:"retry_failed_connection" help:"start though a sink cannot be reached, and keep trying"`
	EnableHostMetrics       *bool    `cfg:"enable_host_metrics" help:"measure the host too"`
	DisablePerTenancyUsage  *bool    `cfg:"disable_per_tenancy_usage_metrics" help:"accepted and ignored: there are no tenants"`
	CirconusAPIApp          *string  `cfg:"circonus_api_app" use:"circonus"`
	CirconusAPIToken        *string  `cfg:"circonus_api_token" use:"circonus"`
	CirconusAPIURL          *string  `cfg:"circonus_api_url" use:"circonus"`
	CirconusBrokerID        *string  `cfg:"circonus_broker_id" use:"circonus"`
	CirconusBrokerSelectTag *string  `cfg:"circonus_broker_select_tag" use:"circonus"`
	CirconusCheckDisplay    *string  `cfg:"circonus_check_display_name" use:"circonus"`
	CirconusForceActivation *string  `cfg:"circonus_check_force_metric_activation" use:"circonus"`
	CirconusCheckID         *string  `cfg:"circonus_check_id" use:"circonus"`
	CirconusCheckInstanceID *string  `cfg:"circonus_check_instance_id" use:"circonus"`
	CirconusCheckSearchTag  *string  `cfg:"circonus_check_search_tag" use:"circonus"`
	CirconusCheckTags       *string  `cfg:"circonus_check_tags" use:"circonus"`
	CirconusSubmitInterval  *string  `cfg:"circonus_submission_interval" use:"circonus"`
	CirconusSubmitURL       *string  `cfg:"circonus_submission_url" use:"circonus"`
}

type xdsSettings struct {
	UpdateMaxPerSecond *float64 `cfg:"update_max_per_second" use:"later" help:"proxy updates per second"`
}

type peeringSettings struct {
	Enabled *bool `cfg:"enabled" use:"later" help:"allow cluster peering"`
}

type entrySettings struct {
	Bootstrap []map[string]any `cfg:"bootstrap" help:"config entries written by the first leader"`
}

type connectSettings struct {
	Enabled              *bool          `cfg:"enabled" help:"turn the service mesh on"`
	CAProvider           *string        `cfg:"ca_provider" unset:"\"consul\"" help:"consul, vault or aws-pca"`
	CAConfig             map[string]any `cfg:"ca_config" help:"settings of the CA provider, for the first leader"`
	MeshGatewayWAN       *bool          `cfg:"enable_mesh_gateway_wan_federation" use:"later" help:"reach other datacenters through mesh gateways"`
	DefaultDeregister    *string        `cfg:"default_deregister_critical_service_after" use:"later" help:"removes sidecars that stay critical"`
	EnableServerlessPlug *bool          `cfg:"enable_serverless_plugin" use:"later"`
}

type cloudSettings struct {
	ResourceID   *string `cfg:"resource_id" use:"later"`
	ClientID     *string `cfg:"client_id" use:"later"`
	ClientSecret *string `cfg:"client_secret" use:"later"`
	Hostname     *string `cfg:"hostname" use:"later"`
	AuthURL      *string `cfg:"auth_url" use:"later"`
	ScadaAddress *string `cfg:"scada_address" use:"later"`
	NodeID       *string `cfg:"node_id" use:"later"`
	NodeName     *string `cfg:"node_name" use:"later"`
}

type autoEncrypt struct {
	TLS      *bool    `cfg:"tls" help:"a client asks servers for its certificate"`
	DNSSAN   []string `cfg:"dns_san" help:"DNS names in the automatic certificate"`
	IPSAN    []string `cfg:"ip_san" help:"IPs in the automatic certificate"`
	AllowTLS *bool    `cfg:"allow_tls" help:"a server gives certificates to clients"`
}

type autoConfig struct {
	Enabled         *bool             `cfg:"enabled" use:"later" help:"a client asks servers for its configuration"`
	IntroToken      *string           `cfg:"intro_token" use:"later" help:"JWT that introduces this agent"`
	IntroTokenFile  *string           `cfg:"intro_token_file" use:"later" help:"file of the JWT that introduces this agent"`
	ServerAddresses []string          `cfg:"server_addresses" use:"later" help:"servers to ask"`
	DNSSANs         []string          `cfg:"dns_sans" use:"later" help:"DNS names in the automatic certificate"`
	IPSANs          []string          `cfg:"ip_sans" use:"later" help:"IPs in the automatic certificate"`
	Authorization   autoAuthorization `cfg:"authorization"`
}

type autoAuthorization struct {
	Enabled *bool          `cfg:"enabled" use:"later" help:"a server answers auto_config requests"`
	Static  map[string]any `cfg:"static" use:"later" help:"JWT authorizer of auto_config requests"`
}

type reportSettings struct {
	License licenseSettings `cfg:"license"`
}

type licenseSettings struct {
	Enabled *bool `cfg:"enabled" use:"ent"`
}
