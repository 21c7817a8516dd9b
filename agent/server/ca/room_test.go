package ca_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/ca"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

// room is a leader with an authority.
type room struct {
	*testkernel.Server
	ca *ca.Service
}

// meshed runs a test of a leader that has taken up its authority, in a bubble.
func meshed(t *testing.T, o ca.Options, k testkernel.Options, test func(r room)) {
	t.Helper()
	var r room
	o.Enabled = true
	testkernel.Run(t, withAuthority(&r, o, k), func(*testkernel.Server) {
		if err := r.ca.Establish(r.T.Context()); err != nil {
			t.Fatal(err)
		}
		test(r)
	})
}

func withAuthority(r *room, o ca.Options, k testkernel.Options) testkernel.Options {
	k.Register = func(s *testkernel.Server, m *kernel.Mux) {
		o.Logger = s.Logger
		*r = room{s, ca.New(s.Kernel, o)}
		r.ca.Register(m)
	}
	return k
}

// runs runs the duty of a leader until the end of the test.
func (r room) runs() {
	ctx, cancel := context.WithCancel(r.T.Context())
	var done sync.WaitGroup
	done.Go(func() { r.ca.Run(ctx) })
	r.T.Cleanup(func() { cancel(); done.Wait() })
}

func ask[Req, Rep any](r room, op rpc.Op[Req, Rep], token string, req *Req) (*Rep, error) {
	reflect.ValueOf(req).Elem().FieldByName("Token").SetString(token)
	return op.Call(r.T.Context(), r.Router, req)
}

func (r room) roots() *ops.ConnectCARootsReply {
	r.T.Helper()
	rep, err := ask(r, ops.ConnectCARoots, "", &ops.ConnectCARootsRequest{})
	if err != nil {
		r.T.Fatal(err)
	}
	return rep
}

func (r room) configure(config string) error {
	_, err := ask(r, ops.ConnectCASetConfig, "", &ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "consul", Config: []byte(config)}})
	return err
}

func (r room) must(err error) {
	r.T.Helper()
	if err != nil {
		r.T.Fatal(err)
	}
}

// leaf is a certificate for web, signed now.
func (r room) leaf() string {
	r.T.Helper()
	rep, err := ask(r, ops.ConnectCASign, "", &ops.ConnectCASignRequest{CSR: csr(r.T, r.web())})
	if err != nil {
		r.T.Fatal(err)
	}
	return rep.CertPEM
}

func (r room) web() pki.SPIFFE {
	return pki.SPIFFE{Identity: pki.Service, TrustDomain: r.roots().TrustDomain, Datacenter: r.Datacenter, Name: "web"}
}

func csr(t testing.TB, id pki.SPIFFE) string {
	t.Helper()
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.NewCSR(key, "", id.URI())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// trusts says whether who trusts one root believes a chain.
func trusts(root, chain string) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(root))
	block, rest := pem.Decode([]byte(chain))
	between.AppendCertsFromPEM(rest)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

func refused(t testing.TB, name string, err error, kind fault.Kind, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || err.Error() != want:
		t.Errorf("%s: %v, want %q", name, err, want)
	case fault.KindOf(err) != kind:
		t.Errorf("%s: %v is a fault of kind %v, want %v", name, err, fault.KindOf(err), kind)
	}
}

