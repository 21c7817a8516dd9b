package ca_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/ca"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/telemetry"
	"praetor/internal/testkernel"
)

// givenRoot is a root of one's own for the authority of r, and its key.
func givenRoot(r room) (root, key string) {
	r.T.Helper()
	signer, err := pki.NewKey(pki.EC, 384)
	r.must(err)
	root, err = pki.RootOf(signer, "our own", pki.SPIFFE{Identity: pki.Signer, TrustDomain: r.roots().TrustDomain}.URI(), 77, 20*365*24*time.Hour)
	r.must(err)
	key, err = pki.EncodeKey(signer)
	r.must(err)
	return root, key
}

func config(r room, members map[string]any) string {
	r.T.Helper()
	text, err := json.Marshal(members)
	r.must(err)
	return string(text)
}

// TestARootOfOnesOwnIsTakenAsItIs, and the one before it signs it across.
func TestARootOfOnesOwnIsTakenAsItIs(t *testing.T) {
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		old := r.roots().Active()
		root, key := givenRoot(r)
		r.must(r.configure(config(r, map[string]any{"RootCert": "\n" + root + "\n\n", "PrivateKey": key})))
		now := r.roots().Active()
		if now.RootCert != root || now.SerialNumber != 77 || now.PrivateKeyBits != 384 {
			t.Errorf("the root is %+v", now)
		}
		for name, trusted := range map[string]string{"the given one": root, "the one before": old.RootCert} {
			if err := trusts(trusted, r.leaf()); err != nil {
				t.Errorf("who trusts %s: %v", name, err)
			}
		}
		// What is shown can be written, and changes nothing.
		shown, err := ask(r, ops.ConnectCAConfig, "", &ops.ConnectCAConfigRequest{})
		r.must(err)
		if strings.Contains(string(shown.Config.Config), strings.Split(key, "\n")[1]) {
			t.Errorf("the key is shown: %s", shown.Config.Config)
		}
		r.must(r.configure(string(shown.Config.Config)))
		if again := r.roots(); again.Active().ID != now.ID || len(again.Roots) != 2 {
			t.Errorf("%d roots, the active one %s, want %s", len(again.Roots), again.Active().ID, now.ID)
		}
		r.must(trusts(root, r.leaf()))
	})
}

func TestRootsThatCannotSignAreRefused(t *testing.T) {
	meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
		root, key := givenRoot(r)
		before := r.roots().Active().ID
		for name, c := range map[string]struct {
			members map[string]any
			want    string
		}{
			"no certificate":            {map[string]any{"RootCert": "planted", "PrivateKey": key}, "no PEM-encoded data found"},
			"a key that is none":        {map[string]any{"RootCert": root, "PrivateKey": "planted planted planted"}, "no PEM-encoded data found"},
			"a certificate without key": {map[string]any{"RootCert": root}, "error configuring provider: must provide a private key when providing a root cert"},
		} {
			err := r.configure(config(r, c.members))
			refused(t, name, err, fault.Rejected, c.want)
			if err != nil && strings.Contains(err.Error(), "planted") {
				t.Errorf("%s: the answer has what was given: %v", name, err)
			}
		}
		if now := r.roots(); now.Active().ID != before || len(now.Roots) != 1 {
			t.Errorf("the active root is %s of %d", now.Active().ID, len(now.Roots))
		}
		r.leaf()
	})
}

// TestAKeyOfAnotherRootIsToldOfInTheLog, since Consul stores such a pair without a word.
func TestAKeyOfAnotherRootIsToldOfInTheLog(t *testing.T) {
	for name, own := range map[string]bool{"its own key": true, "another": false} {
		var said log
		k := testkernel.Options{}
		k.Logger = hclog.New(&hclog.LoggerOptions{Output: &said, Level: hclog.Error})
		meshed(t, ca.Options{}, k, func(r room) {
			root, key := givenRoot(r)
			if !own {
				_, key = givenRoot(r)
			}
			r.must(r.configure(config(r, map[string]any{"RootCert": root, "PrivateKey": key})))
		})
		if got := strings.Contains(said.String(), "the private key of the CA does not belong to its root certificate"); got == own {
			t.Errorf("%s: the log says %q", name, said.String())
		}
	}
}

// TestARefusedConfigurationNotesTheLifetimeInForce, once, as Consul does.
func TestARefusedConfigurationNotesTheLifetimeInForce(t *testing.T) {
	for name, c := range map[string]struct{ stored, want string }{
		"left out":             {`{"LeafCertTTL":"80h"}`, `{"IntermediateCertTTL":"8760h0m0s","LeafCertTTL":"80h"}`},
		"set":                  {`{"IntermediateCertTTL":"300h","LeafCertTTL":"80h"}`, `{"IntermediateCertTTL":"300h","LeafCertTTL":"80h"}`},
		"set in other letters": {`{"LeafCertTTL":"80h","intermediate_cert_ttl":"300h"}`, `{"LeafCertTTL":"80h","intermediate_cert_ttl":"300h"}`},
	} {
		meshed(t, ca.Options{}, testkernel.Options{}, func(r room) {
			r.must(r.configure(c.stored))
			for range 2 {
				if err := r.configure(`{"LeafCertTTL":"1m"}`); err == nil {
					t.Errorf("%s: a minute is taken", name)
				}
				if _, row := r.Store.Read().CAConfig(nil); string(row.Config) != c.want {
					t.Errorf("%s: %s, want %s", name, row.Config, c.want)
				}
			}
		})
	}
}

// TestAnAuthorityThatVaultHasToMakeIsNotWaitedFor: whoever asks is told that it is not there yet.
func TestAnAuthorityThatVaultHasToMakeIsNotWaitedFor(t *testing.T) {
	var r room
	testkernel.Run(t, withAuthority(&r, ca.Options{Enabled: true, Provider: "vault"}, testkernel.Options{}), func(s *testkernel.Server) {
		for range 2 { // who asks twice waits no longer
			_, err := ask(r, ops.ConnectCASign, "", &ops.ConnectCASignRequest{CSR: csr(t, pki.SPIFFE{Identity: pki.Agent, TrustDomain: "x.consul", Datacenter: "dc1", Name: "n"})})
			refused(t, "a leaf", err, fault.Rejected, "CA has not finished initializing")
		}
		if _, row := s.Store.Read().CAConfig(nil); row != nil {
			t.Errorf("there is a configuration: %+v", row)
		}
	})
}

// TestHowLongTheAuthorityLastsIsMeasured where it is in force.
func TestHowLongTheAuthorityLastsIsMeasured(t *testing.T) {
	meshed(t, ca.Options{Config: map[string]any{"root_cert_ttl": "9000h"}}, testkernel.Options{}, func(r room) {
		time.Sleep(10 * time.Hour)
		m, err := telemetry.New(telemetry.Options{})
		r.must(err)
		r.ca.Measure(m)
		found := map[string]float64{}
		for _, g := range m.Summary().Gauges {
			found[g.Name] = float64(g.Value)
		}
		for _, name := range []string{"consul.mesh.active-root-ca.expiry", "consul.mesh.active-signing-ca.expiry"} {
			if left := time.Duration(found[name]) * time.Second; (left - 8990*time.Hour).Abs() > 2*time.Minute {
				t.Errorf("%s: %s of %v", name, left, found)
			}
		}
	})
}
