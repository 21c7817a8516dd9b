package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// wantSaid runs doctor against an agent that answers so, beside what is well.
func wantSaid(t *testing.T, answers map[string]string, want ...string) {
	t.Helper()
	all := maps.Clone(well)
	maps.Copy(all, answers)
	answer(t, all)
	out, _, _ := run(t, "doctor")
	said := strings.Join(strings.Fields(out), " ")
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("it does not say %q:\n%s", w, out)
		}
	}
}

// voters is a Raft configuration and a member list of so many servers, of which those
// with the numbers in dead have failed.
func voters(n int, dead ...int) map[string]string {
	var peers []string
	members := []string{`{"Name":"me","Addr":"127.0.0.2","Port":1,"Status":1,"Tags":{"role":"node","dc":"dc1","id":"22","build":"1.21.4:x"}}`}
	for i := 1; i <= n; i++ {
		status := 1
		for _, d := range dead {
			if d == i {
				status = 4
			}
		}
		peers = append(peers, fmt.Sprintf(`{"ID":"%d","Node":"s%d","Address":"127.0.0.1:830%d","Voter":true,"Leader":%t}`, i, i, i, i == 1))
		members = append(members, fmt.Sprintf(`{"Name":"s%d","Addr":"127.0.0.1","Port":1,"Status":%d,"Tags":{"role":"consul","dc":"dc1","id":"%d","build":"1.21.4:x"}}`, i, status, i))
	}
	return map[string]string{
		"GET /v1/operator/raft/configuration?stale=": `{"Servers":[` + strings.Join(peers, ",") + `]}`,
		"GET /v1/agent/members":                      "[" + strings.Join(members, ",") + "]",
		"GET /v1/status/leader":                      `"127.0.0.1:8301"`,
	}
}

func TestDoctorCountsVoters(t *testing.T) {
	for _, row := range []struct {
		n    int
		dead []int
		want string
	}{
		{1, nil, "fine leader s1 leads 1 voter"},
		{2, nil, "warning leader no server may be lost now: 2 of 2 are needed -> add a server, for three"},
		{3, nil, "s1 leads 3 voters"},
		{3, []int{3}, "warning leader one more lost server stops the cluster: 2 of 3 voters live -> bring s3 back, or replace it"},
		{3, []int{2, 3}, "problem leader 1 of 3 voters live, and 2 are needed: s2, s3 -> start them again, with retry_join of a member"},
		{5, []int{4}, "s1 leads 5 voters"},
		{5, []int{3, 4}, "one more lost server stops the cluster: 3 of 5 voters live -> bring s3, s4 back"},
		{4, nil, "4 servers tolerate no more losses than 3"},
	} {
		t.Run(fmt.Sprintf("%d of %d dead", len(row.dead), row.n), func(t *testing.T) {
			wantSaid(t, voters(row.n, row.dead...), strings.Replace(row.want, "fine leader ", "", 1))
		})
	}
}

// expiring is a certificate of a name that ends in a while.
func expiring(t *testing.T, name string, left time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(left)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// selfWith is what an agent says of itself with another port than the one that is off.
func selfWith(setting string, port int) map[string]string {
	return map[string]string{"GET /v1/agent/self": strings.Replace(agentSelf(`,"DNSDomain":"consul."`, ``), `"`+setting+`":-1`, fmt.Sprintf(`"%s":%d`, setting, port), 1)}
}

func TestDoctorLooksAtTheCertificateOfHTTPS(t *testing.T) {
	for _, row := range []struct {
		left time.Duration
		want string
	}{
		{-time.Hour, "problem certificate the certificate agent.dc1 has expired, on "},
		{49 * time.Hour, "the certificate agent.dc1 expires in 48 hours -> make another (praetor tls cert create) and reload the agent"},
		{2000 * time.Hour, "agent.dc1 is valid until "},
	} {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{expiring(t, "agent.dc1", row.left)}})
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.NotFoundHandler()}
		go func() { _ = server.Serve(l) }() // ends with Close
		wantSaid(t, selfWith("HTTPSPort", l.Addr().(*net.TCPAddr).Port), strings.TrimPrefix(row.want, "problem certificate "))
		server.Close()
	}
	wantSaid(t, selfWith("HTTPSPort", 1), "HTTPS does not answer at 127.0.0.1:1", "-> has the agent a certificate (tls.https.cert_file)? See its log")
}