func TestWhereThereIsAnAuthority(t *testing.T) {
	for name, c := range map[string]struct {
		before  func(s *testkernel.Server)
		o       ca.Options
		primary string
		want    int
	}{
		"a new cluster": {nil, ca.Options{}, "", 1},
		"one of an earlier version": {func(s *testkernel.Server) {
			s.Log(catalog.RegisterCommand, &catalog.Register{Node: "n", Address: "10.0.0.9"})
		}, ca.Options{}, "", 0},
		"another provider":         {nil, ca.Options{Provider: "vault"}, "", 0},
		"a secondary datacenter":   {nil, ca.Options{}, "dc0", 0},
		"lifetimes that cannot be": {nil, ca.Options{Config: map[string]any{"leaf_cert_ttl": "1m"}}, "", 0},
	} {
		var r room
		k := testkernel.Options{}
		k.Primary = c.primary
		c.o.Enabled = true
		testkernel.Run(t, withAuthority(&r, c.o, k), func(s *testkernel.Server) {
			if c.before != nil {
				c.before(s)
			}
			for range 2 { // the second term makes no other
				r.must(r.ca.Establish(s.T.Context()))
				if _, roots := s.Store.Read().CARoots(nil); len(roots) != c.want {
					t.Errorf("%s: %d roots, want %d", name, len(roots), c.want)
				}
			}
			if c.want == 0 && c.primary == "" && c.o.Config == nil && c.o.Provider == "" {
				if got := len(r.roots().Roots); got != 1 {
					t.Errorf("%s: %d roots when somebody asks", name, got)
				}
			}
			if c.primary != "" {
				_, err := ask(r, ops.ConnectCARoots, "", &ops.ConnectCARootsRequest{})
				refused(t, name, err, fault.Rejected, "CA has not finished initializing")
			}
		})
	}
	var r room
	testkernel.Run(t, withAuthority(&r, ca.Options{}, testkernel.Options{}), func(s *testkernel.Server) {
		r.must(r.ca.Establish(s.T.Context()))
		for name, call := range map[string]func() error{
			"roots":      func() error { _, err := ask(r, ops.ConnectCARoots, "", &ops.ConnectCARootsRequest{}); return err },
			"config":     func() error { _, err := ask(r, ops.ConnectCAConfig, "", &ops.ConnectCAConfigRequest{}); return err },
			"set config": func() error { return r.configure("{}") },
			"sign":       func() error { _, err := ask(r, ops.ConnectCASign, "", &ops.ConnectCASignRequest{}); return err },
			"intermediate": func() error {
				_, err := ask(r, ops.ConnectCASignIntermediate, "", &ops.ConnectCASignIntermediateRequest{})
				return err
			},
			"auto encrypt": func() error { _, err := ask(r, ops.AutoEncryptSign, "", &ops.AutoEncryptSignRequest{}); return err },
		} {
			refused(t, name, call(), fault.Rejected, "Connect must be enabled in order to use this endpoint")
		}
	})
}

// TestTheFirstRoot is as mesh.md §1 has it.
func TestTheFirstRoot(t *testing.T) {
	meshed(t, ca.Options{Config: map[string]any{"cluster_id": "11111111-2222-3333-4444-555555555555", "private_key_bits": 384}}, testkernel.Options{}, func(r room) {
		rep := r.roots()
		root := rep.Active()
		if rep.TrustDomain != "11111111-2222-3333-4444-555555555555.consul" || root.Name != "Consul CA Primary Cert" || root.ExternalTrustDomain != "11111111-2222-3333-4444-555555555555" || root.PrivateKeyType != "ec" || root.PrivateKeyBits != 384 {
			t.Errorf("%+v of %s", root, rep.TrustDomain)
		}
		cert, err := pki.ParseCertificate(root.RootCert)
		if err != nil {
			t.Fatal(err)
		}
		if root.ID != pki.CertificateID(cert) || root.NotAfter-root.NotBefore < 87600*3600 || root.SigningKeyID != pki.Colons(cert.SubjectKeyId) || root.SerialNumber != cert.SerialNumber.Uint64() || root.RotatedOut != 0 ||
			cert.URIs[0].String() != "spiffe://11111111-2222-3333-4444-555555555555.consul" || !strings.HasPrefix(cert.Subject.CommonName, "pri-") || !strings.HasSuffix(cert.Subject.CommonName, ".consul.ca.11111111.consul") || len(cert.Subject.CommonName) != len("pri-12345678.consul.ca.11111111.consul") {
			t.Errorf("%+v of %s, %v", root, cert.Subject, cert.URIs)
		}
		config, err := ask(r, ops.ConnectCAConfig, "", &ops.ConnectCAConfigRequest{})
		if want := `{"IntermediateCertTTL":"8760h","LeafCertTTL":"72h","PrivateKeyBits":384,"RootCertTTL":"87600h"}`; err != nil || string(config.Config.Config) != want || config.Config.Provider != "consul" {
			t.Errorf("%s, %v", config.Config.Config, err)
		}
		first, second := r.leaf(), r.leaf()
		for _, leaf := range []string{first, second} {
			if err := trusts(root.RootCert, leaf); err != nil {
				t.Error(err)
			}
		}
		a, _ := pki.ParseCertificate(first)
		b, _ := pki.ParseCertificate(second)
		if a.SerialNumber.Cmp(b.SerialNumber) >= 0 || a.NotAfter.Sub(a.NotBefore) < 72*time.Hour || a.NotAfter.Sub(a.NotBefore) > 73*time.Hour {
			t.Errorf("serial numbers %s and %s, for %s", a.SerialNumber, b.SerialNumber, a.NotAfter.Sub(a.NotBefore))
		}
	})
}

