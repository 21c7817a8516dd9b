package ca

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/pki"
)

// provider makes and holds the keys of an authority. What it keeps for itself it puts
// into made; between calls it has nothing but that.
type provider interface {
	// makeRoot makes what everybody trusts, and what signs below it.
	makeRoot(ctx context.Context, number func() (uint64, error)) (*made, error)
	// request makes a key for a secondary datacenter and asks for an intermediate.
	request(ctx context.Context) (csr, key string, err error)
	// install takes the intermediate that was asked for.
	install(ctx context.Context, cert, root string) error
	signLeaf(ctx context.Context, csr *pki.CSR, text string, serial uint64, valid time.Duration) (string, error)
	signIntermediate(ctx context.Context, csr *pki.CSR, text string, serial uint64, valid time.Duration) (string, error)
	// crossSign signs the certificate of another root.
	crossSign(ctx context.Context, other string, serial uint64) (string, error)
}

// made is what a provider has made. All is PEM.
type made struct {
	root    string
	between []string // below the root, what goes with each leaf
	signing string   // the certificate of the key that signs leaves
	key     string   // "" where another system holds it
}

// provide is the provider that a configuration names.
func (s *Service) provide(config *catalog.CAConfig, set *settings, state *catalog.CAState) (provider, error) {
	switch config.Provider {
	case providerConsul:
		return &builtin{!s.Secondary(), config, set, state}, nil
	case providerVault:
		return s.vaults.provider(!s.Secondary(), config, set), nil
	case providerAWS:
		if region, _ := find(mustDecode(config.Config), "Region"); region == nil || region == "" {
			return nil, fault.New(fault.Rejected, "error generating CA root certificate: MissingRegion: could not find region configuration")
		}
		return nil, fault.New(fault.Rejected, "error configuring provider: the CA provider aws-pca is not part of Praetor: use consul, or vault")
	}
	return nil, knownProvider(config.Provider)
}

func mustDecode(text []byte) map[string]any {
	raw, _ := decodeConfig(text) // it was read before
	return raw
}

// crossValid is for how long a cross-signed root is valid: leaves are renewed sooner.
const crossValid = 7 * 24 * time.Hour

// builtin is the provider "consul": the key is in the catalog.
type builtin struct {
	primary bool
	config  *catalog.CAConfig
	set     *settings
	state   *catalog.CAState // nil before there is one
}

func (b *builtin) signerID() pki.SPIFFE {
	return pki.SPIFFE{Identity: pki.Signer, TrustDomain: b.config.TrustDomain()}
}

func (b *builtin) makeRoot(_ context.Context, number func() (uint64, error)) (*made, error) {
	key, err := b.rootKey()
	if err != nil {
		return nil, err
	}
	if b.set.RootCert != "" {
		if _, err := pki.ParseCertificate(b.set.RootCert); err != nil {
			return nil, fault.New(fault.Rejected, "%w", err)
		}
		root := strings.TrimSpace(b.set.RootCert) + "\n"
		return &made{root: root, signing: root, key: b.set.PrivateKey}, nil
	}
	serial, err := number()
	if err != nil {
		return nil, err
	}
	name, err := commonName("pri", b.config)
	if err != nil {
		return nil, err
	}
	root, err := pki.RootOf(key, name, b.signerID().URI(), serial, b.set.RootCertTTL)
	if err != nil {
		return nil, err
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		return nil, err
	}
	return &made{root: root, signing: root, key: secret}, nil
}

// maxQuoted is how much of what should be a key an error may show: nothing of that
// length can be one.
const maxQuoted = 16

// rootKey is the key that was given, or a new one.
func (b *builtin) rootKey() (crypto.Signer, error) {
	given := b.set.PrivateKey
	if given == "" {
		return pki.NewKey(b.set.PrivateKeyType, b.set.PrivateKeyBits)
	}
	key, err := pki.ParseKey(given)
	switch {
	case err == nil:
		return key, nil
	case b.set.RootCert != "":
		return nil, fault.New(fault.Rejected, "%w", err)
	case len(given) > maxQuoted:
		given = hiddenText
	}
	return nil, fault.New(fault.Rejected, "error generating CA root certificate: error generating CA: error parsing private key %q: %w", given, err)
}

func (b *builtin) request(context.Context) (csr, key string, err error) {
	signer, err := pki.NewKey(b.set.PrivateKeyType, b.set.PrivateKeyBits)
	if err != nil {
		return "", "", err
	}
	name, err := commonName("sec", b.config)
	if err != nil {
		return "", "", err
	}
	if csr, err = pki.NewCSR(signer, name, b.signerID().URI()); err != nil {
		return "", "", err
	}
	key, err = pki.EncodeKey(signer)
	return csr, key, err
}

func (b *builtin) install(context.Context, string, string) error { return nil }

// authority is the pair that signs.
func (b *builtin) authority() (*pki.MeshAuthority, error) {
	if b.state == nil || b.state.PrivateKey == "" {
		return nil, errNotReady
	}
	a, err := pki.ReadMeshAuthority(b.state.SigningCert, b.state.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("authority of the mesh: %w", err)
	}
	return a, nil
}

func (b *builtin) signLeaf(_ context.Context, csr *pki.CSR, _ string, serial uint64, valid time.Duration) (string, error) {
	a, err := b.authority()
	if err != nil {
		return "", err
	}
	return a.SignLeaf(csr, serial, valid)
}

func (b *builtin) signIntermediate(_ context.Context, csr *pki.CSR, _ string, serial uint64, valid time.Duration) (string, error) {
	a, err := b.authority()
	if err != nil {
		return "", err
	}
	return a.SignIntermediate(csr, serial, valid)
}

func (b *builtin) crossSign(_ context.Context, other string, serial uint64) (string, error) {
	a, err := b.authority()
	if err != nil {
		return "", err
	}
	cert, err := pki.ParseCertificate(other)
	if err != nil {
		return "", err
	}
	return a.CrossSign(cert, serial, crossValid)
}

// randomDigits is how many random characters the name of an authority has.
const randomDigits = 8

// commonName names an authority: pri-x1y2z3w4.consul.ca.12345678.consul.
func commonName(prefix string, config *catalog.CAConfig) (string, error) {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	for range randomDigits {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(digits))))
		if err != nil {
			return "", err
		}
		b.WriteByte(digits[n.Int64()])
	}
	return fmt.Sprintf("%s-%s.consul.ca.%.8s.consul", prefix, b.String(), config.ClusterID), nil
}