func TestDoctorLooksAtTheRootOfTheMesh(t *testing.T) {
	roots := func(left time.Duration) map[string]string {
		return map[string]string{"GET /v1/connect/ca/roots": fmt.Sprintf(`{"ActiveRootID":"a","Roots":[{"ID":"a","Name":"Consul CA Primary Cert","Active":true,"NotAfter":%q},
			{"ID":"old","Name":"old","NotAfter":"2001-01-01T00:00:00Z"}]}`, time.Now().Add(left).Format(time.RFC3339))}
	}
	wantSaid(t, roots(-time.Hour), "the certificate Consul CA Primary Cert of the mesh has expired, on ", "-> make another root: praetor connect ca set-config")
	wantSaid(t, roots(100*time.Hour), "the certificate Consul CA Primary Cert of the mesh expires in 99 hours")
	wantSaid(t, roots(20*24*time.Hour), "the certificate Consul CA Primary Cert of the mesh expires in 19 days")
	wantSaid(t, roots(4000*time.Hour), "Consul CA Primary Cert of the mesh is valid until ")
}

func TestDoctorAsksDNS(t *testing.T) {
	for want, reply := range map[string]func(*dns.Msg){
		" answers": func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		},
		"DNS answers NXDOMAIN to consul.service.consul.": func(m *dns.Msg) { m.Rcode = dns.RcodeNameError },
		"DNS answers NOERROR to":                         func(*dns.Msg) {},
	} {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			reply(m)
			_ = w.WriteMsg(m)
		})}
		go func() { _ = server.ActivateAndServe() }() // ends with conn
		wantSaid(t, selfWith("DNSPort", conn.LocalAddr().(*net.UDPAddr).Port), want)
		conn.Close()
	}
	wantSaid(t, selfWith("DNSPort", 1), "DNS does not answer at 127.0.0.1:1", "-> is UDP port 1 open, and does the agent listen there (client_addr, addresses.dns)?")
}

func TestDoctorComparesClocks(t *testing.T) {
	for _, row := range []struct {
		ahead time.Duration
		want  string
	}{
		{0, "1 clock within 2s of this machine's"},
		{20*time.Minute + 30*time.Second, "problem clocks the clock of s differs by 20m"},
	} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(row.ahead).UTC().Format(http.TimeFormat))
		}))
		port := other.Listener.Addr().(*net.TCPAddr).Port
		self := map[string]string{"GET /v1/agent/self": strings.Replace(agentSelf(``, ``), `"HTTPPort":1`, fmt.Sprintf(`"HTTPPort":%d`, port), 1)}
		wantSaid(t, self, strings.TrimPrefix(row.want, "problem clocks "))
		other.Close()
	}
}

func TestDoctorSaysWhyAnAgentIsSilent(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Permission denied: anonymous token lacks permission 'agent:read'", http.StatusForbidden)
	}))
	defer refusing.Close()
	for addr, want := range map[string]string{
		"127.0.0.1:1": "-> nothing listens there: start the agent, or name it with -http-addr or CONSUL_HTTP_ADDR",
		"https://" + plain.Listener.Addr().String():  "-> it speaks plain HTTP: use http:// in -http-addr, and unset CONSUL_HTTP_SSL",
		"http://" + secure.Listener.Addr().String():  "-> it speaks HTTPS: use https:// in -http-addr, with -ca-file",
		"https://" + secure.Listener.Addr().String(): "-> its certificate is not trusted, or has another name: give -ca-file, and -tls-server-name",
		refusing.Listener.Addr().String():            "-> the token may not look at it: give one with agent:read with -token",
	} {
		out, _, code := run(t, "doctor", "-http-addr="+addr)
		if said := strings.Join(strings.Fields(out), " "); code == 0 || !strings.Contains(said, want) {
			t.Errorf("%s: code %d; it does not say %q:\n%s", addr, code, want, out)
		}
	}
}

func TestDoctorTriesAFolder(t *testing.T) {
	t.Setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
	good, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		good:                         good + " can be written",
		filepath.Join(good, "later"): "later does not exist; the agent makes it when it starts",
		file:                         "is a file, not a folder -> choose another -data-dir",
		filepath.Join(file, "below"): "-> give the agent's user the right to read and write it",
	} {
		out, _, _ := run(t, "doctor", "-data-dir="+dir)
		if said := strings.Join(strings.Fields(out), " "); !strings.Contains(said, want) {
			t.Errorf("%s: it does not say %q:\n%s", dir, want, out)
		}
	}
}

func TestDoctorKnowsWhatServersRefuse(t *testing.T) {
	for why, cure := range map[string]string{
		`node name \"me\" is reserved by node 11`:   "-> if that node's agent lives, give one of the two another name (-node); if it is gone for good, praetor force-leave NAME",
		`Permission denied: token lacks permission`: "-> give the agent, or the service, a token with service:write",
		`No cluster leader`:                         "-> first see to the leader and the servers: the agent tries again by itself",
		`something else`:                            `-> see the agent's log for "failed to sync remote state"`,
	} {
		wantSaid(t, map[string]string{
			"GET /v1/catalog/node/me?stale=": `{"Node":{"Node":"me","ID":"22"},"Services":{}}`,
			"GET /v1/agent/self":             agentSelf(``, `"agent":{"sync_error":"`+why+`"}`),
		}, cure)
	}
}