func TestConfigurationsThatAreRefusedChangeNothing(t *testing.T) {
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		before := r.roots().Active().ID
		for _, c := range []struct {
			name string
			req  ops.ConnectCASetConfigRequest
			kind fault.Kind
			want string
		}{
			{"a state", ops.ConnectCASetConfigRequest{State: true, Config: catalog.CAConfig{Provider: "consul"}}, fault.Invalid, "Provider State is read-only. It must be omitted or identical to the current value"},
			{"another provider", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "moon"}}, fault.Rejected, `could not initialize provider: unknown CA provider "moon"`},
			{"no provider", ops.ConnectCASetConfigRequest{}, fault.Rejected, `could not initialize provider: unknown CA provider ""`},
			{"a provider of Amazon's", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "aws-pca", Config: []byte(`{}`)}}, fault.Rejected, "error generating CA root certificate: MissingRegion: could not find region configuration"},
			{"with a region", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "aws-pca", Config: []byte(`{"region":"eu"}`)}}, fault.Rejected, "error configuring provider: the CA provider aws-pca is not part of Praetor: use consul, or vault"},
			{"no object", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "consul", Config: []byte(`[]`)}}, fault.Invalid, "config of the CA: json: cannot unmarshal array into Go value of type map[string]interface {}"},
			{"a short life", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "consul", Config: []byte(`{"LeafCertTTL":"1m"}`)}}, fault.Rejected, "error configuring provider: leaf cert TTL must be greater or equal than 1h0m0s"},
			{"a key that is none", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "consul", Config: []byte(`{"PrivateKey":"abc"}`)}}, fault.Rejected, `error generating CA root certificate: error generating CA: error parsing private key "abc": no PEM-encoded data found`},
			{"a long key that is none", ops.ConnectCASetConfigRequest{Config: catalog.CAConfig{Provider: "consul", Config: []byte(`{"PrivateKey":"` + strings.Repeat("a", 17) + `"}`)}}, fault.Rejected, `error generating CA root certificate: error generating CA: error parsing private key "<hidden>": no PEM-encoded data found`},
		} {
			_, err := ask(r, ops.ConnectCASetConfig, "", &c.req)
			refused(t, c.name, err, c.kind, c.want)
		}
		if now := r.roots(); now.Active().ID != before || len(now.Roots) != 1 {
			t.Errorf("%d roots, the active one %s, before %s", len(now.Roots), now.Active().ID, before)
		}
		r.ACL = testkernel.Rights{acl.Operator.Read()}
		_, err := ask(r, ops.ConnectCASetConfig, "t", &ops.ConnectCASetConfigRequest{})
		refused(t, "without the right", err, fault.Denied, "Permission denied: token with AccessorID 'acc' lacks permission 'operator:write'")
	})
}

// TestOldRootsAreTrustedForThreeLifetimesOfLeaves, and looked after every hour.
func TestOldRootsAreTrustedForThreeLifetimesOfLeaves(t *testing.T) {
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		r.runs()
		old := r.roots().Active()
		leaf := r.leaf()
		r.must(r.configure(`{"LeafCertTTL":"1h","PrivateKeyBits":384}`))
		rep := r.roots()
		if len(rep.Roots) != 2 || rep.Active().ID == old.ID || rep.Active().PrivateKeyBits != 384 {
			t.Fatalf("%d roots", len(rep.Roots))
		}
		for _, root := range rep.Roots {
			if !root.Active && (root.ID != old.ID || root.RotatedOut != time.Now().UnixNano()) {
				t.Errorf("the old root is %+v", root)
			}
		}
		for _, c := range []struct{ root, leaf string }{{old.RootCert, leaf}, {old.RootCert, r.leaf()}, {rep.Active().RootCert, r.leaf()}} {
			if err := trusts(c.root, c.leaf); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if got := len(r.roots().Roots); got != 2 {
			t.Errorf("%d roots after three lifetimes", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if rep := r.roots(); len(rep.Roots) != 1 || !rep.Roots[0].Active {
			t.Errorf("%d roots an hour later", len(rep.Roots))
		}
		if _, before := r.Store.Read().CAConfig(nil); before.ClusterID+".consul" != rep.TrustDomain {
			t.Errorf("the cluster is %s, the trust domain %s", before.ClusterID, rep.TrustDomain)
		}
	})
}

// TestOneRootForOneConfiguration: what names no other keys makes no other root.
func TestOneRootForOneConfiguration(t *testing.T) {
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		for _, c := range []struct {
			config  string
			rotates bool
		}{
			{`{"LeafCertTTL":"80h"}`, false}, {`{"PrivateKeyBits":256,"PrivateKeyType":"ec"}`, false}, {`{"private_key_bits":384}`, true}, {`{"PrivateKeyBits":384,"CSRMaxPerSecond":3}`, false}, {`{"Anything":"else","PrivateKeyBits":384}`, false}, {`{"PrivateKeyType":"ec","PrivateKeyBits":521}`, true},
		} {
			before := r.roots().Active().ID
			r.must(r.configure(c.config))
			if rotated := r.roots().Active().ID != before; rotated != c.rotates {
				t.Errorf("%s makes another root: %t", c.config, rotated)
			}
		}
	})
}

