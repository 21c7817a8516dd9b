package acls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/mitchellh/mapstructure"

	"praetor/catalog"
	"praetor/internal/filter"
)

// The types of auth methods.
const (
	typeJWT        = "jwt"
	typeKubernetes = "kubernetes"
	typeAWS        = "aws-iam"
)

// method is an auth method as it is configured: what may be known of who logs in by it.
type method interface {
	// names are what templates may use.
	names() []string
	// checkSelector refuses a selector that names what is not there.
	checkSelector(text string) error
	// identify says who shows a bearer token, if it is good.
	identify(bearer string) (*identity, error)
}

// newMethod reads the configuration of a method.
func newMethod(row *catalog.ACLAuthMethod) (method, error) {
	switch row.Type {
	case typeJWT:
		return newJWTMethod(row.Config)
	case typeKubernetes:
		return newKubernetesMethod(row.Config)
	case typeAWS:
		return nil, fmt.Errorf("methods of type %q are not part of this version", typeAWS)
	}
	return nil, fmt.Errorf("Type should be one of: [%s %s %s]", typeAWS, typeJWT, typeKubernetes)
}

// decodeConfig reads a configuration as Consul does: member names in any case, texts
// for numbers.
func decodeConfig(config []byte, into any) error {
	var members map[string]any
	if len(config) > 0 {
		if err := json.Unmarshal(config, &members); err != nil {
			return fmt.Errorf("error decoding config: %w", err)
		}
	}
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{ErrorUnused: true, WeaklyTypedInput: true, Result: into})
	if err != nil {
		return err
	}
	if err := d.Decode(members); err != nil {
		return fmt.Errorf("error decoding config: %w", err)
	}
	return nil
}

// secretMember is the one member of a configuration that is a secret.
const secretMember = "ServiceAccountJWT"

// withoutSecrets is a configuration as readers see it.
func withoutSecrets(config []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(config, &members) != nil {
		return nil
	}
	for name := range members {
		if strings.EqualFold(name, secretMember) {
			members[name] = json.RawMessage(`"` + hidden + `"`)
		}
	}
	shown, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return shown
}

// jwtMethod takes tokens that somebody signed whose keys are known.
type jwtMethod struct {
	jwtConfig
	keys []crypto.PublicKey
}

type jwtConfig struct {
	JWTSupportedAlgs     []string
	JWTValidationPubKeys []string
	JWKSURL              string
	JWKSCACert           string
	OIDCDiscoveryURL     string
	OIDCDiscoveryCACert  string
	BoundIssuer          string
	BoundAudiences       []string
	ClaimMappings        map[string]string
	ListClaimMappings    map[string]string
	ExpirationLeeway     time.Duration
	NotBeforeLeeway      time.Duration
	ClockSkewLeeway      time.Duration
}

func newJWTMethod(config []byte) (*jwtMethod, error) {
	m := &jwtMethod{}
	if err := decodeConfig(config, &m.jwtConfig); err != nil {
		return nil, err
	}
	sources := 0
	for _, set := range []bool{len(m.JWTValidationPubKeys) > 0, m.JWKSURL != "", m.OIDCDiscoveryURL != ""} {
		if set {
			sources++
		}
	}
	switch {
	case sources != 1:
		return nil, fmt.Errorf("exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type %q", typeJWT)
	case len(m.JWTValidationPubKeys) == 0:
		return nil, fmt.Errorf("keys from 'JWKSURL' and 'OIDCDiscoveryURL' are not part of this version: give them as 'JWTValidationPubKeys'")
	}
	for i, text := range m.JWTValidationPubKeys {
		key := publicKey(text)
		if key == nil {
			return nil, fmt.Errorf("error parsing public key JWTValidationPubKeys[%d]: data does not contain any valid RSA, ECDSA, or ED25519 public keys", i)
		}
		m.keys = append(m.keys, key)
	}
	return m, nil
}

// publicKey finds the first public key in a PEM text, nil if there is none.
func publicKey(text string) crypto.PublicKey {
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			if key, err = x509.ParsePKCS1PublicKey(block.Bytes); err != nil {
				cert, err := x509.ParseCertificate(block.Bytes)
				if err != nil {
					continue
				}
				key = cert.PublicKey
			}
		}
		switch key.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
			return key
		}
	}
	return nil
}

func (m *jwtMethod) names() []string {
	var all []string
	for _, name := range m.ClaimMappings {
		all = append(all, "value."+name)
	}
	return all
}

// claimsRow is what selectors can name of a JWT.
type claimsRow struct {
	Value map[string]string   `bexpr:"value"`
	List  map[string][]string `bexpr:"list"`
}

func (m *jwtMethod) checkSelector(text string) error {
	_, err := filter.New[claimsRow](text)
	return err
}

// kubernetesMethod takes tokens of service accounts, which a Kubernetes vouches for.
type kubernetesMethod struct{ kubernetesConfig }

type kubernetesConfig struct {
	Host              string
	CACert            string
	ServiceAccountJWT string
}

func newKubernetesMethod(config []byte) (*kubernetesMethod, error) {
	m := &kubernetesMethod{}
	if err := decodeConfig(config, &m.kubernetesConfig); err != nil {
		return nil, err
	}
	switch {
	case m.Host == "":
		return nil, fmt.Errorf("Config.Host is required")
	case m.CACert == "":
		return nil, fmt.Errorf("Config.CACert is required")
	case !x509.NewCertPool().AppendCertsFromPEM([]byte(m.CACert)):
		return nil, fmt.Errorf("error parsing kubernetes ca cert: data does not contain any valid RSA or ECDSA certificates")
	case m.ServiceAccountJWT == "":
		return nil, fmt.Errorf("Config.ServiceAccountJWT is required")
	}
	return m, nil
}

func (m *kubernetesMethod) identify(string) (*identity, error) {
	return nil, fmt.Errorf("logins by methods of type %q are not part of this version", typeKubernetes)
}

func (m *kubernetesMethod) names() []string {
	return []string{"serviceaccount.namespace", "serviceaccount.name", "serviceaccount.uid"}
}

// accountRow is what selectors can name of a service account.
type accountRow struct {
	ServiceAccount struct {
		Namespace string `bexpr:"namespace"`
		Name      string `bexpr:"name"`
		UID       string `bexpr:"uid"`
	} `bexpr:"serviceaccount"`
}

func (m *kubernetesMethod) checkSelector(text string) error {
	_, err := filter.New[accountRow](text)
	return err
}
