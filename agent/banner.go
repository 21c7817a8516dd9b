package agent

import (
	"fmt"
	"strings"

	"praetor/agent/config"
	"praetor/internal/version"
)

// Banner is what an agent prints when it starts (reference/cli.md §2.3),
// followed by what a newcomer may try next.
func Banner(rt *config.Runtime, nodeID string) string {
	var b strings.Builder
	b.WriteString("==> Starting Consul agent...\n")
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "    %18s: %s\n", label, fmt.Sprintf(format, args...))
	}
	segment := "''"
	if rt.Server {
		segment = "'<all>'"
	}
	line("Version", "'%s'", version.Compatible)
	line("Build Date", "'%s'", strings.NewReplacer("T", " ", "Z", " +0000 UTC").Replace(version.BuildDate))
	line("Node ID", "'%s'", nodeID)
	line("Node name", "'%s'", rt.NodeName)
	line("Datacenter", "'%s' (Segment: %s)", rt.Datacenter, segment)
	line("Server", "%t (Bootstrap: %t)", rt.Server, rt.Bootstrap)
	p := rt.Ports
	line("Client Addr", "%v (HTTP: %d, HTTPS: %d, gRPC: %d, gRPC-TLS: %d, DNS: %d)", rt.ClientAddrs, p.HTTP, p.HTTPS, p.GRPC, p.GRPCTLS, p.DNS)
	line("Cluster Addr", "%s (LAN: %d, WAN: %d)", rt.AdvertiseAddrLAN, p.SerfLAN, p.SerfWAN)
	line("Gossip Encryption", "%t", rt.Gossip.EncryptKey != "")
	line("Auto-Encrypt-TLS", "false")
	line("ACL Enabled", "%t", rt.ACL.Enabled)
	if rt.Server {
		line("Reporting Enabled", "false")
	}
	line("ACL Default Policy", "%s", defaultPolicy(rt))
	line("HTTPS TLS", "Verify Incoming: false, Verify Outgoing: false, Min Version: %s", rt.TLS.HTTPS.MinVersion)
	line("gRPC TLS", "Verify Incoming: false, Min Version: %s", rt.TLS.GRPC.MinVersion)
	line("Internal RPC TLS", "Verify Incoming: false, Verify Outgoing: false (Verify Hostname: false), Min Version: %s", rt.TLS.InternalRPC.MinVersion)
	b.WriteString("\n")
	writeNextSteps(&b, rt)
	b.WriteString("==> Log data will now stream in as it occurs:\n\n")
	return b.String()
}

func writeNextSteps(b *strings.Builder, rt *config.Runtime) {
	if len(rt.HTTPAddrs) == 0 || rt.HTTPAddrs[0].Path != "" {
		return
	}
	http := rt.HTTPAddrs[0].String()
	b.WriteString("==> Try, in another terminal:\n")
	if http != "127.0.0.1:8500" {
		fmt.Fprintf(b, "    export CONSUL_HTTP_ADDR=%s\n", http)
	}
	fmt.Fprintf(b, "    praetor members\n    praetor services register -name=web -port=8080\n    curl http://%s/v1/catalog/service/web\n", http)
	if len(rt.DNSAddrs) > 0 {
		fmt.Fprintf(b, "    dig @%s -p %d web.service.%s\n", rt.DNSAddrs[0].Addr(), rt.DNSAddrs[0].Port(), strings.TrimSuffix(rt.Domain, "."))
	}
	if rt.UI.Enabled {
		fmt.Fprintf(b, "    open http://%s%s\n", http, rt.UI.ContentPath)
	}
	b.WriteString("\n")
}