func TestCertificatesAreForThoseWhoMayHaveThem(t *testing.T) {
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		domain := r.roots().TrustDomain
		id := func(kind pki.Identity, name string) pki.SPIFFE {
			return pki.SPIFFE{Identity: kind, TrustDomain: domain, Datacenter: "dc1", Name: name}
		}
		elsewhere, foreign, spaced := id(pki.Service, "web"), id(pki.Service, "web"), id(pki.Service, "web")
		elsewhere.Datacenter, foreign.TrustDomain, spaced.Namespace = "dc2", "x.consul", "team"
		denied := func(permission string) string {
			return "Permission denied: token with AccessorID 'acc' lacks permission '" + permission
		}
		const kinds = "SPIFFE ID in CSR must be a service, mesh-gateway, or agent ID"
		for name, c := range map[string]struct {
			right acl.Need
			id    pki.SPIFFE
			uri   string
			kind  fault.Kind
			want  string
		}{
			"a service":              {acl.Service.Write("web"), id(pki.Service, "web"), "", 0, ""},
			"named in full":          {acl.Service.Write("web"), id(pki.Service, "web"), id(pki.Service, "web").String(), 0, ""},
			"named as another":       {acl.Service.Write("web"), id(pki.Service, "web"), id(pki.Service, "db").String(), fault.Invalid, "the CSR is for " + id(pki.Service, "web").String() + ", and a certificate for " + id(pki.Service, "db").String() + " is asked for"},
			"another service":        {acl.Service.Write("db"), id(pki.Service, "web"), "", fault.Denied, denied(`service:write' on "web"`)},
			"an agent":               {acl.Node.Write("n"), id(pki.Agent, "n"), "", 0, ""},
			"another agent":          {acl.Service.Write("n"), id(pki.Agent, "n"), "", fault.Denied, denied(`node:write' on "n"`)},
			"a mesh gateway":         {acl.Mesh.Write(), id(pki.MeshGateway, ""), "", 0, ""},
			"a mesh gateway without": {acl.Mesh.Read(), id(pki.MeshGateway, ""), "", fault.Denied, denied("mesh:write'")},
			"servers":                {acl.ACL.Write(), id(pki.Servers, ""), "", 0, ""},
			"servers without":        {acl.Operator.Write(), id(pki.Servers, ""), "", fault.Denied, denied("acl:write'")},
			"an authority":           {acl.Operator.Write(), id(pki.Signer, ""), "", fault.Invalid, kinds},
			"elsewhere":              {acl.Service.Write("web"), elsewhere, "", fault.Invalid, "SPIFFE ID in CSR from a different datacenter: dc2, we are dc1"},
			"foreign":                {acl.Service.Write("web"), foreign, "", fault.Invalid, "SPIFFE ID in CSR from a different trust domain: x.consul, we are " + domain},
			"a namespace":            {acl.Service.Write("web"), spaced, "", fault.Invalid, "Non default partition or namespace is supported in Enterprise only.Provided namespace is team and partition is default"},
		} {
			r.ACL = testkernel.Rights{c.right}
			_, err := ask(r, ops.ConnectCASign, "t", &ops.ConnectCASignRequest{CSR: csr(t, c.id), URI: c.uri})
			refused(t, name, err, c.kind, c.want)
		}
		_, err := ask(r, ops.ConnectCASign, "", &ops.ConnectCASignRequest{CSR: "x"})
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("no CSR: %v", err)
		}
	})
}

