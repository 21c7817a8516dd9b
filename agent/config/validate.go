package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/go-uuid"

	"praetor/internal/definition"
	"praetor/internal/logging"
)

const (
	maxLabelBytes = 63 // of one DNS label, RFC 1035
	keptFiles     = 20 // descriptors that are not HTTP connections

	deployTable = "See https://developer.hashicorp.com/docs/internals/consensus#deployment-table"
)

var (
	datacenterRE  = regexp.MustCompile(`^[a-z0-9_-]+$`)
	dnsLabelRE    = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)
	notNodeNameRE = regexp.MustCompile(`[^A-Za-z0-9-]`)
)

// validate checks how the values of b.rt go together.
func (b *builder) validate() {
	b.validateNames()
	b.validateDataDir()
	b.validateBootstrap()
	b.validatePorts()
	b.validateOthers()
	if b.starting {
		b.validateStart()
	}
}

func (b *builder) validateNames() {
	rt := b.rt
	switch {
	case rt.Datacenter == "":
		b.refuse("datacenter", "datacenter cannot be empty")
	case !datacenterRE.MatchString(rt.Datacenter):
		b.refuse("datacenter", "datacenter can only contain lowercase alphanumeric, - or _ characters. received: %q", rt.Datacenter)
	case !dnsLabelRE.MatchString(rt.Datacenter) || len(rt.Datacenter) > maxLabelBytes:
		b.warn("Datacenter %q will not be discoverable via DNS: it is not a DNS label", rt.Datacenter)
	}
	if rt.PrimaryDatacenter != rt.Datacenter && !datacenterRE.MatchString(rt.PrimaryDatacenter) {
		b.refuse("primary_datacenter", "primary_datacenter can only contain lowercase alphanumeric, - or _ characters. received: %q", rt.PrimaryDatacenter)
	}
	switch {
	case rt.NodeName == "":
		b.refuse("node_name", "node_name cannot be empty")
	case notNodeNameRE.MatchString(rt.NodeName):
		b.warn("Node name %q will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics and dashes.", rt.NodeName)
	case len(rt.NodeName) > maxLabelBytes:
		b.warn("Node name %q will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and 63 bytes.", rt.NodeName)
	}
	b.validateAltDomain()
	if err := definition.ValidateMeta(rt.NodeMeta); err != nil {
		b.refuse("node_meta", "node_meta invalid: %s", err)
	}
	if rt.Locality != nil {
		if err := definition.ValidateLocality(rt.Locality); err != nil {
			b.refuse("locality.zone", "locality is invalid: %s", err)
		}
	}
}

// validateAltDomain refuses an alternative domain that would be taken for what comes
// before the domain in a name (reference/dns.md §1).
func (b *builder) validateAltDomain() {
	first := []string{"service", "connect", "node", "query", "addr", b.rt.Datacenter}
	alt := strings.ToLower(b.rt.AltDomain)
	if slices.ContainsFunc(first, func(label string) bool { return strings.HasPrefix(alt, label+".") }) {
		b.refuse("alt_domain", "alt_domain cannot start with {%s}", strings.Join(first, ","))
	}
}

func (b *builder) validateDataDir() {
	rt := b.rt
	if rt.DataDir == "" {
		if !rt.Dev {
			b.refuse("data_dir", "data_dir cannot be empty")
		}
		return
	}
	info, err := os.Stat(rt.DataDir)
	if err == nil && !info.IsDir() {
		b.refuse("data_dir", "data_dir %q is not a directory", rt.DataDir)
		return
	}
	if err != nil && !os.IsNotExist(err) {
		b.refuse("data_dir", "Error getting info on data_dir: %s", err)
		return
	}
	if !rt.Server {
		return
	}
	old := filepath.Join(rt.DataDir, "mdb")
	switch _, err := os.Stat(old); {
	case err == nil:
		b.refuse("data_dir", "CRITICAL: Deprecated data folder found at %q!\nConsul will refuse to boot with this directory present.\nSee https://www.consul.io/docs/upgrade-specific.html for more information.", old)
	case !os.IsNotExist(err):
		b.refuse("data_dir", "CRITICAL: unable to stat %q: %s", old, err)
	}
}

