package ca

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mitchellh/mapstructure"

	"praetor/internal/fault"
	"praetor/internal/pki"
)

// The providers.
const (
	providerConsul = "consul"
	providerVault  = "vault"
	providerAWS    = "aws-pca"
)

// settings are the members of a configuration's Config that are known; others are kept
// and shown.
type settings struct {
	LeafCertTTL         time.Duration
	IntermediateCertTTL time.Duration
	RootCertTTL         time.Duration
	PrivateKeyType      string
	PrivateKeyBits      int
	PrivateKey          string
	RootCert            string
	CSRMaxPerSecond     float64
	CSRMaxConcurrent    int

	vaultSettings `mapstructure:",squash"`
}

// The bounds of reference/mesh.md §1.
const (
	minLeafTTL         = time.Hour
	maxLeafTTL         = 365 * 24 * time.Hour
	minIntermediateTTL = 3 * time.Hour
	defaultBetweenTTL  = 8760 * time.Hour

	nameBetweenTTL = "IntermediateCertTTL"
)

func defaultSettings() *settings {
	return &settings{
		LeafCertTTL: 72 * time.Hour, IntermediateCertTTL: defaultBetweenTTL, RootCertTTL: 87600 * time.Hour,
		PrivateKeyType: pki.EC, PrivateKeyBits: 256, CSRMaxPerSecond: 50,
	}
}

// firstConfig is what the first leader begins with: what the agent's configuration says
// in the spelling of the API, and the lifetimes that it leaves out.
func firstConfig(config map[string]any) map[string]any {
	raw := map[string]any{"LeafCertTTL": "72h", nameBetweenTTL: "8760h", "RootCertTTL": "87600h"}
	for name, value := range config {
		raw[camel(name)] = value
	}
	delete(raw, "ClusterID")
	return raw
}

// spelled are parts of names that are written in capitals.
var spelled = map[string]string{"ttl": "TTL", "pki": "PKI", "csr": "CSR", "ca": "CA", "id": "ID", "tls": "TLS"}

// camel is a name of the agent's configuration as the API has it: leaf_cert_ttl is
// LeafCertTTL. Names without _ are taken as they are, but for a first capital.
func camel(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part == "" {
			continue
		}
		if whole := spelled[strings.ToLower(part)]; whole != "" {
			b.WriteString(whole)
			continue
		}
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// decodeConfig reads the Config of a configuration: an object, or nil for null.
func decodeConfig(text []byte) (map[string]any, error) {
	var raw map[string]any
	if len(text) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("config of the CA: %w", err)
	}
	return raw, nil
}

// readSettings reads what is known. A name in the API's spelling comes before the same
// one with _.
func readSettings(raw map[string]any) (*settings, error) {
	known := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if plain := camel(name); strings.Contains(name, "_") {
			if _, twice := find(raw, plain); !twice {
				known[plain] = raw[name]
			}
			continue
		}
		known[name] = raw[name]
	}
	set := defaultSettings()
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: set, WeaklyTypedInput: true, DecodeHook: mapstructure.StringToTimeDurationHookFunc(),
	})
	if err != nil {
		return nil, err
	}
	if err := decoder.Decode(known); err != nil {
		return nil, fmt.Errorf("error decoding config: %w", err)
	}
	return set, nil
}

// find looks a name up in any case.
func find(raw map[string]any, name string) (any, bool) {
	for n, value := range raw {
		if strings.EqualFold(n, name) {
			return value, true
		}
	}
	return nil, false
}