// TestNamesOfServersAreForServers: who has one could pass for a server.
func TestNamesOfServersAreForServers(t *testing.T) {
	meshed(t, ca.Options{AutoEncrypt: true, Domain: "Example."}, testkernel.Options{}, func(r room) {
		domain, err := ask(r, ops.AutoEncryptSign, "", &ops.AutoEncryptSignRequest{})
		if err != nil || domain.TrustDomain != r.roots().TrustDomain || domain.CertPEM != "" {
			t.Fatalf("%+v, %v", domain, err)
		}
		agent := pki.SPIFFE{Identity: pki.Agent, TrustDomain: domain.TrustDomain, Datacenter: "dc1", Name: "n"}
		with := func(id *url.URL, names ...string) (*ops.AutoEncryptSignReply, error) {
			key, err := pki.NewKey(pki.EC, 256)
			if err != nil {
				t.Fatal(err)
			}
			csr, err := pki.NewAgentCSR(key, id, names, nil)
			if err != nil {
				t.Fatal(err)
			}
			return ask(r, ops.AutoEncryptSign, "t", &ops.AutoEncryptSignRequest{CSR: csr})
		}
		r.ACL = testkernel.Rights{acl.Node.Write("n"), acl.ACL.Write(), acl.Service.Write("web")}
		for name, isServer := range map[string]bool{
			"n.example": false, "localhost": false, "server.dc1.example": true, "SERVER.dc1.Example.": true, "*.dc1.example": true, "s*.dc1.example": true, "server.example": true, "server.dc1.example.org": false, "observer.dc1.example": false,
			"server.dc1.consul": false, "a.server.dc1.example": false, "*.consul": false, "server.dc1.notexample": false,
		} {
			rep, err := with(agent.URI(), "n", name)
			want := ""
			if isServer {
				want = "the name " + name + " in CSR is one of servers"
			}
			refused(t, name, err, fault.Invalid, want)
			if err == nil && (rep.TrustDomain != domain.TrustDomain || trusts(r.roots().Active().RootCert, rep.CertPEM) != nil) {
				t.Errorf("%s: %+v", name, rep)
			}
		}
		_, err = with(pki.SPIFFE{Identity: pki.Service, TrustDomain: domain.TrustDomain, Datacenter: "dc1", Name: "web"}.URI())
		refused(t, "a service", err, fault.Invalid, "SPIFFE ID in CSR must be an agent ID")
		other := agent
		other.Name = "m"
		_, err = with(other.URI())
		refused(t, "another agent", err, fault.Denied, `Permission denied: token with AccessorID 'acc' lacks permission 'node:write' on "m"`)
	})
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		_, err := ask(r, ops.AutoEncryptSign, "", &ops.AutoEncryptSignRequest{})
		refused(t, "not allowed", err, fault.Rejected, "this server gives no certificates to client agents: auto_encrypt.allow_tls is not set")
	})
}

// TestSigningIsBounded: by what comes in a second, or by what runs at once.
func TestSigningIsBounded(t *testing.T) {
	const tooMany = "rate limit reached, try again later"
	meshed(t, ca.Options{Config: map[string]any{"csr_max_per_second": 4}}, testkernel.Options{}, func(r room) {
		csr := csr(t, r.web())
		sign := func() error {
			_, err := ask(r, ops.ConnectCASign, "", &ops.ConnectCASignRequest{CSR: csr})
			return err
		}
		began := time.Now()
		for i, want := range []time.Duration{0, 0, 0, 0, 250 * time.Millisecond, 500 * time.Millisecond} { // four at once, then one in a quarter of a second
			r.must(sign())
			if took := time.Since(began); took != want {
				t.Errorf("the %d. after %s, want %s", i+1, took, want)
			}
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		refusals := 0
		began = time.Now()
		for range 10 {
			all.Go(func() {
				err := sign()
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					refused(t, "too many", err, fault.Limit, tooMany)
					refusals++
				}
			})
		}
		all.Wait()
		if took := time.Since(began); refusals != 8 || took > 500*time.Millisecond {
			t.Errorf("%d of 10 are refused, in %s", refusals, took)
		}
		r.must(r.configure(`{"CSRMaxPerSecond":0}`))
		for range 100 {
			r.must(sign())
		}
	})
	meshed(t, ca.Options{Config: map[string]any{"csr_max_concurrent": 2}}, testkernel.Options{}, func(r room) {
		first, err := r.ca.Enter(r.T.Context())
		r.must(err)
		second, err := r.ca.Enter(r.T.Context())
		r.must(err)
		began := time.Now()
		_, err = r.ca.Enter(r.T.Context())
		refused(t, "a third", err, fault.Limit, tooMany)
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("refused after %s", took)
		}
		ctx, cancel := context.WithTimeout(r.T.Context(), time.Millisecond)
		defer cancel()
		if _, err := r.ca.Enter(ctx); err != context.DeadlineExceeded {
			t.Errorf("whose caller left: %v", err)
		}
		first()
		third, err := r.ca.Enter(r.T.Context())
		r.must(err)
		second()
		third()
	})
}

