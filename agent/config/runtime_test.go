package config_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"praetor/agent/config"
)

func TestDefaultsAreThoseOfTheReference(t *testing.T) {
	rt := load(t, "-data-dir", "/x")
	want(t, rt.Datacenter, "dc1")
	want(t, rt.PrimaryDatacenter, "dc1")
	want(t, rt.NodeName, "alpha")
	want(t, rt.Domain, "consul.")
	want(t, rt.DisableHostNodeID, true)
	want(t, []bool{rt.Server, rt.Dev, rt.LeaveOnTerm, rt.SkipLeaveOnInt, rt.EnableDebug, rt.UI.Enabled}, []bool{false, false, true, false, false, false})
	want(t, rt.Ports, config.Ports{DNS: 8600, DNSTLS: -1, HTTP: 8500, HTTPS: -1, GRPC: -1, GRPCTLS: -1, SerfLAN: 8301, SerfWAN: 8302, Server: 8300,
		SidecarMin: 21000, SidecarMax: 21255, ExposeMin: 21500, ExposeMax: 21755})
	want(t, rt.BindAddr.String(), "0.0.0.0")
	want(t, rt.RPCAdvertise.String(), "10.1.2.3:8300")
	want(t, rt.Log, config.Log{Level: "INFO", RotateDuration: 24 * time.Hour, SyslogFacility: "LOCAL0"})
	want(t, rt.Raft, config.Raft{HeartbeatTimeout: 400 * time.Millisecond, ElectionTimeout: 400 * time.Millisecond, LeaderLeaseTimeout: 200 * time.Millisecond,
		SnapshotThreshold: 16384, SnapshotInterval: 30 * time.Second, TrailingLogs: 10240, Backend: "default", Verify: true, VerifyInterval: time.Minute, SegmentSizeMB: 64})
	want(t, rt.Autopilot, config.Autopilot{CleanupDeadServers: true, LastContactThreshold: 200 * time.Millisecond, MaxTrailingLogs: 250, ServerStabilizationTime: 10 * time.Second})
	want(t, rt.ACL, config.ACL{DefaultPolicy: "allow", DownPolicy: "extend-cache", TokenTTL: 30 * time.Second, PolicyTTL: 30 * time.Second})
	want(t, rt.DNS, config.DNS{AllowStale: true, MaxStale: 87600 * time.Hour, ServiceTTL: map[string]time.Duration{}, UDPAnswerLimit: 3, UDPMaxSize: 8192,
		RecursorStrategy: "sequential", RecursorTimeout: 2 * time.Second, NodeMetaTXT: true, SOA: config.SOA{Refresh: 3600, Retry: 600, Expire: 86400}})
	want(t, rt.Gossip.WAN, config.GossipTiming{GossipNodes: 3, GossipInterval: 500 * time.Millisecond, ProbeInterval: 5 * time.Second, ProbeTimeout: 3 * time.Second, SuspicionMult: 6, RetransmitMult: 4})
	want(t, rt.Limits, config.Limits{HTTPMaxConnsPerClient: 200, HTTPMaxConns: 16384, HTTPMaxBodyBytes: 524288, HTTPSHandshakeTimeout: 5 * time.Second, RPCHandshakeTimeout: 5 * time.Second, RPCClientTimeout: time.Minute,
		RPCRate: -1, RPCMaxBurst: 1000, RPCMaxConnsPerClient: 100, KVMaxValueSize: 524288, TxnMaxReqLen: 524288, RequestMode: "disabled", ReadRate: -1, WriteRate: -1})
	want(t, rt.Telemetry.BlockedPrefixes, []string{"consul.rpc.server.call"})
}

func TestDevModeChangesDefaultsOnly(t *testing.T) {
	rt := load(t, "-dev")
	want(t, []bool{rt.Server, rt.Bootstrap, rt.LeaveOnTerm, rt.SkipLeaveOnInt, rt.EnableDebug, rt.UI.Enabled, rt.Gossip.DisableKeyringFile}, []bool{true, false, false, true, true, true, true})
	want(t, rt.Log.Level, "DEBUG")
	want(t, rt.Ports.GRPC, 8502)
	want(t, rt.Raft.ElectionTimeout, 52*time.Millisecond)
	want(t, rt.AdvertiseAddrLAN.String(), "127.0.0.1")
	rt = load(t, "-dev", "-bind", "127.0.0.9", "-log-level", "err", "-hcl", "server = false")
	want(t, rt.BindAddr.String(), "127.0.0.9")
	want(t, rt.Log.Level, "ERR")
	want(t, rt.Server, false)
}