// check says what is wrong about the settings of a provider.
func (s *settings) check(provider string, primary bool) error {
	if provider == providerVault {
		if err := s.vaultSettings.check(primary); err != nil {
			return err
		}
	}
	if s.RootCertTTL <= s.IntermediateCertTTL {
		return fmt.Errorf("root cert TTL is set and is not greater than intermediate cert ttl. root cert ttl: %s, intermediate cert ttl: %s", s.RootCertTTL, s.IntermediateCertTTL)
	}
	switch {
	case s.LeafCertTTL < minLeafTTL:
		return fmt.Errorf("leaf cert TTL must be greater or equal than %s", minLeafTTL)
	case s.LeafCertTTL > maxLeafTTL:
		return fmt.Errorf("leaf cert TTL must be less than %s", maxLeafTTL)
	case s.IntermediateCertTTL < minIntermediateTTL:
		return errors.New("Intermediate Cert TTL must be greater or equal than 3h")
	case s.IntermediateCertTTL < 3*s.LeafCertTTL:
		return fmt.Errorf("Intermediate Cert TTL must be greater or equal than 3 * LeafCertTTL (>=%s).", 3*s.LeafCertTTL)
	}
	if err := pki.CheckKeyType(s.PrivateKeyType, s.PrivateKeyBits); err != nil {
		return err
	}
	if provider == providerConsul && s.RootCert != "" && s.PrivateKey == "" {
		return errors.New("must provide a private key when providing a root cert")
	}
	return nil
}

// knownProvider says whether there is a provider of that name.
func knownProvider(name string) error {
	switch name {
	case providerConsul, providerVault, providerAWS:
		return nil
	}
	return fault.New(fault.Rejected, "could not initialize provider: unknown CA provider %q", name)
}

// fingerprint names what a provider would make of the settings: while it stays the same
// so do root and keys.
func (s *settings) fingerprint(provider string) string {
	parts := []string{provider, s.PrivateKeyType, fmt.Sprint(s.PrivateKeyBits), s.PrivateKey, s.RootCert}
	if provider == providerVault {
		parts = append(parts[:3], s.Address, s.VaultNamespace, s.RootPKIPath, s.IntermediatePKIPath)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// What stands for secrets where a configuration is shown. Given back, it means the
// secret that is in force.
const (
	hiddenText = "<hidden>"
	hiddenKey  = "-----BEGIN EC PRIVATE KEY-----\n" + hiddenText + "\n-----END EC PRIVATE KEY-----\n"
)

// isSecret tells of members, in any spelling, whose values are shown to nobody.
func isSecret(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", ""))
	for _, word := range []string{"privatekey", "token", "secretid", "password", "jwt", "keypem"} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}

// hide returns a Config as it may be shown.
func hide(text []byte) ([]byte, error) {
	raw, err := decodeConfig(text)
	if err != nil || raw == nil {
		return []byte("null"), err
	}
	eachSecret(raw, "", func(in map[string]any, name, _, value string) {
		in[name] = hiddenText
		if strings.Contains(value, "PRIVATE KEY-----") {
			in[name] = hiddenKey
		}
	})
	return encodeConfig(raw)
}

// unhide puts the secrets in force where a configuration has what stands for them.
func unhide(raw, inForce map[string]any) {
	secrets := map[string]string{}
	eachSecret(inForce, "", func(_ map[string]any, _, at, value string) { secrets[at] = value })
	eachSecret(raw, "", func(in map[string]any, name, at, value string) {
		if value == hiddenText || value == hiddenKey {
			in[name] = secrets[at]
		}
	})
}

// eachSecret calls do for the secrets of a configuration and of its parts, with where
// they are, however their names are spelled.
func eachSecret(part any, at string, do func(in map[string]any, name, at, value string)) {
	switch part := part.(type) {
	case map[string]any:
		for name, value := range part {
			below := at + "/" + strings.ToLower(camel(name))
			if text, is := value.(string); is && text != "" && isSecret(name) {
				do(part, name, below, text)
			}
			eachSecret(value, below, do)
		}
	case []any:
		for i, value := range part {
			eachSecret(value, fmt.Sprintf("%s/%d", at, i), do)
		}
	}
}

// encodeConfig writes a Config with its members in order.
func encodeConfig(raw map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(raw); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