func TestWhoMayCallWhom(t *testing.T) {
	for _, c := range []struct {
		allow      bool
		intentions string
		source     string
		namespace  string
		want       bool
		reason     string
	}{
		{true, "", "web", "", true, "Matched L4 intention: default/web => default/db (Precedence: 9, Action: ALLOW)"},
		{true, "", "bad", "default", false, "Matched L4 intention: default/bad => default/db (Precedence: 9, Action: DENY)"},
		{true, "", "other", "", true, "Default behavior configured by ACLs"},
		{false, "", "other", "", false, "Default behavior configured by ACLs"},
		{false, "allow", "other", "", true, "Default intention policy"},
		{true, "deny", "other", "", false, "Default intention policy"},
		{true, "deny", "web", "", true, "Matched L4 intention: default/web => default/db (Precedence: 9, Action: ALLOW)"},
		{false, "", "web", "team", false, "Default behavior configured by ACLs"},
	} {
		meshed(t, ca.Options{AllowByDefault: c.allow, Intentions: c.intentions}, testkernel.Options{}, func(r room) {
			r.Log(catalog.ConfigCommand, &catalog.ConfigWrite{Entry: catalog.ConfigEntry{Kind: "service-intentions", Name: "db",
				Body: []byte(`{"Kind":"service-intentions","Name":"db","Sources":[{"Name":"web","Action":"allow","Precedence":9,"Type":"consul"},{"Name":"bad","Action":"deny","Precedence":9,"Type":"consul"}]}`)}})
			rep, err := ask(r, ops.ConnectAuthorize, "", &ops.ConnectAuthorizeRequest{Namespace: c.namespace, Source: c.source, Destination: "db"})
			if err != nil || rep.Authorized != c.want || rep.Reason != c.reason {
				t.Errorf("%+v: %+v, %v", c, rep, err)
			}
			r.ACL = testkernel.Rights{acl.Service.Read("db")}
			_, err = ask(r, ops.ConnectAuthorize, "t", &ops.ConnectAuthorizeRequest{Source: "web", Destination: "db"})
			refused(t, "without the right", err, fault.Denied, `Permission denied: token with AccessorID 'acc' lacks permission 'service:write' on "db"`)
		})
	}
}

// twoDatacenters runs a test of a server of dc2, whose primary is dc1, and one of dc1.
func twoDatacenters(t *testing.T, o ca.Options, k testkernel.Options, test func(here, primary room)) {
	t.Helper()
	var here, primary room
	k.Datacenter, k.Primary = "dc2", "dc1"
	o.Enabled = true
	testkernel.Run(t, withAuthority(&here, o, k), func(s *testkernel.Server) {
		s.Also(2, withAuthority(&primary, ca.Options{Enabled: true, Config: map[string]any{"leaf_cert_ttl": "1h", "intermediate_cert_ttl": "3h"}}, testkernel.Options{}))
		s.Router.SetServers([]rpc.Server{s.At(), primary.At()}, []string{"dc2", "dc1"})
		here.must(here.ca.Establish(s.T.Context()))
		test(here, primary)
	})
}

