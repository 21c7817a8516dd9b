package ca_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/agent/server/ca"
	"praetor/internal/pki"
)

// playedVault is as much of Vault as the provider asks for: two PKI mounts with the
// authorities that were made in them, and logins by approle and userpass.
type playedVault struct {
	t *testing.T

	mu          sync.Mutex
	mounts      map[string]bool
	root        string // PEM
	ca, between *pki.MeshAuthority
	pending     string          // key of the intermediate that was asked for
	tokens      map[string]bool // good ones
	logins      int
	namespaces  map[string]bool
}

func playVault(t *testing.T) (*playedVault, string) {
	v := &playedVault{t: t, mounts: map[string]bool{}, tokens: map[string]bool{"t": true}, namespaces: map[string]bool{}}
	srv := httptest.NewServer(v)
	t.Cleanup(srv.Close)
	return v, srv.URL
}

func (v *playedVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	refuse := func(code int, text string) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{text}})
	}
	data := func(m map[string]any) { _ = json.NewEncoder(w).Encode(map[string]any{"data": m}) }
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	v.namespaces[r.Header.Get("X-Vault-Namespace")] = true
	if strings.HasPrefix(path, "auth/") {
		if path != "auth/approle/login" || body["secret_id"] != "s" {
			if path != "auth/up/login/me" || body["password"] != "p" {
				refuse(400, "invalid credentials")
				return
			}
		}
		v.logins++
		token := fmt.Sprintf("login-%d", v.logins)
		v.tokens[token] = true
		_ = json.NewEncoder(w).Encode(map[string]any{"auth": map[string]any{"client_token": token}})
		return
	}
	if !v.tokens[r.Header.Get("X-Vault-Token")] {
		refuse(403, "permission denied")
		return
	}
	authority := func(prefix string, serial uint64) (*pki.MeshAuthority, string, string) {
		key, err := pki.NewKey(pki.EC, 256)
		if err != nil {
			v.t.Error(err)
		}
		id, err := pki.ParseSPIFFE(body["uri_sans"].(string))
		if err != nil {
			v.t.Error(err)
		}
		cert, err := pki.RootOf(key, prefix, id.URI(), serial, 1000*time.Hour)
		if err != nil {
			v.t.Error(err)
		}
		secret, _ := pki.EncodeKey(key)
		a, _ := pki.ReadMeshAuthority(cert, secret)
		csr, _ := pki.NewCSR(key, prefix, id.URI())
		v.pending = secret
		return a, cert, csr
	}
	switch {
	case strings.HasPrefix(path, "sys/mounts/") && r.Method == http.MethodGet:
		if !v.mounts[strings.TrimSuffix(strings.TrimPrefix(path, "sys/mounts/"), "/tune")] {
			refuse(400, "cannot fetch sysview for path")
		}
	case strings.HasPrefix(path, "sys/mounts/"):
		v.mounts[strings.TrimPrefix(path, "sys/mounts/")] = true
		w.WriteHeader(204)
	case path == "root/ca/pem":
		_, _ = w.Write([]byte(v.root))
	case path == "root/root/generate/internal":
		v.ca, v.root, _ = authority("root", 1)
		data(map[string]any{"certificate": v.root})
	case path == "below/roles/leaf-cert":
		w.WriteHeader(204)
	case path == "below/intermediate/generate/internal":
		_, _, csr := authority("between", 2)
		data(map[string]any{"csr": csr})
	case path == "root/root/sign-intermediate":
		csr, err := pki.ParseCSR(body["csr"].(string))
		if err != nil {
			v.t.Error(err)
		}
		cert, err := v.ca.SignIntermediate(csr, 3, 100*time.Hour)
		if err != nil {
			v.t.Error(err)
		}
		data(map[string]any{"certificate": cert})
	case path == "below/intermediate/set-signed":
		var err error
		if v.between, err = pki.ReadMeshAuthority(body["certificate"].(string), v.pending); err != nil {
			v.t.Error(err)
		}
		w.WriteHeader(204)
	case path == "below/sign/leaf-cert":
		csr, _ := pki.ParseCSR(body["csr"].(string))
		ttl, _ := time.ParseDuration(body["ttl"].(string))
		cert, _ := v.between.SignLeaf(csr, 4, ttl)
		data(map[string]any{"certificate": cert})
	case path == "root/root/sign-self-issued":
		other, _ := pki.ParseCertificate(body["certificate"].(string))
		cert, _ := v.ca.CrossSign(other, 5, time.Hour)
		data(map[string]any{"certificate": cert})
	default:
		refuse(404, "no handler for route "+path)
	}
}

func believes(t *testing.T, root, leaf, between string) error {
	t.Helper()
	roots, mid := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(root))
	mid.AppendCertsFromPEM([]byte(between))
	cert, err := pki.ParseCertificate(leaf)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: mid})
	return err
}