func TestTheMultiplierScalesRaft(t *testing.T) {
	rt := load(t, "-data-dir", "/x", "-hcl", "performance { raft_multiplier = 5 }")
	want(t, rt.Raft.ElectionTimeout, 2*time.Second)
	want(t, rt.Raft.LeaderLeaseTimeout, time.Second)
}

// enforcing is host with a build that can enforce everything.
func enforcing() config.Host {
	h := host
	h.Enforces = true
	return h
}

func TestTLSStanzasOverrideDefaultsKeyByKey(t *testing.T) {
	rt := loadOn(t, enforcing(), "-dev", "-hcl", `tls {
  defaults { ca_file = "ca" cert_file = "c" key_file = "k" verify_incoming = true verify_outgoing = true }
  internal_rpc { verify_server_hostname = true }
  https { verify_incoming = false cert_file = "hc" tls_min_version = "TLSv1_3" }
  grpc { use_auto_cert = true tls_cipher_suites = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" }
}`)
	base := config.TLSStanza{CAFile: "ca", CertFile: "c", KeyFile: "k", MinVersion: "TLSv1_2", VerifyIncoming: true, VerifyOutgoing: true}
	rpc, https, grpc := base, base, base
	rpc.VerifyServerHostname = true
	https.VerifyIncoming, https.CertFile, https.MinVersion = false, "hc", "TLSv1_3"
	grpc.VerifyOutgoing, grpc.UseAutoCert = false, true
	grpc.CipherSuites = []string{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"}
	want(t, rt.TLS, config.TLS{InternalRPC: rpc, HTTPS: https, GRPC: grpc})
	want(t, rt.Watched, []string{"c", "k", "hc"})
}

func TestHostnamesAreVerifiedOnlyWithOutgoing(t *testing.T) {
	rt := loadOn(t, enforcing(), "-dev", "-hcl", "tls { internal_rpc { verify_server_hostname = true } }")
	want(t, rt.TLS.InternalRPC.VerifyOutgoing, true)
}

// Each deprecated key sets what the new one would, with a warning; the new one wins.
func TestDeprecatedKeysStillWork(t *testing.T) {
	for _, c := range []struct {
		old, newKey, hcl, newer string
		get                     func(*config.Runtime) any
		want, wantNewer         any
	}{
		{"start_join", "retry_join", `start_join = ["a"]`, `retry_join = ["b"]`, func(r *config.Runtime) any { return strings.Join(r.JoinLAN.Addresses, " ") }, "a", "b a"},
		{"start_join_wan", "retry_join_wan", `start_join_wan = ["a"]`, `retry_join_wan = ["b"]`, func(r *config.Runtime) any { return strings.Join(r.JoinWAN.Addresses, " ") }, "a", "b a"},
		{"ui", "ui_config.enabled", "ui = true", "ui_config { enabled = false }", func(r *config.Runtime) any { return r.UI.Enabled }, true, false},
		{"ui_dir", "ui_config.dir", `ui_dir = "a"`, `ui_config { dir = "b" }`, func(r *config.Runtime) any { return r.UI.Dir }, "a", "b"},
		{"ui_content_path", "ui_config.content_path", `ui_content_path = "a"`, `ui_config { content_path = "b" }`, func(r *config.Runtime) any { return r.UI.ContentPath }, "/a/", "/b/"},
		{"acl_token", "acl.tokens.default", `acl_token = "a"`, `acl { tokens { default = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.Default }, "a", "b"},
		{"acl_agent_token", "acl.tokens.agent", `acl_agent_token = "a"`, `acl { tokens { agent = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.Agent }, "a", "b"},
		{"acl_agent_master_token", "acl.tokens.agent_recovery", `acl_agent_master_token = "a"`, `acl { tokens { agent_recovery = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.AgentRecovery }, "a", "b"},
		{"acl.tokens.agent_master", "acl.tokens.agent_recovery", `acl { tokens { agent_master = "a" } }`, `acl { tokens { agent_recovery = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.AgentRecovery }, "a", "b"},
		{"acl_master_token", "acl.tokens.initial_management", `acl_master_token = "a"`, `acl { tokens { initial_management = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.InitialManagement }, "a", "b"},
		{"acl.tokens.master", "acl.tokens.initial_management", `acl { tokens { master = "a" } }`, `acl { tokens { initial_management = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.InitialManagement }, "a", "b"},
		{"acl_replication_token", "acl.tokens.replication", `acl_replication_token = "a"`, `acl { tokens { replication = "b" } }`, func(r *config.Runtime) any { return r.ACL.Tokens.Replication }, "a", "b"},
		{"acl_replication_token", "acl.tokens.replication", `acl_replication_token = "a"`, `acl { enable_token_replication = false }`, func(r *config.Runtime) any { return r.ACL.EnableTokenReplication }, true, false},
		{"enable_acl_replication", "acl.enable_token_replication", "enable_acl_replication = true", "acl { enable_token_replication = false }", func(r *config.Runtime) any { return r.ACL.EnableTokenReplication }, true, false},
		{"acl_datacenter", "primary_datacenter", `acl_datacenter = "a"`, `primary_datacenter = "b"`, func(r *config.Runtime) any { return r.PrimaryDatacenter }, "a", "b"},
		{"acl_datacenter", "primary_datacenter", `acl_datacenter = "a"`, `acl { enabled = false }`, func(r *config.Runtime) any { return r.ACL.Enabled }, true, false},
		{"acl_default_policy", "acl.default_policy", `acl_default_policy = "deny"`, `acl { default_policy = "allow" }`, func(r *config.Runtime) any { return r.ACL.DefaultPolicy }, "deny", "allow"},
		{"acl_down_policy", "acl.down_policy", `acl_down_policy = "deny"`, `acl { down_policy = "allow" }`, func(r *config.Runtime) any { return r.ACL.DownPolicy }, "deny", "allow"},
		{"acl_ttl", "acl.token_ttl", `acl_ttl = "1s"`, `acl { token_ttl = "2s" }`, func(r *config.Runtime) any { return r.ACL.TokenTTL }, time.Second, 2 * time.Second},
		{"acl_enable_key_list_policy", "acl.enable_key_list_policy", "acl_enable_key_list_policy = true", "acl { enable_key_list_policy = false }", func(r *config.Runtime) any { return r.ACL.EnableKeyListPolicy }, true, false},
		{"ca_file", "tls.defaults.ca_file", `ca_file = "a"`, `tls { defaults { ca_file = "b" } }`, func(r *config.Runtime) any { return r.TLS.GRPC.CAFile }, "a", "b"},
		{"ca_path", "tls.defaults.ca_path", `ca_path = "a"`, `tls { defaults { ca_path = "b" } }`, func(r *config.Runtime) any { return r.TLS.HTTPS.CAPath }, "a", "b"},
		{"cert_file", "tls.defaults.cert_file", `cert_file = "a"`, `tls { defaults { cert_file = "b" } }`, func(r *config.Runtime) any { return r.TLS.InternalRPC.CertFile }, "a", "b"},
		{"key_file", "tls.defaults.key_file", `key_file = "a"`, `tls { defaults { key_file = "b" } }`, func(r *config.Runtime) any { return r.TLS.InternalRPC.KeyFile }, "a", "b"},
		{"tls_min_version", "tls.defaults.tls_min_version", `tls_min_version = "TLSv1_3"`, `tls { defaults { tls_min_version = "TLSv1_1" } }`, func(r *config.Runtime) any { return r.TLS.HTTPS.MinVersion }, "TLSv1_3", "TLSv1_1"},
		{"tls_cipher_suites", "tls.defaults.tls_cipher_suites", `tls_cipher_suites = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"`, `tls { defaults { tls_cipher_suites = "" } }`, func(r *config.Runtime) any { return len(r.TLS.HTTPS.CipherSuites) }, 1, 0},
		{"verify_outgoing", "tls.defaults.verify_outgoing", "verify_outgoing = true", "tls { defaults { verify_outgoing = false } }", func(r *config.Runtime) any { return r.TLS.HTTPS.VerifyOutgoing }, true, false},
		{"verify_incoming", "tls.defaults.verify_incoming", "verify_incoming = true", "tls { defaults { verify_incoming = false } }", func(r *config.Runtime) any { return r.TLS.HTTPS.VerifyIncoming }, true, false},
		{"verify_incoming", "tls.defaults.verify_incoming", "verify_incoming = true", "tls { grpc { verify_incoming = true } }", func(r *config.Runtime) any { return r.TLS.GRPC.VerifyIncoming }, false, true},
		{"verify_incoming_rpc", "tls.internal_rpc.verify_incoming", "verify_incoming_rpc = true", "tls { internal_rpc { verify_incoming = false } }", func(r *config.Runtime) any { return r.TLS.InternalRPC.VerifyIncoming }, true, false},
		{"verify_incoming_https", "tls.https.verify_incoming", "verify_incoming_https = true", "tls { https { verify_incoming = false } }", func(r *config.Runtime) any { return r.TLS.HTTPS.VerifyIncoming }, true, false},
		{"verify_server_hostname", "tls.internal_rpc.verify_server_hostname", "verify_server_hostname = true", "tls { internal_rpc { verify_server_hostname = false } }", func(r *config.Runtime) any { return r.TLS.InternalRPC.VerifyServerHostname }, true, false},
		{"raft_boltdb.NoFreelistSync", "raft_logstore.boltdb.no_freelist_sync", "raft_boltdb { NoFreelistSync = true }", "raft_logstore { boltdb { no_freelist_sync = false } }", func(r *config.Runtime) any { return r.Raft.NoFreelistSync }, true, false},
	} {
		t.Run(c.old, func(t *testing.T) {
			warning := "The '" + c.old + "' field is deprecated. Use the '" + c.newKey + "' field instead."
			for _, sources := range []struct {
				hcl  []string
				want any
			}{{[]string{c.hcl}, c.want}, {[]string{c.newer, c.hcl}, c.wantNewer}} {
				rt, warnings, err := config.LoadOn(enforcing(), &config.Flags{HCL: append([]string{`data_dir = "/x"`}, sources.hcl...)})
				ok(t, err)
				want(t, served(warnings), []string{warning})
				want(t, c.get(rt), sources.want)
			}
		})
	}
}

// The names are those that reference/http-agent.md §2.1 says tools read.
func TestSanitizedHasWhatToolsReadAndNoSecret(t *testing.T) {
	rt := load(t, "-dev", "-encrypt", "c2l4dGVlbiBieXRlcyBvaw==", "-retry-join", "provider=aws secret_access_key=s3cr3t", "-retry-join", "10.0.0.1", "-hcl", `
acl { tokens { agent = "s3cr3t" default = "s3cr3t" } }
ui_config { metrics_proxy { base_url = "http://p" add_headers = [ { name = "Authorization" value = "s3cr3t" } ] } }`)
	got := rt.Sanitized()
	for _, key := range strings.Fields("Bootstrap ClientAddrs DNSPort DNSAddrs HTTPAddrs HTTPSAddrs GRPCPort GRPCTLSPort ServerMode Datacenter NodeName TaggedAddresses ConnectEnabled PeeringEnabled UIConfig Telemetry Logging EnableDebug LeaveOnTerm SkipLeaveOnInt TLS Version") {
		if got[key] == nil {
			t.Errorf("no %s", key)
		}
	}
	text, err := json.Marshal(got)
	ok(t, err)
	if strings.Contains(string(text), "s3cr3t") || strings.Contains(string(text), "c2l4dGVlbiBieXRlcyBvaw==") {
		t.Errorf("a secret shows: %s", text)
	}
	want(t, got["HTTPAddrs"], any([]string{"tcp://127.0.0.1:8500"}))
	want(t, got["DNSAddrs"], any([]string{"tcp://127.0.0.1:8600", "udp://127.0.0.1:8600"}))
	want(t, got["RetryJoinLAN"], any([]string{"hidden", "10.0.0.1"}))
	want(t, got["EncryptKey"], any("hidden"))
	want(t, got["CheckUpdateInterval"], any("5m0s"))
}

func TestEveryKeyIsExplained(t *testing.T) {
	keys := config.Keys()
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.Name] {
			t.Errorf("%s is listed twice", k.Name)
		}
		seen[k.Name] = true
		explained := k.Help != "" || k.Type == "object" || !k.Served ||
			strings.HasPrefix(k.Name, "services.") || k.Name == "services" || k.Name == "checks" || strings.HasSuffix(k.Name, "_headers.name") || strings.HasSuffix(k.Name, "_headers.value")
		if !explained {
			t.Errorf("%s has no help", k.Name)
		}
	}
	for _, name := range []string{"ports.http", "tls.grpc.use_auto_cert", "services.checks.ttl", "checks.ttl", "services.tagged_addresses.port", "start_join", "service"} {
		if !seen[name] {
			t.Errorf("%s is not listed", name)
		}
	}
}