func (b *builder) validateBootstrap() {
	rt := b.rt
	expect := rt.BootstrapExpect
	switch {
	case expect < 0:
		b.refuse("bootstrap_expect", "bootstrap_expect cannot be %d. Must be greater than or equal to zero", expect)
	case expect > 0 && rt.Dev:
		b.refuse("bootstrap_expect", "'bootstrap_expect > 0' not allowed in dev mode")
	case expect == 1 && !rt.Server: // it means bootstrap
		b.refuse("bootstrap_expect", "'bootstrap = true' requires 'server = true'")
	case expect > 0 && !rt.Server:
		b.refuse("bootstrap_expect", "'bootstrap_expect > 0' requires 'server = true'")
	case expect > 0 && rt.Bootstrap:
		b.refuse("bootstrap_expect", "'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive")
	case rt.Bootstrap && !rt.Server:
		b.refuse("bootstrap", "'bootstrap = true' requires 'server = true'")
	case expect == 1:
		b.warn("BootstrapExpect is set to 1; this is the same as Bootstrap mode.")
		rt.Bootstrap, rt.BootstrapExpect = true, 0
	case expect == 2:
		b.warn("bootstrap_expect = 2: A cluster with 2 servers will provide no failure tolerance. %s", deployTable)
	case expect > 2 && expect%2 == 0:
		b.warn("bootstrap_expect is even number: A cluster with an even number of servers does not achieve optimum fault tolerance. %s", deployTable)
	}
	if rt.ReadReplica && (!rt.Server || rt.Bootstrap || rt.Dev) {
		b.warn("read_replica has no effect: it is for servers that join a cluster, and neither bootstrap it nor are in dev mode")
		rt.ReadReplica = false
	}
	if rt.BootstrapExpect > 1 {
		b.warn("bootstrap_expect > 0: expecting %d servers", expect)
	}
	if rt.Bootstrap && rt.Server {
		b.warn("bootstrap = true: do not enable unless necessary")
	}
}

func (b *builder) validatePorts() {
	if b.rt.Ports.SerfLAN <= 0 {
		b.refuse("ports.serf_lan", "serf-lan-port must be greater than zero")
	}
	if b.rt.Ports.Server <= 0 {
		b.refuse("ports.server", "server-port must be greater than zero")
	}
	b.validateUnique()
}

// validateUnique refuses one IP and port for two listeners.
func (b *builder) validateUnique() {
	rt := b.rt
	taken := map[string]string{}
	claim := func(name, address string) {
		if other, ok := taken[address]; ok {
			b.refuse("", "%s address %s already configured for %s", name, address, other)
			return
		}
		taken[address] = name
	}
	for _, l := range []struct {
		name  string
		addrs []Addr
	}{{"DNS", rt.DNSAddrs}, {"DNS over TLS", rt.DNSTLSAddrs}, {"HTTP", rt.HTTPAddrs}, {"HTTPS", rt.HTTPSAddrs}} {
		for _, a := range l.addrs {
			claim(l.name, a.String())
		}
	}
	if !rt.AdvertiseAddrLAN.IsValid() || rt.Ports.SerfLAN <= 0 || rt.Ports.Server <= 0 {
		return // reported already, or not for Validate to know
	}
	claim("RPC Advertise", rt.RPCAdvertise.String())
	claim("Serf Advertise LAN", rt.SerfAdvertiseLAN.String())
	if rt.Ports.SerfWAN > 0 {
		claim("Serf Advertise WAN", rt.SerfAdvertiseWAN.String())
	}
}