// TestASecondaryDatacenterSignsBelowThePrimary, follows its rotations, and renews its
// intermediate when half of its time is over.
func TestASecondaryDatacenterSignsBelowThePrimary(t *testing.T) {
	twoDatacenters(t, ca.Options{}, testkernel.Options{}, func(here, primary room) {
		here.runs()
		time.Sleep(time.Minute)
		theirs, ours := primary.roots(), here.roots()
		if ours.TrustDomain != theirs.TrustDomain || len(ours.Roots) != 1 || ours.Active().ID != theirs.Active().ID || len(ours.Active().IntermediateCerts) != 1 || ours.Active().SigningKeyID == theirs.Active().SigningKeyID {
			t.Fatalf("ours %+v, theirs %+v", ours.Active(), theirs.Active())
		}
		signs := func(when string) {
			t.Helper()
			if err := trusts(primary.roots().Active().RootCert, here.leaf()); err != nil {
				t.Errorf("%s: %v", when, err)
			}
		}
		signs("at first")
		between := func() string { return here.roots().Active().IntermediateCerts[0] }
		first := between()
		if cert, err := pki.ParseCertificate(first); err != nil || !strings.HasPrefix(cert.Subject.CommonName, "sec-") || !cert.IsCA {
			t.Errorf("the intermediate is %+v, %v", cert, err)
		}
		time.Sleep(80 * time.Minute)
		if between() != first {
			t.Error("it was renewed before half of its time was over")
		}
		time.Sleep(20 * time.Minute)
		if between() == first {
			t.Error("it was not renewed")
		}
		signs("after it was renewed")

		primary.must(primary.configure(`{"PrivateKeyBits":384,"LeafCertTTL":"1h","IntermediateCertTTL":"3h"}`))
		time.Sleep(time.Minute)
		if ours := here.roots(); len(ours.Roots) != 2 || ours.Active().ID != primary.roots().Active().ID {
			t.Errorf("after a rotation: %d roots", len(ours.Roots))
		}
		signs("after a rotation")
		second := between()
		here.must(here.configure(`{"PrivateKeyBits":521}`))
		if now := between(); now == second {
			t.Error("another key here makes no other intermediate")
		} else if cert, err := pki.ParseCertificate(now); err != nil {
			t.Error(err)
		} else if _, bits := pki.KeyType(cert.PublicKey); bits != 521 {
			t.Errorf("a key of %d bits", bits)
		}
		signs("with another key")
		if got, want := len(here.roots().Active().IntermediateCerts), 1+len(primary.roots().Active().IntermediateCerts); got != want {
			t.Errorf("%d certificates below the root, want %d", got, want)
		}

		_, err := ask(here, ops.ConnectCASignIntermediate, "", &ops.ConnectCASignIntermediateRequest{CSR: csr(t, pki.SPIFFE{Identity: pki.Signer, TrustDomain: theirs.TrustDomain})})
		refused(t, "an intermediate from here", err, fault.Rejected, "this is not the primary datacenter: dc1 is")
		for _, id := range []pki.SPIFFE{{Identity: pki.Signer, TrustDomain: "x.consul"}, {Identity: pki.Service, TrustDomain: theirs.TrustDomain, Datacenter: "dc1", Name: "web"}} {
			_, err := ask(primary, ops.ConnectCASignIntermediate, "", &ops.ConnectCASignIntermediateRequest{CSR: csr(t, id)})
			refused(t, "an intermediate for "+id.String(), err, fault.Invalid, "SPIFFE ID in CSR is "+id.String()+", an intermediate is for spiffe://"+theirs.TrustDomain)
		}
	})
}

// log is what a server says.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write is for io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestWhatIsInTheWayIsToldOnce while a leader tries again, less and less often.
func TestWhatIsInTheWayIsToldOnce(t *testing.T) {
	var said log
	k := testkernel.Options{}
	k.Logger = hclog.New(&hclog.LoggerOptions{Output: &said, Level: hclog.Warn})
	twoDatacenters(t, ca.Options{}, k, func(here, primary room) {
		there := []rpc.Server{here.At(), primary.At()}
		here.Router.SetServers(there[:1], []string{"dc2", "dc1"})
		here.runs()
		time.Sleep(10 * time.Minute)
		if got := strings.Count(said.String(), "Failed to initialize the CA of the mesh, trying again"); got != 1 {
			t.Errorf("said %d times:\n%s", got, said.String())
		}
		here.Router.SetServers(there, []string{"dc2", "dc1"})
		time.Sleep(61 * time.Second)
		if len(here.roots().Roots) != 1 {
			t.Error("it is not there a minute after the primary is")
		}
	})
}

func TestCertificatesThatEndSoonAreToldOf(t *testing.T) {
	for after, want := range map[time.Duration]bool{0: false, 191 * time.Minute: false, 193 * time.Minute: true} { // the last fifth of four hours
		var said log
		k := testkernel.Options{}
		k.Logger = hclog.New(&hclog.LoggerOptions{Output: &said, Level: hclog.Warn})
		short := map[string]any{"root_cert_ttl": "4h", "intermediate_cert_ttl": "3h", "leaf_cert_ttl": "1h"}
		meshed(t, ca.Options{Config: short}, k, func(r room) {
			time.Sleep(after)
			r.runs()
			synctest.Wait()
		})
		text := said.String()
		if got := strings.Contains(text, "certificate of the mesh's authority ends soon: certificate=root until="); got != want || want && !strings.Contains(text, "praetor connect ca set-config") {
			t.Errorf("after %s: %s", after, text)
		}
	}
}

