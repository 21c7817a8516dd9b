package server_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
)

func meshed(o *server.Options) {
	o.CA.Enabled, o.CA.AllowByDefault = true, true
}

func caRoots(t *testing.T, s *lone) *ops.ConnectCARootsReply {
	t.Helper()
	rep, err := ops.ConnectCARoots.Call(context.Background(), s.Router(), &ops.ConnectCARootsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func setCA(s *lone, config string, force bool) error {
	_, err := ops.ConnectCASetConfig.Call(context.Background(), s.Router(), &ops.ConnectCASetConfigRequest{
		Config: catalog.CAConfig{Provider: "consul", Config: []byte(config), ForceWithoutCrossSigning: force},
	})
	return err
}

func csrFor(t *testing.T, id pki.SPIFFE) string {
	t.Helper()
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewCSR(key, "", id.URI())
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func webIn(domain string) pki.SPIFFE {
	return pki.SPIFFE{Identity: pki.Service, TrustDomain: domain, Datacenter: "dc1", Name: "web"}
}

func signCSR(s *lone, csr, uri, token string) (string, error) {
	rep, err := ops.ConnectCASign.Call(context.Background(), s.Router(), &ops.ConnectCASignRequest{WriteOptions: rpc.WriteOptions{Token: token}, CSR: csr, URI: uri})
	if err != nil {
		return "", err
	}
	return rep.CertPEM, nil
}

// trusts says whether who trusts a root believes a chain.
func trusts(root, chain string) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(root))
	block, rest := pem.Decode([]byte(chain))
	if block == nil {
		return errors.New("no certificate")
	}
	between.AppendCertsFromPEM(rest)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

func TestNewClusterHasAnAuthorityFromTheStart(t *testing.T) {
	virtual(t, meshed, func(s *lone) {
		if _, err := ops.KVGet.Call(context.Background(), s.Router(), &ops.KVGetRequest{Key: "k"}); err != nil { // it leads
			t.Fatal(err)
		}
		if _, roots := s.Store().Read().CARoots(nil); len(roots) != 1 || !roots[0].Active || roots[0].SerialNumber != 7 {
			t.Fatalf("roots %+v", roots)
		}
		rep := caRoots(t, s)
		leaf, err := signCSR(s, csrFor(t, webIn(rep.TrustDomain)), webIn(rep.TrustDomain).String(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := trusts(rep.Roots[0].RootCert, leaf); err != nil {
			t.Error(err)
		}
	})
}

// TestLeafFromAfterARotationIsBelievedByAll: by those who know the new root, and by those
// who know the old one alone.
func TestLeafFromAfterARotationIsBelievedByAll(t *testing.T) {
	virtual(t, meshed, func(s *lone) {
		before := caRoots(t, s)
		if err := setCA(s, `{"PrivateKeyType":"ec","PrivateKeyBits":384}`, false); err != nil {
			t.Fatal(err)
		}
		after := caRoots(t, s)
		if len(after.Roots) != 2 || after.TrustDomain != before.TrustDomain || after.Active().PrivateKeyBits != 384 || after.Active().ID == before.Active().ID {
			t.Fatalf("%d roots, the active one with %d bits", len(after.Roots), after.Active().PrivateKeyBits)
		}
		leaf, err := signCSR(s, csrFor(t, webIn(after.TrustDomain)), "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, root := range []*catalog.CARoot{before.Active(), after.Active()} {
			if err := trusts(root.RootCert, leaf); err != nil {
				t.Errorf("root %s: %v", root.ID, err)
			}
		}
		if err := setCA(s, `{"LeafCertTTL":"1h"}`, true); err != nil {
			t.Fatal(err)
		}
		if leaf, err = signCSR(s, csrFor(t, webIn(after.TrustDomain)), "", ""); err != nil {
			t.Fatal(err)
		}
		if err := trusts(after.Active().RootCert, leaf); err == nil {
			t.Error("it was signed across though that was not wanted")
		}
		if rep := caRoots(t, s); len(rep.Roots) != 3 {
			t.Fatalf("%d roots", len(rep.Roots))
		}
		time.Sleep(5 * time.Hour) // more than three lifetimes of a leaf
		synctest.Wait()
		if rep := caRoots(t, s); len(rep.Roots) != 1 || !rep.Roots[0].Active {
			t.Errorf("five hours later there are %d roots", len(rep.Roots))
		}
	})
}

func TestChangeOfLifetimesKeepsTheRoot(t *testing.T) {
	virtual(t, meshed, func(s *lone) {
		before := caRoots(t, s)
		if err := setCA(s, `{"LeafCertTTL":"5h"}`, false); err != nil {
			t.Fatal(err)
		}
		if after := caRoots(t, s); len(after.Roots) != 1 || after.Index != before.Index {
			t.Errorf("%d roots at %d, before %d", len(after.Roots), after.Index, before.Index)
		}
		leaf, err := signCSR(s, csrFor(t, webIn(before.TrustDomain)), "", "")
		if err != nil {
			t.Fatal(err)
		}
		cert, err := pki.ParseCertificate(leaf)
		if err != nil || cert.NotAfter.Sub(cert.NotBefore) != 5*time.Hour {
			t.Errorf("a leaf for %s, %v", cert.NotAfter.Sub(cert.NotBefore), err)
		}
	})
}

func TestOnlyWhatWasAskedForIsSigned(t *testing.T) {
	virtual(t, func(o *server.Options) { meshed(o); o.ACL = rights{} }, func(s *lone) {
		domain := caRoots(t, s).TrustDomain
		for _, row := range []struct {
			name string
			id   pki.SPIFFE
			uri  string
			want string
		}{
			{"another name", webIn(domain), "spiffe://" + domain + "/ns/default/dc/dc1/svc/db", "the CSR is for"},
			{"without the right", webIn(domain), "", "Permission denied"},
			{"agent without the right", pki.SPIFFE{Identity: pki.Agent, TrustDomain: domain, Datacenter: "dc1", Name: "n"}, "", "node:write"},
			{"gateway without the right", pki.SPIFFE{Identity: pki.MeshGateway, TrustDomain: domain, Datacenter: "dc1"}, "", "mesh:write"},
			{"servers", pki.SPIFFE{Identity: pki.Servers, TrustDomain: domain, Datacenter: "dc1"}, "", "acl:write"},
			{"the authority itself", pki.SPIFFE{Identity: pki.Signer, TrustDomain: domain}, "", "must be a service, mesh-gateway, or agent ID"},
			{"another namespace", pki.SPIFFE{Identity: pki.Service, TrustDomain: domain, Datacenter: "dc1", Name: "web", Namespace: "x"}, "", "Non default partition or namespace"},
		} {
			if _, err := signCSR(s, csrFor(t, row.id), row.uri, "t"); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
		}
	})
	virtual(t, meshed, func(s *lone) {
		domain := caRoots(t, s).TrustDomain
		other := webIn(domain)
		other.Datacenter = "dc2"
		for id, want := range map[pki.SPIFFE]string{
			webIn("other.consul"): "SPIFFE ID in CSR from a different trust domain: other.consul, we are " + domain,
			other:                 "SPIFFE ID in CSR from a different datacenter: dc2, we are dc1",
		} {
			if _, err := signCSR(s, csrFor(t, id), "", ""); err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", id, err, want)
			}
		}
	})
}

// TestSigningIsBounded: what finds no turn in half a second is refused as too much.
func TestSigningIsBounded(t *testing.T) {
	virtual(t, meshed, func(s *lone) {
		if err := setCA(s, `{"CSRMaxPerSecond":2}`, false); err != nil {
			t.Fatal(err)
		}
		csr := csrFor(t, webIn(caRoots(t, s).TrustDomain))
		kinds := map[string]int{}
		for range 4 { // twice the limit
			switch _, err := signCSR(s, csr, "", ""); {
			case err == nil:
				kinds["signed"]++
			default:
				kinds[fmt.Sprint(fault.KindOf(err))]++
			}
		}
		if kinds["signed"] < 2 || kinds["signed"]+kinds["limit"] != 4 {
			t.Errorf("of four at once: %v", kinds)
		}
	})
}

func TestKeysOfTheAuthorityAreInNoAnswer(t *testing.T) {
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	virtual(t, meshed, func(s *lone) {
		if err := setCA(s, fmt.Sprintf(`{"PrivateKey":%q,"Nested":{"SecretID":"planted"}}`, secret), false); err != nil {
			t.Fatal(err)
		}
		rep, err := ops.ConnectCAConfig.Call(context.Background(), s.Router(), &ops.ConnectCAConfigRequest{})
		if err != nil {
			t.Fatal(err)
		}
		shown := string(rep.Config.Config)
		if strings.Contains(shown, "planted") || strings.Contains(shown, strings.Split(secret, "\n")[1]) || !strings.Contains(shown, "hidden") {
			t.Errorf("the configuration shows %s", shown)
		}
		before := caRoots(t, s).Active().ID
		if err := setCA(s, shown, false); err != nil {
			t.Fatal(err)
		}
		if after := caRoots(t, s).Active().ID; after != before {
			t.Error("what was shown, given back, made another root")
		}
		if _, config := s.Store().Read().CAConfig(nil); !strings.Contains(string(config.Config), "planted") {
			t.Errorf("what was shown, given back, lost a secret: %s", config.Config)
		}
		damaged := strings.Replace(secret, "M", "#", 3)
		if err := setCA(s, fmt.Sprintf(`{"PrivateKey":%q}`, damaged), false); err == nil || strings.Contains(err.Error(), strings.Split(damaged, "\n")[1]) {
			t.Errorf("a damaged key: %v", err)
		}
	})
}

func TestAuthorityIsOffWhereTheMeshIs(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		_, err := ops.ConnectCARoots.Call(context.Background(), s.Router(), &ops.ConnectCARootsRequest{})
		if err == nil || err.Error() != "Connect must be enabled in order to use this endpoint" {
			t.Errorf("got %v", err)
		}
		if _, config := s.Store().Read().CAConfig(nil); config != nil {
			t.Error("there is a configuration")
		}
	})
}

// TestOlderServerIsNotStoppedByAnAuthorityThatNobodyWants: a new version writes no new
// command by itself (catalog/DESIGN.md §5).
func TestOlderServerIsNotStoppedByAnAuthorityThatNobodyWants(t *testing.T) {
	virtual(t, meshed, func(s *lone) {
		if rep := caRoots(t, s); len(rep.Roots) != 1 { // it leads
			t.Fatalf("%d roots", len(rep.Roots))
		}
		archive := &strings.Builder{}
		old := catalog.New()
		register := &catalog.Register{Node: "n", Address: "10.0.0.1"}
		data, err := catalog.Encode(catalog.RegisterCommand, register)
		if err != nil {
			t.Fatal(err)
		}
		old.Apply([]catalog.Entry{{Index: 1, Data: data}})
		if err := old.Read().WriteSnapshot(archive); err != nil {
			t.Fatal(err)
		}
		if err := s.Store().Restore(strings.NewReader(archive.String())); err != nil {
			t.Fatal(err)
		}
		s.TakeUpAgain(context.Background())
		if _, config := s.Store().Read().CAConfig(nil); config != nil {
			t.Fatal("an authority was made that nobody asked for")
		}
		if rep := caRoots(t, s); len(rep.Roots) != 1 {
			t.Errorf("asked for, it has %d roots", len(rep.Roots))
		}
	})
}
