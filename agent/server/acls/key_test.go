package acls

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"praetor/catalog"
)

// TestPublicKeysInEachFormAreFound: JWTValidationPubKeys may be keys in two forms, and
// certificates (reference/security.md §8).
func TestPublicKeysInEachFormAreFound(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 1024) // small: it signs nothing
	if err != nil {
		t.Fatal(err)
	}
	ed, edSecret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	plain := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return block("PUBLIC KEY", der)
	}
	certificate := func(key, secret any) string {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key, secret)
		if err != nil {
			t.Fatal(err)
		}
		return block("CERTIFICATE", der)
	}
	secret, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want any
	}{
		"of an elliptic curve":      {plain(&ec.PublicKey), &ec.PublicKey},
		"RSA":                       {plain(&rsaKey.PublicKey), &rsaKey.PublicKey},
		"RSA in its own form":       {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), &rsaKey.PublicKey},
		"ed25519":                   {plain(ed), ed},
		"in a certificate":          {certificate(&ec.PublicKey, ec), &ec.PublicKey},
		"ed25519 in a certificate":  {certificate(ed, edSecret), ed},
		"behind what is none":       {block("EC PRIVATE KEY", secret) + plain(&ec.PublicKey), &ec.PublicKey},
		"behind words":              {"a key:\n" + plain(ed), ed},
		"the first of two":          {plain(ed) + plain(&ec.PublicKey), ed},
		"a secret key":              {block("EC PRIVATE KEY", secret), nil},
		"an empty block":            {block("PUBLIC KEY", nil), nil},
		"a block of something else": {block("PUBLIC KEY", []byte("junk")), nil},
		"no block":                  {"junk", nil},
		"nothing":                   {"", nil},
	} {
		if got := publicKey(c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestAMethodOfKubernetesIsKept, though nobody logs in by it in this version.
func TestAMethodOfKubernetesIsKept(t *testing.T) {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{"Host": "https://k8s:6443", "CACert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "ServiceAccountJWT": "j"}
	row := func(without string, more map[string]any) *catalog.ACLAuthMethod {
		all := map[string]any{}
		for name, value := range members {
			if name != without {
				all[name] = value
			}
		}
		for name, value := range more {
			all[name] = value
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return &catalog.ACLAuthMethod{Name: "k", Type: typeKubernetes, Config: text}
	}
	for name, c := range map[string]struct {
		row  *catalog.ACLAuthMethod
		want string
	}{
		"all":               {row("", nil), ""},
		"no host":           {row("Host", nil), "Config.Host is required"},
		"no authority":      {row("CACert", nil), "Config.CACert is required"},
		"no account":        {row("ServiceAccountJWT", nil), "Config.ServiceAccountJWT is required"},
		"one member more":   {row("", map[string]any{"Bogus": 1}), "error decoding config: 1 error(s) decoding:\n\n* '' has invalid keys: Bogus"},
		"a host of numbers": {row("", map[string]any{"Host": []int{1, 2}}), "error decoding config: 1 error(s) decoding:\n\n* 'Host' expected type 'string'"},
	} {
		_, err := newMethod(c.row)
		wantRefusal(t, name, err, c.want)
	}
	m, err := newMethod(row("", nil))
	if err != nil {
		t.Fatal(err)
	}
	if who, err := m.identify("bearer"); who != nil || err == nil || err.Error() != `logins by methods of type "kubernetes" are not part of this version` {
		t.Errorf("a login: %v, %v", who, err)
	}
	if names := m.names(); !slices.Equal(names, []string{"serviceaccount.namespace", "serviceaccount.name", "serviceaccount.uid"}) {
		t.Errorf("binding rules may name %q", names)
	}
}

// TestClaimsThatRulesMayName are those that a method maps to a name.
func TestClaimsThatRulesMayName(t *testing.T) {
	m, err := newMethod(jwtRow(t, map[string]any{"JWTValidationPubKeys": []string{edKey}, "ClaimMappings": map[string]string{"sub": "user", "team": "group"}, "ListClaimMappings": map[string]string{"roles": "roles"}}))
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(slices.Values(m.names())); fmt.Sprint(names) != "[value.group value.user]" {
		t.Errorf("binding rules may name %q", names)
	}
}