func (b *builder) validateOthers() {
	rt := b.rt
	if t := &rt.TLS.HTTPS; len(rt.DNSTLSAddrs) > 0 && (t.CertFile == "" || t.KeyFile == "") {
		b.refuse("ports.dns_tls", "ports.dns_tls: DNS over TLS needs a certificate: set tls.https.cert_file and tls.https.key_file, or tls.defaults")
	}
	if rt.Checks.OutputMaxSize < 1 {
		b.refuse("check_output_max_size", "check_output_max_size must be positive, to discard check output use the discard_check_output flag")
	}
	if rt.Server && rt.AdvertiseReconnect != 0 {
		b.refuse("advertise_reconnect_timeout", "advertise_reconnect_timeout can only be used on a client")
	}
	if rt.ServerRejoinAgeMax < minRejoinAge {
		b.fail("server_rejoin_age_max", "server_rejoin_age_max must be at least %s", minRejoinAge)
	}
	switch gateways := len(b.s.PrimaryGateways) > 0; {
	case gateways && !rt.Server:
		b.refuse("primary_gateways", "primary_gateways can only be used on a server")
	case gateways && rt.PrimaryDatacenter == rt.Datacenter:
		b.refuse("primary_gateways", "primary_gateways are for the other datacenters: primary_datacenter is this one, %q", rt.Datacenter)
	}
	if b.s.SegmentName != nil || len(b.s.Segments) > 0 {
		b.refuse("segment", "Network segments are not supported in this version of Consul")
	}
	if val(b.s.RPC.EnableStreaming) && !rt.Server {
		b.warn("rpc.enable_streaming = true has no effect when not running in server mode")
	}
	if rt.Checks.EnableRemoteScripts && !rt.ACL.Enabled && len(rt.HTTP.AllowWriteFrom) == 0 {
		b.warn("using enable-script-checks without ACLs and without allow_write_http_from is DANGEROUS, use enable-local-script-checks instead, see https://www.hashicorp.com/blog/protecting-consul-from-rce-risk-in-specific-configurations/")
	}
}

// validateStart holds what only an agent that is about to start can know, or
// what Consul leaves to that moment (reference/cli.md §3, validate).
func (b *builder) validateStart() {
	rt := b.rt
	if rt.NodeID != "" {
		if _, err := uuid.ParseUUID(rt.NodeID); err != nil {
			b.refuse("node_id", "specified NodeID is invalid: %s", err)
		}
	}
	if _, err := logging.ParseLevel(rt.Log.Level); err != nil {
		b.refuse("log_level", "%s", err)
	}
	switch rt.ACL.DefaultPolicy {
	case "allow", "deny":
	default:
		b.refuse("acl.default_policy", "Unsupported default ACL policy: %s", rt.ACL.DefaultPolicy)
	}
	switch rt.ACL.DownPolicy {
	case "allow", "deny", "extend-cache", "async-cache":
	default:
		b.refuse("acl.down_policy", "invalid ACL down policy %q", rt.ACL.DownPolicy)
	}
	if rt.Protocol < 2 || rt.Protocol > 3 {
		b.refuse("protocol", "Protocol version '%d' not in range: [2, 3]", rt.Protocol)
	}
	b.validateOpenFiles()
}

func (b *builder) validateOpenFiles() {
	limit, known := b.env.maxFiles()
	conns := b.rt.Limits.HTTPMaxConnsPerClient
	if known && conns > 0 && uint64(conns)+keptFiles > limit {
		b.refuse("limits.http_max_conns_per_client", "system allows a max of %d file descriptors, but limits.http_max_conns_per_client: %d needs at least %d", limit, conns, uint64(conns)+keptFiles)
	}
}

// noticeUnserved warns about keys that were set and do nothing: one line for
// each Enterprise key, one for all of Circonus, one for all that this version does
// not serve.
func (b *builder) noticeUnserved() {
	var later, circonus []string
	walkSet(b.s, func(key, use string) {
		switch use {
		case "ent":
			b.warn("%q is a Consul Enterprise configuration and will have no effect", key)
		case "circonus":
			circonus = append(circonus, key)
		case "later":
			if o := b.origins[key]; o != originDefaults && o != originDev && !slices.Contains(b.refused, key) {
				later = append(later, key)
			}
		}
	})
	if len(circonus) > 0 {
		b.warn("Praetor sends no metrics to Circonus: %s have no effect; see telemetry.statsd_address and telemetry.prometheus_retention_time", strings.Join(circonus, ", "))
	}
	if len(later) > 0 {
		b.warn("these settings are accepted, but this version of Praetor does not act on them: %s", strings.Join(later, ", "))
	}
}
