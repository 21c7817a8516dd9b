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
	open := func(port int, is bool) int {
		if !is {
			return -1
		}
		return port
	}
	line("Client Addr", "%v (HTTP: %d, HTTPS: %d, gRPC: %d, gRPC-TLS: %d, DNS: %d)", rt.ClientAddrs, open(p.HTTP, len(rt.HTTPAddrs) > 0), open(p.HTTPS, len(rt.HTTPSAddrs) > 0),
		open(p.GRPC, len(rt.GRPCAddrs) > 0), open(p.GRPCTLS, len(rt.GRPCTLSAddrs) > 0), open(p.DNS, len(rt.DNSAddrs) > 0))
	line("Cluster Addr", "%s (LAN: %d, WAN: %d)", rt.AdvertiseAddrLAN, p.SerfLAN, open(p.SerfWAN, rt.Server))
	line("Gossip Encryption", "%t", rt.Gossip.EncryptKey != "")
	line("Auto-Encrypt-TLS", "%t", rt.AutoEncrypt.TLS || rt.AutoEncrypt.AllowTLS)
	line("ACL Enabled", "%t", rt.ACL.Enabled)
	if rt.Server {
		line("Reporting Enabled", "false")
	}
	line("ACL Default Policy", "%s", defaultPolicy(rt))
	https, grpc, peers := &rt.TLS.HTTPS, &rt.TLS.GRPC, &rt.TLS.InternalRPC
	line("HTTPS TLS", "Verify Incoming: %t, Verify Outgoing: %t, Min Version: %s", https.VerifyIncoming, https.VerifyOutgoing, https.MinVersion)
	line("gRPC TLS", "Verify Incoming: %t, Min Version: %s", grpc.VerifyIncoming, grpc.MinVersion)
	line("Internal RPC TLS", "Verify Incoming: %t, Verify Outgoing: %t (Verify Hostname: %t), Min Version: %s", peers.VerifyIncoming, peers.VerifyOutgoing, peers.VerifyServerHostname, peers.MinVersion)
	line("Praetor", "%s", version.Full())
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
