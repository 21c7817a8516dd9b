package config

import (
	"net/netip"
	"time"

	"praetor/internal/version"
)

const hidden = "hidden"

// Sanitized returns the configuration as agent/self shows it under DebugConfig,
// with the names that tools read there (reference/http-agent.md §2.1). Secrets
// are replaced, durations are text.
func (r *Runtime) Sanitized() map[string]any {
	return map[string]any{
		"ACLsEnabled":              r.ACL.Enabled,
		"AllowWriteHTTPFrom":       prefixTexts(r.HTTP.AllowWriteFrom),
		"ACLTokens":                r.sanitizedTokens(),
		"ACLDefaultPolicy":         r.ACL.DefaultPolicy,
		"ACLDownPolicy":            r.ACL.DownPolicy,
		"AdvertiseAddrLAN":         r.AdvertiseAddrLAN.String(),
		"AdvertiseAddrWAN":         r.AdvertiseAddrWAN.String(),
		"AutoReloadConfig":         r.AutoReload,
		"AutopilotMaxTrailingLogs": r.Autopilot.MaxTrailingLogs,
		"BindAddr":                 r.BindAddr.String(),
		"Bootstrap":                r.Bootstrap,
		"BootstrapExpect":          r.BootstrapExpect,
		"CheckOutputMaxSize":       r.Checks.OutputMaxSize,
		"CheckUpdateInterval":      text(r.Checks.UpdateInterval),
		"ClientAddrs":              texts(r.ClientAddrs),
		"ConnectEnabled":           r.ConnectEnabled,
		"DNSAddrs":                 listenerURLs(r.DNSAddrs, "tcp", "udp"),
		"DNSTLSAddrs":              listenerURLs(r.DNSTLSAddrs, "tcp"),
		"DNSTLSPort":               r.Ports.DNSTLS,
		"DNSAltDomain":             r.AltDomain,
		"DNSDomain":                r.Domain,
		"DNSPort":                  r.Ports.DNS,
		"DNSRecursors":             emptyList(r.DNS.Recursors),
		"DataDir":                  r.DataDir,
		"Datacenter":               r.Datacenter,
		"DefaultQueryTime":         text(r.DefaultQueryTime),
		"DevMode":                  r.Dev,
		"DisableCoordinates":       r.Gossip.DisableCoordinates,
		"DisableRemoteExec":        r.Checks.DisableRemoteExec,
		"DisableUpdateCheck":       r.DisableUpdateCheck,
		"DiscardCheckOutput":       r.Checks.DiscardOutput,
		"EnableDebug":              r.EnableDebug,
		"EnableLocalScriptChecks":  r.Checks.EnableLocalScripts,
		"EnableRemoteScriptChecks": r.Checks.EnableRemoteScripts,
		"EncryptKey":               secret(r.Gossip.EncryptKey),
		"EncryptVerifyIncoming":    r.Gossip.VerifyIncoming,
		"EncryptVerifyOutgoing":    r.Gossip.VerifyOutgoing,
		"GRPCAddrs":                listenerURLs(r.GRPCAddrs, "tcp"),
		"GRPCPort":                 r.Ports.GRPC,
		"GRPCTLSAddrs":             listenerURLs(r.GRPCTLSAddrs, "tcp"),
		"GRPCTLSPort":              r.Ports.GRPCTLS,
		"HTTPAddrs":                listenerURLs(r.HTTPAddrs, "tcp"),
		"HTTPMaxConnsPerClient":    r.Limits.HTTPMaxConnsPerClient,
		"HTTPPort":                 r.Ports.HTTP,
		"HTTPSAddrs":               listenerURLs(r.HTTPSAddrs, "tcp"),
		"HTTPSPort":                r.Ports.HTTPS,
		"KVMaxValueSize":           r.Limits.KVMaxValueSize,
		"LeaveDrainTime":           text(r.Performance.LeaveDrainTime),
		"LeaveOnTerm":              r.LeaveOnTerm,
		"Logging":                  r.sanitizedLogging(),
		"MaxQueryTime":             text(r.MaxQueryTime),
		"NodeID":                   r.NodeID,
		"NodeMeta":                 r.NodeMeta,
		"NodeName":                 r.NodeName,
		"PeeringEnabled":           r.PeeringEnabled,
		"PidFile":                  r.PidFile,
		"PrimaryDatacenter":        r.PrimaryDatacenter,
		"RPCAdvertiseAddr":         "tcp://" + r.RPCAdvertise.String(),
		"RPCBindAddr":              "tcp://" + r.RPCBind.String(),
		"RPCHoldTimeout":           text(r.Performance.RPCHoldTimeout),
		"RaftSnapshotInterval":     text(r.Raft.SnapshotInterval),
		"RaftSnapshotThreshold":    r.Raft.SnapshotThreshold,
		"RaftTrailingLogs":         r.Raft.TrailingLogs,
		"ReconnectTimeoutLAN":      text(r.ReconnectTimeoutLAN),
		"ReconnectTimeoutWAN":      text(r.ReconnectTimeoutWAN),
		"RejoinAfterLeave":         r.RejoinAfterLeave,
		"RetryJoinIntervalLAN":     text(r.JoinLAN.Interval),
		"RetryJoinIntervalWAN":     text(r.JoinWAN.Interval),
		"RetryJoinLAN":             sanitizedJoin(r.JoinLAN.Addresses),
		"RetryJoinMaxAttemptsLAN":  r.JoinLAN.MaxAttempts,
		"RetryJoinMaxAttemptsWAN":  r.JoinWAN.MaxAttempts,
		"RetryJoinWAN":             sanitizedJoin(r.JoinWAN.Addresses),
		"Revision":                 version.Revision(),
		"SerfAdvertiseAddrLAN":     "tcp://" + r.SerfAdvertiseLAN.String(),
		"SerfAdvertiseAddrWAN":     "tcp://" + r.SerfAdvertiseWAN.String(),
		"SerfAllowedCIDRsLAN":      texts(r.SerfAllowedCIDRsLAN),
		"SerfAllowedCIDRsWAN":      texts(r.SerfAllowedCIDRsWAN),
		"SerfBindAddrLAN":          "tcp://" + r.SerfBindLAN.String(),
		"SerfBindAddrWAN":          "tcp://" + r.SerfBindWAN.String(),
		"SerfPortLAN":              r.Ports.SerfLAN,
		"SerfPortWAN":              r.Ports.SerfWAN,
		"ServerMode":               r.Server,
		"ServerName":               r.ServerName,
		"ServerPort":               r.Ports.Server,
		"SessionTTLMin":            text(r.SessionTTLMin),
		"SkipLeaveOnInt":           r.SkipLeaveOnInt,
		"TLS":                      r.sanitizedTLS(),
		"TaggedAddresses":          r.TaggedAddresses,
		"Telemetry":                r.sanitizedTelemetry(),
		"TranslateWANAddrs":        r.TranslateWANAddrs,
		"TxnMaxReqLen":             r.Limits.TxnMaxReqLen,
		"UIConfig":                 r.sanitizedUI(),
		"Version":                  version.Compatible,
	}
}

