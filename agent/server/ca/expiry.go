package ca

import (
	"time"

	"praetor/internal/pki"
	"praetor/internal/telemetry"
)

const (
	// expirySoon is how long before the end of a certificate its end is warned of; of a
	// short-lived one the last fifth of its time.
	expirySoon     = 30 * 24 * time.Hour
	expiryFraction = 5
)

// ends are what ends: the root that signs, and the certificate that signs leaves.
func (a *authority) ends() (root, signing time.Time, rootLife, signingLife time.Duration) {
	root = time.Unix(a.active.NotAfter, 0)
	rootLife = root.Sub(time.Unix(a.active.NotBefore, 0))
	signing, signingLife = root, rootLife
	if cert, err := pki.ParseCertificate(a.state.SigningCert); err == nil {
		signing, signingLife = cert.NotAfter, cert.NotAfter.Sub(cert.NotBefore)
	}
	return root, signing, rootLife, signingLife
}

// warn says which certificate ends soon.
func (s *Service) warn(a *authority) {
	root, signing, rootLife, signingLife := a.ends()
	for _, c := range []struct {
		name string
		end  time.Time
		life time.Duration
		do   string
	}{
		{"root", root, rootLife, "rotate it: praetor connect ca set-config with another PrivateKey, PrivateKeyBits or RootCert"},
		{"signing", signing, signingLife, "it is renewed from the primary datacenter: see why that does not work"},
	} {
		if c.name == "signing" && c.end.Equal(root) {
			continue
		}
		if left := time.Until(c.end); left < min(expirySoon, c.life/expiryFraction) {
			s.opts.Logger.Warn("certificate of the mesh's authority ends soon", "certificate", c.name, "until", c.end.UTC().Format(time.RFC3339), "left", left.Round(time.Minute), "advice", c.do)
		}
	}
}

// Measure sets the gauges that a leader knows (reference/config.md §6).
func (s *Service) Measure(m *telemetry.Metrics) {
	if !s.opts.Enabled || !s.IsLeader() {
		return
	}
	a, err := s.present(s.Store.Read())
	if a == nil || err != nil {
		return
	}
	root, signing, _, _ := a.ends()
	m.Gauge("mesh.active-root-ca.expiry", time.Until(root).Seconds())
	m.Gauge("mesh.active-signing-ca.expiry", time.Until(signing).Seconds())
}