func TestNamesOfSettings(t *testing.T) {
	for name, want := range map[string]string{
		"leaf_cert_ttl": "LeafCertTTL", "LeafCertTTL": "LeafCertTTL", "leafCertTTL": "LeafCertTTL", "root_pki_path": "RootPKIPath", "csr_max_per_second": "CSRMaxPerSecond", "ca_file": "CAFile", "tls_server_name": "TLSServerName", "cluster_id": "ClusterID", "a__b_": "AB", "": "",
	} {
		if got := ca.Camel(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestSecretsAreShownToNobody, and come back when what was shown is written.
func TestSecretsAreShownToNobody(t *testing.T) {
	const key = "-----BEGIN EC PRIVATE KEY-----\nplanted\n-----END EC PRIVATE KEY-----\n"
	config := map[string]any{
		"PrivateKey": key, "Token": "planted", "token": "planted", "SecretKey": "shown", "Address": "shown", "Empty": "", "Password": "", "TokenCount": "shown", "Bits": 7.0,
		"Spaces":     []any{map[string]any{"Token": "planted 1"}, map[string]any{"token": "planted 2", "Name": "shown"}, "shown"},
		"AuthMethod": map[string]any{"Type": "shown", "Params": map[string]any{"secret_id": "planted", "role_id": "shown", "JWT": "planted", "client_key_pem": "planted"}},
	}
	shown, back, err := ca.ShownAndBack(config)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown, "planted") || strings.Count(shown, "shown") != 7 || strings.Count(shown, "<hidden>") != 8 || strings.Count(shown, "BEGIN EC PRIVATE KEY") != 1 || !strings.Contains(shown, `"Password":""`) {
		t.Errorf("shown is %s", shown)
	}
	if !reflect.DeepEqual(back, config) {
		t.Errorf("back comes %v, want %v", back, config)
	}
	if shown, _, err := ca.ShownAndBack(nil); err != nil || shown != "null" {
		t.Errorf("nothing is shown as %s, %v", shown, err)
	}
}

func TestBoundsOfSettings(t *testing.T) {
	for config, want := range map[string]string{
		`{"LeafCertTTL":"1h"}`: "", `{"LeafCertTTL":"59m59s"}`: "leaf cert TTL must be greater or equal than 1h0m0s",
		`{"LeafCertTTL":"8760h","IntermediateCertTTL":"26280h"}`: "", `{"LeafCertTTL":"8760h1s","IntermediateCertTTL":"30000h"}`: "leaf cert TTL must be less than 8760h0m0s",
		`{"LeafCertTTL":"1h","IntermediateCertTTL":"3h"}`: "", `{"LeafCertTTL":"1h","IntermediateCertTTL":"179m"}`: "Intermediate Cert TTL must be greater or equal than 3h",
		`{"LeafCertTTL":"2h","IntermediateCertTTL":"6h"}`: "", `{"LeafCertTTL":"2h","IntermediateCertTTL":"359m"}`: "Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>=6h0m0s).",
		`{"RootCertTTL":"8760h"}`: "root cert TTL is set and is not greater than intermediate cert ttl. root cert ttl: 8760h0m0s, intermediate cert ttl: 8760h0m0s", `{"RootCertTTL":"8761h"}`: "",
		`{"PrivateKeyType":"rsa","PrivateKeyBits":2048}`: "", `{"RootCert":"x","PrivateKey":"y"}`: "", `{"leafcertttl":"1h"}`: "", `{"leaf_cert_ttl":"1m","LeafCertTTL":"2h"}`: "",
		`{"PrivateKeyType":"ec","PrivateKeyBits":257}`: "EC key length must be one of (224, 256, 384, 521) bits",
	} {
		if err := ca.Check("consul", config); fmt.Sprint(err) != want && !(err == nil && want == "") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	const base = `"Address":"https://v","IntermediatePKIPath":"i"`
	for config, want := range map[string]string{
		`{` + base + `,"Token":"t","RootPKIPath":"r"}`: "", `{` + base + `,"Token":"t"}`: "must provide a valid path to a root PKI backend",
		`{` + base + `,"Token":"t","RootPKIPath":"r","AuthMethod":{"Type":"approle"}}`:  "only one of Vault token or Vault auth method can be provided, but not both",
		`{` + base + `,"RootPKIPath":"r","AuthMethod":{"Type":"moon"}}`:                 `auth method "moon" is not supported`,
		`{` + base + `,"RootPKIPath":"r","AuthMethod":{"Type":"kubernetes"}}`:           "",
		`{"Address":"v","IntermediatePKIPath":"i","Token":"t","RootPKIPath":"r"}`:       `the address of Vault must begin with https:// or http://, not "v"`,
		`{"Address":"http://","IntermediatePKIPath":"i","Token":"t","RootPKIPath":"r"}`: `the address of Vault must begin with https:// or http://, not "http://"`,
	} {
		if err := ca.Check("vault", config); fmt.Sprint(err) != want && !(err == nil && want == "") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