func text(d time.Duration) string { return d.String() }

func texts[T interface{ String() string }](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}

func emptyList(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func secret(s string) string {
	if s == "" {
		return ""
	}
	return hidden
}

// listenerURLs names listeners as Consul does, once for each network.
func listenerURLs(addrs []Addr, networks ...string) []string {
	out := []string{}
	for _, a := range addrs {
		if a.Path != "" {
			out = append(out, unixPrefix+a.Path)
			continue
		}
		for _, network := range networks {
			out = append(out, network+"://"+a.String())
		}
	}
	return out
}

// sanitizedJoin hides discovery strings: they may hold credentials.
func sanitizedJoin(addresses []string) []string {
	out := make([]string, len(addresses))
	for i, a := range addresses {
		if out[i] = a; isDiscovery(a) {
			out[i] = hidden
		}
	}
	return out
}

func (r *Runtime) sanitizedTokens() map[string]any {
	return map[string]any{
		"ACLAgentToken":                  hidden,
		"ACLAgentRecoveryToken":          hidden,
		"ACLDefaultToken":                hidden,
		"ACLReplicationToken":            hidden,
		"ACLConfigFileRegistrationToken": hidden,
		"ACLDNSToken":                    hidden,
		"EnablePersistence":              r.ACL.EnableTokenPersistence,
	}
}

func (r *Runtime) sanitizedLogging() map[string]any {
	return map[string]any{
		"EnableSyslog":      r.Log.Syslog,
		"LogFilePath":       r.Log.File,
		"LogJSON":           r.Log.JSON,
		"LogLevel":          r.Log.Level,
		"LogRotateBytes":    r.Log.RotateBytes,
		"LogRotateDuration": text(r.Log.RotateDuration),
		"LogRotateMaxFiles": r.Log.RotateMaxFiles,
		"Name":              "",
		"SyslogFacility":    r.Log.SyslogFacility,
	}
}

func (r *Runtime) sanitizedTLS() map[string]any {
	stanza := func(t *TLSStanza) map[string]any {
		return map[string]any{
			"CAFile":               t.CAFile,
			"CAPath":               t.CAPath,
			"CertFile":             t.CertFile,
			"CipherSuites":         emptyList(t.CipherSuites),
			"KeyFile":              secret(t.KeyFile),
			"TLSMinVersion":        t.MinVersion,
			"UseAutoCert":          t.UseAutoCert,
			"VerifyIncoming":       t.VerifyIncoming,
			"VerifyOutgoing":       t.VerifyOutgoing,
			"VerifyServerHostname": t.VerifyServerHostname,
		}
	}
	return map[string]any{
		"AutoTLS":     false,
		"Domain":      r.Domain,
		"GRPC":        stanza(&r.TLS.GRPC),
		"HTTPS":       stanza(&r.TLS.HTTPS),
		"InternalRPC": stanza(&r.TLS.InternalRPC),
		"NodeName":    r.NodeName,
		"ServerMode":  r.Server,
		"ServerName":  r.ServerName,
	}
}

func (r *Runtime) sanitizedTelemetry() map[string]any {
	t := &r.Telemetry
	return map[string]any{
		"AllowedPrefixes":          emptyList(t.AllowedPrefixes),
		"BlockedPrefixes":          emptyList(t.BlockedPrefixes),
		"DisableHostname":          t.DisableHostname,
		"DogstatsdAddr":            t.DogstatsdAddr,
		"DogstatsdTags":            emptyList(t.DogstatsdTags),
		"EnableHostMetrics":        t.EnableHostMetrics,
		"FilterDefault":            t.FilterDefault,
		"MetricsPrefix":            t.MetricsPrefix,
		"PrometheusOpts":           map[string]any{"Expiration": text(t.PrometheusRetentionTime)},
		"RetryFailedConfiguration": t.RetryFailedConnection,
		"StatsdAddr":               t.StatsdAddr,
		"StatsiteAddr":             t.StatsiteAddr,
	}
}

func (r *Runtime) sanitizedUI() map[string]any {
	u := &r.UI
	headers := make([]string, len(u.MetricsProxyHeaders))
	for i := range headers {
		headers[i] = hidden
	}
	return map[string]any{
		"ContentPath":                u.ContentPath,
		"DashboardURLTemplates":      u.DashboardURLTemplates,
		"Dir":                        u.Dir,
		"Enabled":                    u.Enabled,
		"MetricsProvider":            u.MetricsProvider,
		"MetricsProviderFiles":       emptyList(u.MetricsProviderFiles),
		"MetricsProviderOptionsJSON": u.MetricsOptionsJSON,
		"MetricsProxy": map[string]any{
			"AddHeaders":    headers,
			"BaseURL":       u.MetricsProxyURL,
			"PathAllowlist": emptyList(u.MetricsProxyAllow),
		},
	}
}

func prefixTexts(nets []netip.Prefix) []string {
	texts := make([]string, len(nets))
	for i, n := range nets {
		texts[i] = n.String()
	}
	return texts
}
