package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
)

const (
	consulServiceFile = `{"Token":"tok","Service":{"Kind":"","ID":"web-1","Service":"web","Tags":["a"],"Meta":{"k":"v"},"Port":0,"Ports":[{"Name":"http","Port":8080,"Default":true}],
		"Address":"10.0.0.5","SocketPath":"","TaggedAddresses":{"lan_ipv4":{"Address":"10.0.0.5","Port":8080}},
		"Weights":{"Passing":2,"Warning":1},"EnableTagOverride":true,
		"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":7,"ModifyIndex":9},
		"Source":"remote","LocallyRegisteredAsSidecar":false}`
	consulSidecarFile = `{"Token":"","Service":{"Kind":"connect-proxy","ID":"web-1-sidecar-proxy","Service":"web-sidecar-proxy","Port":21000,
		"Proxy":{"DestinationServiceName":"web","LocalServicePort":8080,"Config":{"x":1},"MeshGateway":{"Mode":"local"},
		"Upstreams":[{"DestinationType":"service","DestinationName":"db","LocalBindPort":9001,"MeshGateway":{"Mode":"remote"}}],
		"Expose":{}}},"Source":"remote","LocallyRegisteredAsSidecar":true}`
	consulCheckFile = `{"Check":{"Node":"old","CheckID":"service:web-1","Name":"Service 'web' check","Status":"passing","Notes":"n","Output":"o",
		"ServiceID":"web-1","ServiceName":"web","ServiceTags":["a"],"Type":"ttl","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},
		"CreateIndex":0,"ModifyIndex":0},
		"ChkType":{"CheckID":"service:web-1","TTL":3600000000000,"Timeout":"0s","Interval":0,"SuccessBeforePassing":1,"OutputMaxSize":4096},
		"Token":"tok","Source":"remote"}`
)

// consulFolder is what a Consul agent left behind.
func consulFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"services/aa":       consulServiceFile,
		"services/bb":       consulSidecarFile,
		"services/cc":       `{"Service":{"ID":"of-file","Service":"of-file"},"Source":"local"}`,
		"services/dd":       `{"Service":`,
		"services/x.tmp":    consulServiceFile,
		"services/configs/": "",
		"checks/ee":         consulCheckFile,
		"checks/state/ff": fmt.Sprintf(`{"CheckID":"service:web-1","Status":"passing","Output":"well","Expires":%d}`,
			time.Now().Add(time.Hour).Unix()),
	} {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if text != "" {
			must(t, os.WriteFile(path, []byte(text), 0o600))
		}
	}
	return dir
}

func TestConsulsFilesAreTakenOverOnce(t *testing.T) {
	dir := consulFolder(t)
	check := func(s *local.State) {
		t.Helper()
		if got := fmt.Sprint(sorted(s.Services())); got != "[web-1 web-1-sidecar-proxy]" {
			t.Fatalf("services are %s", got)
		}
		svc := s.Service("web-1")
		if svc.Service != "web" || svc.Port != 8080 || svc.Meta["k"] != "v" || svc.Weights.Passing != 2 || !svc.EnableTagOverride ||
			svc.Proxy != nil || svc.Connect != nil || svc.Node != "n1" || svc.ModifyIndex != 0 {
			t.Errorf("service is %+v", svc)
		}
		p := s.Service("web-1-sidecar-proxy").Proxy
		if p == nil || p.DestinationServiceName != "web" || p.MeshGatewayMode != "local" || len(p.Upstreams) != 1 ||
			p.Upstreams[0].MeshGatewayMode != "remote" || p.Upstreams[0].LocalBindPort != 9001 {
			t.Errorf("proxy is %+v", p)
		}
		c := s.Check("service:web-1")
		if c == nil || c.Status != catalog.Passing || c.Output != "well" || c.Definition.TTL != time.Hour ||
			c.Definition.SuccessBeforePassing != 1 || c.Node != "n1" || c.Notes != "n" {
			t.Errorf("check is %+v", c)
		}
	}
	s := open(t, options(dir, newServers()))
	check(s)
	must(t, s.Close())
	s = open(t, options(dir, newServers()))
	check(s)
	must(t, s.RemoveService(bg, "web-1"))
	must(t, s.Close())
	if s = open(t, options(dir, newServers())); len(s.Services()) != 0 {
		t.Errorf("taken over again: %v", s.Services())
	}
	if _, err := os.Stat(filepath.Join(dir, "services", "aa")); err != nil {
		t.Errorf("Consul's file was touched: %v", err)
	}
}

func FuzzConsulFile(f *testing.F) {
	f.Add("service", []byte(consulServiceFile))
	f.Add("service", []byte(consulSidecarFile))
	f.Add("check", []byte(consulCheckFile))
	f.Add("state", []byte(`{"CheckID":"c","Status":"passing","Expires":1}`))
	f.Fuzz(func(t *testing.T, what string, data []byte) {
		_ = local.ImportFile(what, data) // must not panic
	})
}

func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	s, err := local.Open(options(dir, newServers()))
	must(f, err)
	must(f, s.AddService(bg, service("web"), []*catalog.Check{ttl("c")}, true, "tok"))
	must(f, s.AddSidecar(bg, "web", service("web-sidecar-proxy"), nil, false, ""))
	must(f, s.UpdateTTL(bg, "c", catalog.Passing, "x"))
	must(f, s.SaveStatuses())
	must(f, s.RemoveCheck(bg, "c"))
	must(f, s.RemoveService(bg, "web"))
	must(f, s.Close())
	f.Add(readFile(f, journalPath(dir)))
	f.Add(withZeros(readFile(f, journalPath(dir))))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, holes := local.ReadJournal(data)
		var end int64
		for _, h := range holes {
			if h[0] < end || h[1] < h[0] || h[1] > int64(len(data)) {
				t.Fatalf("holes %v in %d bytes", holes, len(data))
			}
			end = h[1]
		}
		if len(holes) > 0 {
			return
		}
		if again, holes := local.ReadJournal(withZeros(data)); again != records || len(holes) > 0 {
			t.Fatalf("%d records; with zeros behind them %d, holes %v", records, again, holes)
		}
	})
}

// FuzzRecord looks past the checksum: at what a body may hold.
func FuzzRecord(f *testing.F) {
	f.Add(uint8(1), []byte{0x80})
	f.Add(uint8(2), []byte{0x81, 0xa5, 'C', 'h', 'e', 'c', 'k', 0x80})
	f.Add(uint8(3), []byte{0x81, 0xa2, 'I', 'D', 0xa1, 'x'})
	f.Add(uint8(5), []byte{0x80})
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		_ = local.ReadRecord(kind, body) // must not panic
	})
}
