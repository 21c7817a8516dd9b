package ca

import (
	"context"
	"time"

	"praetor/catalog"
	"praetor/internal/pki"
)

// Vault is the provider "vault" with a configuration.
type Vault struct{ p *vault }

// NewVault checks a configuration, as the API has it, and returns its provider.
func NewVault(clusterID, config string) (*Vault, error) {
	raw, err := decodeConfig([]byte(config))
	if err != nil {
		return nil, err
	}
	set, err := readSettings(raw)
	if err != nil {
		return nil, err
	}
	if err := set.check(providerVault, true); err != nil {
		return nil, err
	}
	return &Vault{new(vaults).provider(true, &catalog.CAConfig{ClusterID: clusterID, Config: []byte(config)}, set)}, nil
}

// MakeRoot makes root and intermediate.
func (v *Vault) MakeRoot(ctx context.Context) (root, signing string, err error) {
	m, err := v.p.makeRoot(ctx, nil)
	if err != nil {
		return "", "", err
	}
	return m.root, m.signing, nil
}

// SignLeaf signs a CSR.
func (v *Vault) SignLeaf(ctx context.Context, text string) (string, error) {
	csr, err := pki.ParseCSR(text)
	if err != nil {
		return "", err
	}
	return v.p.signLeaf(ctx, csr, text, 1, time.Hour)
}

// CrossSign signs another root.
func (v *Vault) CrossSign(ctx context.Context, other string) (string, error) {
	return v.p.crossSign(ctx, other, 1)
}

// Check says what is wrong about a configuration.
func Check(provider, config string) error {
	raw, err := decodeConfig([]byte(config))
	if err != nil {
		return err
	}
	set, err := readSettings(raw)
	if err != nil {
		return err
	}
	return set.check(provider, true)
}

// FirstConfig is what an agent's ca_config begins with.
func FirstConfig(config map[string]any) map[string]any { return firstConfig(config) }

// Camel is a name as the API has it.
var Camel = camel

// ShownAndBack is a configuration as it is shown, and what becomes of that when it is
// written.
func ShownAndBack(config map[string]any) (shown string, back map[string]any, err error) {
	text, err := encodeConfig(config)
	if err != nil {
		return "", nil, err
	}
	if config == nil {
		text = nil
	}
	hidden, err := hide(text)
	if err != nil {
		return "", nil, err
	}
	if back, err = decodeConfig(hidden); err == nil {
		unhide(back, config)
	}
	return string(hidden), back, err
}

// Enter waits for a turn at signing.
func (s *Service) Enter(ctx context.Context) (done func(), err error) {
	a, err := s.present(s.Store.Read())
	if err != nil {
		return nil, err
	}
	return s.limits.enter(ctx, a.set)
}