func TestVaultMakesRootIntermediateAndLeaves(t *testing.T) {
	for name, auth := range map[string]string{
		"token":    `"Token":"t"`,
		"approle":  `"AuthMethod":{"Type":"approle","Params":{"role_id":"r","secret_id":"s"}}`,
		"userpass": `"AuthMethod":{"Type":"userpass","MountPath":"up","Params":{"username":"me","password":"p"}}`,
	} {
		played, address := playVault(t)
		v, err := ca.NewVault("u", fmt.Sprintf(`{"Address":%q,%s,"RootPKIPath":"root/","IntermediatePKIPath":"below","Namespace":"ns1"}`, address, auth))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		root, signing, err := v.MakeRoot(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		played.mu.Lock()
		clear(played.tokens) // all over: who can logs in again
		played.tokens["t"] = name == "token"
		played.mu.Unlock()
		key, _ := pki.NewKey(pki.EC, 256)
		csr, _ := pki.NewCSR(key, "", pki.SPIFFE{Identity: pki.Service, TrustDomain: "u.consul", Datacenter: "dc1", Name: "web"}.URI())
		leaf, err := v.SignLeaf(context.Background(), csr)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := believes(t, root, leaf, signing); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, _, err := v.MakeRoot(context.Background())
		if err != nil || again != root {
			t.Errorf("%s: the root that is there is not taken: %v", name, err)
		}
		if spaces := slices.Collect(maps.Keys(played.namespaces)); !slices.Equal(spaces, []string{"ns1"}) {
			t.Errorf("%s: asked in namespaces %q", name, spaces)
		}
	}
}

func TestVaultCrossSignsAnotherRoot(t *testing.T) {
	_, address := playVault(t)
	v, err := ca.NewVault("u", fmt.Sprintf(`{"address":%q,"token":"t","root_pki_path":"root","intermediate_pki_path":"below"}`, address))
	if err != nil {
		t.Fatal(err)
	}
	root, _, err := v.MakeRoot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	key, _ := pki.NewKey(pki.EC, 256)
	other, _ := pki.RootOf(key, "other", pki.SPIFFE{Identity: pki.Signer, TrustDomain: "u.consul"}.URI(), 9, time.Hour)
	cross, err := v.CrossSign(context.Background(), other)
	if err != nil {
		t.Fatal(err)
	}
	if err := believes(t, root, cross, ""); err != nil {
		t.Error(err)
	}
}

// TestVaultsRefusalsTeachAndTellNoSecret: what Vault says comes through, what was sent
// to it does not.
func TestVaultsRefusalsTeachAndTellNoSecret(t *testing.T) {
	_, address := playVault(t)
	for name, auth := range map[string]string{
		"token":   `"Token":"planted"`,
		"approle": `"AuthMethod":{"Type":"approle","Params":{"secret_id":"planted"}}`,
		"a file":  `"AuthMethod":{"Type":"jwt","Params":{"path":"/etc/passwd"}}`,
	} {
		v, err := ca.NewVault("u", fmt.Sprintf(`{"Address":%q,%s,"RootPKIPath":"root","IntermediatePKIPath":"below"}`, address, auth))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = v.MakeRoot(context.Background())
		if err == nil || strings.Contains(err.Error(), "planted") || !strings.HasPrefix(err.Error(), "error configuring provider: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	for _, row := range []struct{ provider, config, want string }{
		{"consul", `{}`, ""},
		{"consul", `{"leaf_cert_ttl":"2h"}`, ""},
		{"consul", `{"LeafCertTTL":"24h","leaf_cert_ttl":"48h","IntermediateCertTTL":"100h"}`, ""},
		{"consul", `{"leaf_cert_ttl":"48h","IntermediateCertTTL":"100h"}`, "Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>=144h0m0s)."},
		{"consul", `{"LeafCertTTL":"59m"}`, "leaf cert TTL must be greater or equal than 1h0m0s"},
		{"consul", `{"LeafCertTTL":"9000h"}`, "leaf cert TTL must be less than 8760h0m0s"},
		{"consul", `{"LeafCertTTL":"abc"}`, "error decoding config: 1 error(s) decoding:\n\n* error decoding 'LeafCertTTL': time: invalid duration \"abc\""},
		{"consul", `{"RootCert":"x"}`, "must provide a private key when providing a root cert"},
		{"consul", `{"PrivateKeyType":7}`, "private key type must be either 'ec' or 'rsa'"},
		{"vault", `{}`, "must provide a Vault token or configure a Vault auth method"},
		{"vault", `{"Address":"http://127.0.0.1:1","Token":"t"}`, "must provide a valid path for the intermediate PKI backend"},
		{"vault", `{"Address":"file:///etc","Token":"t","RootPKIPath":"r","IntermediatePKIPath":"i"}`, `the address of Vault must begin with https:// or http://, not "file:///etc"`},
		{"vault", `{"Address":"https://v","AuthMethod":{"Type":"aws"},"RootPKIPath":"r","IntermediatePKIPath":"i"}`,
			`auth method "aws": logins are not signed here, and Params have no "iam_request_headers": use approle, kubernetes or jwt`},
		{"vault", `{"Address":"https://v","AuthMethod":{"Type":"gcp","Params":{"jwt":"x"}},"RootPKIPath":"r","IntermediatePKIPath":"i"}`, ""},
		{"vault", `{"Address":"https://v","Token":"t","RootPKIPath":"r","IntermediatePKIPath":"i","KeyFile":"/etc/shadow"}`,
			"CAFile, CAPath, CertFile and KeyFile are not read: let the servers' system trust Vault's authority"},
	} {
		err := ca.Check(row.provider, row.config)
		if got := fmt.Sprint(err); err == nil && row.want != "" || err != nil && got != row.want {
			t.Errorf("%s %s: %v, want %q", row.provider, row.config, err, row.want)
		}
	}
	got := ca.FirstConfig(map[string]any{"private_key_bits": 2048, "root_pki_path": "r", "csr_max_per_second": 9, "cluster_id": "u"})
	want := map[string]any{"LeafCertTTL": "72h", "IntermediateCertTTL": "8760h", "RootCertTTL": "87600h", "PrivateKeyBits": 2048, "RootPKIPath": "r", "CSRMaxPerSecond": 9}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
