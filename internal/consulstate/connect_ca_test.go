package consulstate_test

import (
	"bytes"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/consulstate"
	"praetor/internal/pki"
)

// authority is a root and its key.
func authority(t testing.TB) (root, key string) {
	t.Helper()
	signer, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = pki.RootOf(signer, "pri-x", pki.SPIFFE{Identity: pki.Signer, TrustDomain: "u.consul"}.URI(), 9, time.Hour); err != nil {
		t.Fatal(err)
	}
	if key, err = pki.EncodeKey(signer); err != nil {
		t.Fatal(err)
	}
	return root, key
}

func TestAuthorityOfTheMeshComesAlong(t *testing.T) {
	root, key := authority(t)
	old, oldKey := authority(t)
	between, betweenKey := authority(t)
	caRoot := func(pem string, active bool) row {
		return row{"ID": "x", "Name": "Consul CA Primary Cert", "SigningKeyID": "k", "ExternalTrustDomain": "u", "RootCert": []byte(pem), "IntermediateCerts": nil,
			"SigningCert": "", "SigningKey": "", "Active": active, "RotatedOutAt": nil, "CreateIndex": 5, "ModifyIndex": 6}
	}
	for name, row := range map[string]struct {
		states       []any
		key, signing string
	}{
		"primary": {[]any{14, row{"ID": "old", "PrivateKey": oldKey, "RootCert": "", "IntermediateCert": ""},
			14, row{"ID": "a", "PrivateKey": key, "RootCert": "", "IntermediateCert": ""}}, key, root},
		"secondary": {[]any{14, row{"ID": "a", "PrivateKey": betweenKey, "RootCert": "", "IntermediateCert": between}}, betweenKey, between},
		"vault":     {nil, "", ""},
	} {
		records := append(row.states, 13, caRoot(old, false), 13, caRoot(root, true),
			15, map[string]any{"ClusterID": "u", "Provider": "consul", "Config": map[string]any{"LeafCertTTL": []byte("72h"), "n": nil}, "State": nil,
				"ForceWithoutCrossSigning": false, "CreateIndex": 3, "ModifyIndex": 4})
		s := catalog.New()
		im, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40, records...)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tx := s.Read()
		_, roots := tx.CARoots(nil)
		_, config := tx.CAConfig(nil)
		if len(roots) != 2 || config == nil || config.TrustDomain() != "u.consul" || string(config.Config) != `{"LeafCertTTL":"72h","n":null}` || len(im.Skipped) > 0 {
			t.Fatalf("%s: %d roots, configuration %+v, skipped %v", name, len(roots), config, im.Skipped)
		}
		for _, r := range roots {
			if r.Active != (r.RotatedOut == 0) || r.Active != (r.RootCert == root) || r.SerialNumber != 9 || r.PrivateKeyType != "ec" || r.ModifyIndex != 6 {
				t.Errorf("%s: root %+v", name, r)
			}
		}
		if state := tx.CAState(); state.PrivateKey != row.key || state.SigningCert != row.signing || state.Serial < 40 {
			t.Errorf("%s: state with serial %d, signing with %q", name, state.Serial, state.SigningCert)
		}
		restoresToItself(t, s)
	}
}

func TestRootThatIsNoCertificateIsRefused(t *testing.T) {
	s := catalog.New()
	if _, err := consulstate.Import(s, bytes.NewReader(consulState(t, 40, 13, row{"RootCert": "x"}))); err == nil {
		t.Error("it is taken")
	}
}
