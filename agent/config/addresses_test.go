package config_test

import (
	"fmt"
	"testing"

	"praetor/agent/config"
)

func TestAdvertiseIsDerivedFromTheMachine(t *testing.T) {
	for name, c := range map[string]struct {
		host config.Host
		hcl  string
		want string // advertise address, or the error
	}{
		"one private":    {config.Host{Eth: []string{"8.8.8.8", "192.168.1.5", "fd00::1"}}, "", "192.168.1.5"},
		"carrier grade":  {config.Host{Eth: []string{"100.64.1.1"}}, "", "100.64.1.1"},
		"not the down":   {config.Host{Eth: []string{"10.0.0.1"}, Down: []string{"10.0.0.2"}}, "", "10.0.0.1"},
		"not loopback":   {config.Host{Eth: []string{"10.0.0.1"}, Loopback: []string{"127.0.0.1"}}, "", "10.0.0.1"},
		"only loopback":  {config.Host{Loopback: []string{"127.0.0.1"}}, "", "127.0.0.1"},
		"public only":    {config.Host{Eth: []string{"8.8.8.8"}, Loopback: []string{"127.0.0.1"}}, "", "No private IPv4 address found: bind_addr is any address, so set advertise_addr"},
		"several":        {config.Host{Eth: []string{"10.0.0.1", "10.0.0.2"}}, "", "Multiple private IPv4 addresses found: 10.0.0.1, 10.0.0.2. Please configure one with 'bind' and/or 'advertise'."},
		"told":           {config.Host{Eth: []string{"10.0.0.1", "10.0.0.2"}}, `advertise_addr = "10.0.0.2"`, "10.0.0.2"},
		"told by family": {config.Host{Eth: []string{"10.0.0.1", "10.0.0.2"}}, `advertise_addr_ipv4 = "10.0.0.9"`, "10.0.0.9"},
		"public v6":      {config.Host{Eth: []string{"fe80::1", "fd00::1", "2001:db8::1", "2a00::1"}}, `bind_addr = "[::]"`, "2a00::1"},
		"no public v6":   {config.Host{Eth: []string{"fe80::1"}}, `bind_addr = "::"`, "No public IPv6 address found: bind_addr is any address, so set advertise_addr"},
		"several v6":     {config.Host{Eth: []string{"2a00::1", "2a00::2"}}, `bind_addr = "::"`, "Multiple public IPv6 addresses found: 2a00::1, 2a00::2. Please configure one with 'bind' and/or 'advertise'."},
		"bound":          {config.Host{Broken: true}, `bind_addr = "10.0.0.7"`, "10.0.0.7"},
		"broken":         {config.Host{Broken: true}, "", "Error detecting private IPv4 address: no netlink"},
	} {
		t.Run(name, func(t *testing.T) {
			c.host.Name = "a"
			rt, _, err := config.LoadOn(c.host, &config.Flags{HCL: []string{`data_dir = "/x"`, c.hcl}})
			got := fmt.Sprint(err)
			if err == nil {
				got = rt.AdvertiseAddrLAN.String()
				want(t, rt.AdvertiseAddrWAN.String(), got)
			}
			if len(got) > len(c.want) && got[len(c.want)] == '\n' {
				got = got[:len(c.want)] // the file that set it
			}
			want(t, got, c.want)
		})
	}
}

func TestTaggedAddressesAreComputed(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `
advertise_addr_wan = "198.51.100.1"
advertise_addr_ipv6 = "2a00::1"
tagged_addresses = { extra = "9.9.9.9" lan = "overwritten" }`)
	want(t, rt.TaggedAddresses, map[string]string{
		"extra": "9.9.9.9", "lan": "2a00::1", "lan_ipv6": "2a00::1",
		"wan": "198.51.100.1", "wan_ipv4": "198.51.100.1",
	})
	rt = load(t, "-dev", "-hcl", `advertise_addr = "10.0.0.1" advertise_addr_ipv6 = "2a00::1" advertise_addr_ipv4 = "10.0.0.2"`)
	want(t, rt.TaggedAddresses, map[string]string{
		"lan": "10.0.0.1", "lan_ipv4": "10.0.0.2", "lan_ipv6": "2a00::1", "wan": "10.0.0.1", "wan_ipv4": "10.0.0.1",
	})
}

