package configentry

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"
)

// JWTProvider is who issues tokens, and how they are checked.
type JWTProvider struct {
	Header
	JSONWebKeySet    *JSONWebKeySet `json:",omitempty"`
	Issuer           string         `json:",omitempty"`
	Audiences        []string       `json:",omitempty"`
	Locations        []*JWTLocation `json:",omitempty"`
	Forwarding       *JWTForwarding `json:",omitempty"`
	ClockSkewSeconds int            `json:",omitempty"`
	CacheConfig      *JWTCache      `json:",omitempty"`
}

// JSONWebKeySet is where the issuer's keys are: the one member that is set.
type JSONWebKeySet struct {
	Local  *LocalJWKS  `json:",omitempty"`
	Remote *RemoteJWKS `json:",omitempty"`
}

// LocalJWKS are keys in base64, or in a file where the proxy runs.
type LocalJWKS struct {
	JWKS     string `json:",omitempty"`
	Filename string `json:",omitempty"`
}

// RemoteJWKS are keys to be fetched.
type RemoteJWKS struct {
	URI                 string           `json:",omitempty"`
	RequestTimeoutMs    int              `json:",omitempty"`
	CacheDuration       time.Duration    `json:",omitempty"`
	FetchAsynchronously bool             `json:",omitempty"`
	UseSNI              bool             `json:",omitempty"`
	RetryPolicy         *JWKSRetryPolicy `json:",omitempty"`
	JWKSCluster         *JWKSCluster     `json:",omitempty"`
}

// JWKSRetryPolicy says how often keys are fetched again.
type JWKSRetryPolicy struct {
	NumRetries         int          `json:",omitempty"`
	RetryPolicyBackOff *JWKSBackOff `json:",omitempty"`
}

// JWKSBackOff is the pause between.
type JWKSBackOff struct {
	BaseInterval time.Duration `json:",omitempty"`
	MaxInterval  time.Duration `json:",omitempty"`
}

// JWKSCluster is how Envoy reaches who has the keys.
type JWKSCluster struct {
	DiscoveryType   string               `json:",omitempty"`
	TLSCertificates *JWKSTLSCertificates `json:",omitempty"`
	ConnectTimeout  time.Duration        `json:",omitempty"`
}

// JWKSTLSCertificates is whom to trust: the one member that is set.
type JWKSTLSCertificates struct {
	CaCertificateProviderInstance *JWKSCertProvider `json:",omitempty"`
	TrustedCA                     *JWKSTrustedCA    `json:",omitempty"`
}

// JWKSCertProvider names a certificate of Envoy's own.
type JWKSCertProvider struct {
	InstanceName    string `json:",omitempty"`
	CertificateName string `json:",omitempty"`
}

// JWKSTrustedCA is where a CA's certificate is: the one member that is set.
type JWKSTrustedCA struct {
	Filename            string `json:",omitempty"`
	EnvironmentVariable string `json:",omitempty"`
	InlineString        string `json:",omitempty"`
	InlineBytes         []byte `json:",omitempty"`
}

// JWTLocation is where a request carries its token: the one member that is set.
type JWTLocation struct {
	Header     *JWTHeader `json:",omitempty"`
	QueryParam *JWTName   `json:",omitempty"`
	Cookie     *JWTName   `json:",omitempty"`
}

// JWTHeader is a header with a token.
type JWTHeader struct {
	Name        string `json:",omitempty"`
	ValuePrefix string `json:",omitempty"`
	Forward     bool   `json:",omitempty"`
}

// JWTName is the name of a parameter or cookie with a token.
type JWTName struct {
	Name string `json:",omitempty"`
}

// JWTForwarding passes on a token that was checked.
type JWTForwarding struct {
	HeaderName              string `json:",omitempty"`
	PadForwardPayloadHeader bool
}

// JWTCache keeps tokens that were checked.
type JWTCache struct {
	Size int `json:",omitempty"`
}

// defaultClockSkew is how far clocks may differ, in seconds.
const defaultClockSkew = 30

func (p *JWTProvider) prepare() error {
	if p.ClockSkewSeconds == 0 {
		p.ClockSkewSeconds = defaultClockSkew
	}
	if err := p.JSONWebKeySet.check(); err != nil {
		return err
	}
	for _, l := range p.Locations {
		if l == nil || present(l.Header != nil)+present(l.QueryParam != nil)+present(l.Cookie != nil) != 1 {
			return rejected("%s", Several("must set exactly one of: JWT location header, query param or cookie"))
		}
		switch {
		case l.Header != nil && l.Header.Name == "":
			return rejected("%s", Several("JWT location header name must be specified"))
		case l.QueryParam != nil && l.QueryParam.Name == "":
			return rejected("%s", Several("JWT location query param name must be specified"))
		case l.Cookie != nil && l.Cookie.Name == "":
			return rejected("%s", Several("JWT location cookie name must be specified"))
		}
	}
	if p.Forwarding != nil && p.Forwarding.HeaderName == "" {
		return rejected("Header name required for forwarding config")
	}
	return nil
}

func (k *JSONWebKeySet) check() error {
	switch {
	case k == nil:
		return rejected("JSONWebKeySet is required")
	case present(k.Local != nil)+present(k.Remote != nil) != 1:
		return rejected("must specify exactly one of Local or Remote JSON Web key set")
	case k.Remote != nil && k.Remote.URI == "":
		return rejected("Remote JWKS URI is required")
	case k.Remote != nil:
		return k.Remote.check()
	case countSet(k.Local.JWKS, k.Local.Filename) != 1:
		return rejected("must specify exactly one of String or filename for local keyset")
	case k.Local.JWKS == "":
		return nil
	}
	keys, err := base64.StdEncoding.DecodeString(k.Local.JWKS)
	if err != nil {
		return rejected("JWKS must be valid base64 encoded string")
	}
	if !json.Valid(keys) {
		return rejected("JWKS must be valid JSON")
	}
	return nil
}

// discoveryTypes are how Envoy may find who has the keys.
var discoveryTypes = []string{"STRICT_DNS", "STATIC", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"}

func (r *RemoteJWKS) check() error {
	if _, err := url.ParseRequestURI(r.URI); err != nil {
		return rejected("Remote JWKS URI is invalid: %w, uri: %s", err, r.URI)
	}
	if c := r.JWKSCluster; c != nil && !oneOf(c.DiscoveryType, discoveryTypes...) {
		return rejected("unsupported jwks cluster discovery type: %q", c.DiscoveryType)
	}
	return nil
}
