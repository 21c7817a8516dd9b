package config

import "github.com/spf13/pflag"

// Flags are the agent's command line. The exported fields may also be set by a
// program that starts an agent without one.
type Flags struct {
	Files  []string // files and folders, in order (-config-file, -config-dir)
	Format string   // "hcl" or "json" for every file, "" for by suffix
	HCL    []string // fragments applied after everything else
	Dev    bool     // development mode: in memory, alone, on loopback

	set settings // what the other flags set
}

// Register adds every agent flag to fs (reference/cli.md §2.1). Long names only:
// the caller accepts them with one dash too.
func (f *Flags) Register(fs *pflag.FlagSet) {
	s := &f.set
	add := func(v pflag.Value, name, help string) {
		flag := fs.VarPF(v, name, "", help)
		if b, ok := v.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			flag.NoOptDefVal = "true"
		}
	}
	str := func(p **string, name, help string) { add(stringFlag{p}, name, help) }
	num := func(p **int, name, help string) { add(intFlag{p}, name, help) }
	yes := func(p **bool, name, help string) { add(boolFlag{p}, name, help) }
	list := func(p *[]string, name, help string) { add(listFlag{p}, name, help) }

	list(&f.Files, "config-file", "Path to a file in JSON or HCL format with a matching file extension. Can be specified multiple times.")
	list(&f.Files, "config-dir", "Path to a directory to read configuration files from. This will read every file ending in '.json' or '.hcl' as configuration in this directory in alphabetical order. Can be specified multiple times.")
	add(plainFlag{&f.Format}, "config-format", "Config files are in this format irrespective of their extension. Must be 'hcl' or 'json'")
	list(&f.HCL, "hcl", "hcl config fragment. Can be specified multiple times.")
	add(switchFlag{&f.Dev}, "dev", "Starts the agent in development mode.")

	str(&s.Datacenter, "datacenter", "Datacenter of the agent.")
	str(&s.NodeName, "node", "Name of this node. Must be unique in the cluster.")
	str(&s.NodeID, "node-id", "A unique ID for this node across space and time. Defaults to a randomly-generated ID that persists in the data-dir.")
	add(pairsFlag{&s.NodeMeta}, "node-meta", "An arbitrary metadata key/value pair for this node, of the format `key:value`. Can be specified multiple times.")
	yes(&s.DisableHostNodeID, "disable-host-node-id", "Setting this to true will prevent Consul from using information from the host to generate a node ID, and will cause Consul to generate a random node ID instead.")
	str(&s.DataDir, "data-dir", "Path to a data directory to store agent state.")
	yes(&s.ServerMode, "server", "Switches agent to server mode.")
	yes(&s.Bootstrap, "bootstrap", "Sets server to bootstrap mode.")
	num(&s.BootstrapExpect, "bootstrap-expect", "Sets server to expect bootstrap mode.")
	yes(&s.ReadReplica, "read-replica", "This server never votes: it gets all data and answers reads. More of them carry more reads.")
	yes(&s.ReadReplica, "non-voting-server", "DEPRECATED: -read-replica should be used instead")
	str(&s.SegmentName, "segment", "(Enterprise-only) Sets the network segment to join.")
	num(&s.Protocol, "protocol", "Sets the protocol version. Defaults to latest.")
	num(&s.RaftProtocol, "raft-protocol", "Sets the Raft protocol version. Defaults to latest.")
	str(&s.PidFile, "pid-file", "Path to file to store agent PID.")

	str(&s.BindAddr, "bind", "Sets the bind address for cluster communication.")
	str(&s.ClientAddr, "client", "Sets the address to bind for client access. This includes RPC, DNS, HTTP, HTTPS and gRPC (if configured).")
	str(&s.AdvertiseAddrLAN, "advertise", "Sets the advertise address to use.")
	str(&s.AdvertiseAddrWAN, "advertise-wan", "Sets address to advertise on WAN instead of -advertise address.")
	str(&s.SerfBindAddrLAN, "serf-lan-bind", "Address to bind Serf LAN listeners to.")
	str(&s.SerfBindAddrWAN, "serf-wan-bind", "Address to bind Serf WAN listeners to.")
	num(&s.Ports.SerfLAN, "serf-lan-port", "Sets the Serf LAN port to listen on.")
	num(&s.Ports.SerfWAN, "serf-wan-port", "Sets the Serf WAN port to listen on.")
	num(&s.Ports.Server, "server-port", "Sets the server port to listen on.")
	num(&s.Ports.HTTP, "http-port", "Sets the HTTP API port to listen on.")
	num(&s.Ports.HTTPS, "https-port", "Sets the HTTPS API port to listen on.")
	num(&s.Ports.DNS, "dns-port", "DNS port to use.")
	num(&s.Ports.GRPC, "grpc-port", "Sets the gRPC API port to listen on.")
	num(&s.Ports.GRPCTLS, "grpc-tls-port", "Sets the gRPC-TLS API port to listen on.")
	list(&s.SerfAllowedCIDRsLAN, "serf-lan-allowed-cidrs", "Networks (eg: 192.168.1.0/24) allowed for Serf LAN. Can be specified multiple times.")
	list(&s.SerfAllowedCIDRsWAN, "serf-wan-allowed-cidrs", "Networks (eg: 192.168.1.0/24) allowed for Serf WAN (other datacenters). Can be specified multiple times.")
	list(&s.HTTPConfig.AllowWriteHTTPFrom, "allow-write-http-from", "Only allow write endpoint calls from given network. CIDR format, can be specified multiple times.")

	list(&s.StartJoinLAN, "join", "Address of an agent to join at start time. Can be specified multiple times.")
	list(&s.StartJoinWAN, "join-wan", "Address of an agent to join -wan at start time. Can be specified multiple times.")
	list(&s.RetryJoinLAN, "retry-join", "Address of an agent to join at start time with retries enabled. Can be specified multiple times.")
	list(&s.RetryJoinWAN, "retry-join-wan", "Address of an agent to join -wan at start time with retries enabled. Can be specified multiple times.")
	list(&s.PrimaryGateways, "primary-gateway", "Address of a mesh gateway in the primary datacenter to use to bootstrap WAN federation at start time with retries enabled. Can be specified multiple times.")
	str(&s.RetryJoinIntervalLAN, "retry-interval", "Time to wait between join attempts.")
	str(&s.RetryJoinIntervalWAN, "retry-interval-wan", "Time to wait between join -wan attempts.")
	num(&s.RetryJoinMaxAttemptsLAN, "retry-max", "Maximum number of join attempts. Defaults to 0, which will retry indefinitely.")
	num(&s.RetryJoinMaxAttemptsWAN, "retry-max-wan", "Maximum number of join -wan attempts. Defaults to 0, which will retry indefinitely.")
	yes(&s.RejoinAfterLeave, "rejoin", "Ignores a previous leave and attempts to rejoin the cluster.")

	str(&s.EncryptKey, "encrypt", "Provides the gossip encryption key.")
	yes(&s.DisableKeyringFile, "disable-keyring-file", "Disables the backing up of the keyring to a file.")
	str(&s.Domain, "domain", "Domain to use for DNS interface.")
	str(&s.AltDomain, "alt-domain", "Alternate domain to use for DNS interface.")
	list(&s.DNSRecursors, "recursor", "Address of an upstream DNS server. Can be specified multiple times.")
	yes(&s.ScriptChecks, "enable-script-checks", "Enables health check scripts.")
	yes(&s.LocalScriptChecks, "enable-local-script-checks", "Enables health check scripts from configuration file.")
	num(&s.CheckOutputMaxSize, "check_output_max_size", "Sets the maximum output size for checks on this agent")
	str(&s.DefaultQueryTime, "default-query-time", "the amount of time a blocking query will wait before Consul will force a response. This value can be overridden by the 'wait' query parameter.")
	str(&s.MaxQueryTime, "max-query-time", "the maximum amount of time a blocking query can wait before Consul will force a response. Consul applies jitter to the wait time. The jittered time will be capped to MaxQueryTime.")

	str(&s.LogLevel, "log-level", "Log level of the agent.")
	yes(&s.LogJSON, "log-json", "Output logs in JSON format.")
	str(&s.LogFile, "log-file", "Path to the file the logs get written to")
	num(&s.LogRotateBytes, "log-rotate-bytes", "Maximum number of bytes that should be written to a log file")
	str(&s.LogRotateDuration, "log-rotate-duration", "Time after which log rotation needs to be performed")
	num(&s.LogRotateMaxFiles, "log-rotate-max-files", "Maximum number of log file archives to keep")
	yes(&s.EnableSyslog, "syslog", "Enables logging to syslog.")
	yes(&s.UIConfig.Enabled, "ui", "Enables the built-in static web UI server.")
	str(&s.UIConfig.Dir, "ui-dir", "Path to directory containing the web UI resources.")
	str(&s.UIConfig.ContentPath, "ui-content-path", "Sets the external UI path to a string. Defaults to: /ui/ ")
	yes(&s.AutoReloadConfig, "auto-reload-config", "Watches config files for changes and auto reloads the files when modified.")
}

// split returns the values of flags as two sources: top-level lists, which come
// before those of files, and everything else, which comes after them.
func (f *Flags) split() (lists, rest settings) {
	rest = f.set
	for _, move := range []struct{ from, to *[]string }{
		{&rest.SerfAllowedCIDRsLAN, &lists.SerfAllowedCIDRsLAN},
		{&rest.SerfAllowedCIDRsWAN, &lists.SerfAllowedCIDRsWAN},
		{&rest.StartJoinLAN, &lists.StartJoinLAN},
		{&rest.StartJoinWAN, &lists.StartJoinWAN},
		{&rest.RetryJoinLAN, &lists.RetryJoinLAN},
		{&rest.RetryJoinWAN, &lists.RetryJoinWAN},
		{&rest.PrimaryGateways, &lists.PrimaryGateways},
		{&rest.DNSRecursors, &lists.DNSRecursors},
	} {
		*move.to, *move.from = *move.from, nil
	}
	return lists, rest
}