func TestTemplatesAreExpanded(t *testing.T) {
	// `math` and `join` need no interface, so the result is the same everywhere.
	const loopback = `{{ GetAllInterfaces | include \"address\" \"127.0.0.1\" | join \"address\" \" \" }}`
	rt := load(t, "-dev", "-hcl", `
bind_addr = "`+loopback+`"
client_addr = "`+loopback+` ::1"
advertise_addr = "`+loopback+`"
serf_lan = "`+loopback+`"
addresses { dns = "`+loopback+`" }
recursors = ["`+loopback+` 8.8.8.8"]
retry_join = ["`+loopback+` b", "provider=mdns service={{x}} v6=false"]
retry_join_wan = ["`+loopback+`"]`)
	want(t, rt.BindAddr.String(), "127.0.0.1")
	want(t, texts(rt.ClientAddrs), []string{"127.0.0.1", "::1"})
	want(t, texts(rt.HTTPAddrs), []string{"127.0.0.1:8500", "[::1]:8500"})
	want(t, texts(rt.DNSAddrs), []string{"127.0.0.1:8600"})
	want(t, rt.AdvertiseAddrLAN.String(), "127.0.0.1")
	want(t, rt.DNS.Recursors, []string{"127.0.0.1:53", "8.8.8.8:53"})
	want(t, rt.JoinLAN.Addresses, []string{"127.0.0.1", "b", "provider=mdns service={{x}} v6=false"})
	want(t, rt.JoinWAN.Addresses, []string{"127.0.0.1"})
}

func TestOwnListenerAddressesReplaceTheClients(t *testing.T) {
	rt := load(t, "-dev", "-hcl", `
addresses { http = "10.0.0.1 unix:///run/http.sock" https = "unix:///run/https.sock" }
unix_sockets { user = "u" group = "7" mode = "0700" }
ports { grpc = -1 grpc_tls = 0 }`)
	want(t, texts(rt.HTTPAddrs), []string{"10.0.0.1:8500", "/run/http.sock"})
	want(t, rt.HTTPAddrs[1].Network(), "unix")
	want(t, rt.HTTPAddrs[0].Network(), "tcp")
	want(t, texts(rt.HTTPSAddrs), []string{"/run/https.sock"})
	want(t, texts(rt.DNSAddrs), []string{"127.0.0.1:8600"})
	want(t, len(rt.GRPCAddrs)+len(rt.GRPCTLSAddrs), 0)
	want(t, rt.Ports.GRPCTLS, -1)
	want(t, rt.UnixSockets, config.UnixSockets{User: "u", Group: "7", Mode: "0700"})
}

func TestOnlyServersOpenGRPCWithTLSUnasked(t *testing.T) {
	want(t, load(t, "-data-dir", "/x").Ports.GRPCTLS, -1)
	want(t, load(t, "-data-dir", "/x", "-server").Ports.GRPCTLS, 8503)
}

func TestAClientsGRPCCertificateNeedsTheTLSPort(t *testing.T) {
	const tls = `tls { grpc { cert_file = "c" key_file = "k" } }`
	_, _, err := config.LoadOn(host, parseFlags(t, "-data-dir", "/x", "-grpc-port", "8502", "-hcl", tls))
	if err == nil || err.Error()[:54] != "the `ports.grpc` listener no longer supports TLS. Use " {
		t.Fatalf("got %v", err)
	}
	load(t, "-data-dir", "/x", "-grpc-port", "8502", "-grpc-tls-port", "8503", "-hcl", tls)
}
