package configentry

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"praetor/internal/fault"
)

// The kinds.
const (
	KindServiceDefaults       = "service-defaults"
	KindProxyDefaults         = "proxy-defaults"
	KindServiceRouter         = "service-router"
	KindServiceSplitter       = "service-splitter"
	KindServiceResolver       = "service-resolver"
	KindServiceIntentions     = "service-intentions"
	KindIngressGateway        = "ingress-gateway"
	KindTerminatingGateway    = "terminating-gateway"
	KindMesh                  = "mesh"
	KindExportedServices      = "exported-services"
	KindSamenessGroup         = "sameness-group"
	KindAPIGateway            = "api-gateway"
	KindBoundAPIGateway       = "bound-api-gateway"
	KindHTTPRoute             = "http-route"
	KindTCPRoute              = "tcp-route"
	KindInlineCertificate     = "inline-certificate"
	KindFileSystemCertificate = "file-system-certificate"
	KindJWTProvider           = "jwt-provider"
	KindRequestLimit          = "control-plane-request-limit"
	KindRateLimit             = "rate-limit"
	KindAI                    = "AI"
	KindInferenceGateway      = "inference-gateway"
)

// The only names that entries of some kinds may have.
const (
	NameGlobal  = "global"  // proxy-defaults, rate-limit
	NameMesh    = "mesh"    // mesh
	NameDefault = "default" // exported-services
)

// Entry is an entry of any kind, a pointer to one of the types in this package.
type Entry interface {
	// EntryName is the name in the path of the entry.
	EntryName() string
	// common is what all kinds have.
	common() *Common
	// prepare fills in defaults and says what is wrong.
	prepare() error
}

// Common is what all kinds have. Clients send back the indexes and the hash
// that they read; nothing reads them here.
type Common struct {
	Kind        string
	Meta        map[string]string `json:",omitempty"`
	CreateIndex uint64            `json:"-"`
	ModifyIndex uint64            `json:"-"`
	Hash        uint64            `json:"-"`
}

func (c *Common) common() *Common { return c }

// Header is what all kinds but mesh have.
type Header struct {
	Common
	Name string
}

// EntryName implements Entry.
func (h *Header) EntryName() string { return h.Name }

// kinds makes an empty entry of each kind.
var kinds = map[string]func() Entry{
	KindServiceDefaults:       func() Entry { return new(ServiceDefaults) },
	KindProxyDefaults:         func() Entry { return new(ProxyDefaults) },
	KindServiceRouter:         func() Entry { return new(ServiceRouter) },
	KindServiceSplitter:       func() Entry { return new(ServiceSplitter) },
	KindServiceResolver:       func() Entry { return new(ServiceResolver) },
	KindServiceIntentions:     func() Entry { return new(ServiceIntentions) },
	KindIngressGateway:        func() Entry { return new(IngressGateway) },
	KindTerminatingGateway:    func() Entry { return new(TerminatingGateway) },
	KindMesh:                  func() Entry { return new(Mesh) },
	KindExportedServices:      func() Entry { return new(ExportedServices) },
	KindSamenessGroup:         func() Entry { return new(SamenessGroup) },
	KindAPIGateway:            func() Entry { return new(APIGateway) },
	KindBoundAPIGateway:       func() Entry { return new(BoundAPIGateway) },
	KindHTTPRoute:             func() Entry { return new(HTTPRoute) },
	KindTCPRoute:              func() Entry { return new(TCPRoute) },
	KindInlineCertificate:     func() Entry { return new(InlineCertificate) },
	KindFileSystemCertificate: func() Entry { return new(FileSystemCertificate) },
	KindJWTProvider:           func() Entry { return new(JWTProvider) },
	KindRequestLimit:          func() Entry { return new(RequestLimit) },
	KindRateLimit:             func() Entry { return new(RateLimit) },
	KindAI:                    func() Entry { return new(Verbatim) },
	KindInferenceGateway:      func() Entry { return new(Verbatim) },
}

// Kinds lists the kinds by name.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// New returns an empty entry of a kind; kind fault.Rejected if there is none such.
func New(kind string) (Entry, error) {
	make, ok := kinds[kind]
	if !ok {
		return nil, fault.New(fault.Rejected, "invalid config entry kind: %s", kind)
	}
	e := make()
	e.common().Kind = kind
	return e, nil
}

// KindOf returns the kind of an entry.
func KindOf(e Entry) string { return e.common().Kind }

// namedLate are the kinds whose entries are looked at before their name is, and what
// Consul says when they have none: its index's word, or its chains'.
var namedLate = map[string]string{
	KindIngressGateway:     "failed inserting config entry: object missing primary index",
	KindTerminatingGateway: noServiceName, KindAPIGateway: noServiceName, KindTCPRoute: noServiceName, KindHTTPRoute: noServiceName,
	KindInlineCertificate: noServiceName, KindFileSystemCertificate: noServiceName,
}

const noServiceName = "serviceName is required"

// Prepare fills in defaults and says what is wrong with an entry taken by
// itself; kind fault.Rejected.
func Prepare(e Entry) error {
	if d, ok := e.(*ProxyDefaults); ok && d.Name == "" {
		d.Name = NameGlobal
	}
	late, ok := namedLate[KindOf(e)]
	if e.EntryName() == "" && !ok {
		return fault.New(fault.Rejected, "Name is required")
	}
	if err := checkMeta(e.common().Meta); err != nil {
		return err
	}
	if err := e.prepare(); err != nil {
		return err
	}
	if e.EntryName() == "" {
		return fault.New(fault.Rejected, "%s", late)
	}
	return nil
}

// The bounds of metadata (reference/http-catalog-health.md §2.1).
const (
	maxMetaPairs = 64
	maxMetaKey   = 128
	maxMetaValue = 512
)

func checkMeta(meta map[string]string) error {
	if len(meta) > maxMetaPairs {
		return fault.New(fault.Rejected, "Meta exceeds maximum element count %d", maxMetaPairs)
	}
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		switch {
		case len(k) > maxMetaKey:
			return fault.New(fault.Rejected, "Meta key %q exceeds maximum length %d", k, maxMetaKey)
		case len(meta[k]) > maxMetaValue:
			return fault.New(fault.Rejected, "Meta value for key %q exceeds maximum length %d", k, maxMetaValue)
		}
	}
	return nil
}

// Encode returns the entry as JSON, without indexes and hash.
func Encode(e Entry) ([]byte, error) { return json.Marshal(e) }

// Load reads what Encode made; keys of newer versions are passed over.
func Load(kind string, body []byte) (Entry, error) {
	e, err := New(kind)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, e); err != nil {
		return nil, err
	}
	return e, nil
}

// oneOf reports whether a value is empty or one of those allowed.
func oneOf(value string, allowed ...string) bool {
	return value == "" || slices.Contains(allowed, value)
}

func rejected(format string, args ...any) error { return fault.New(fault.Rejected, format, args...) }

// together returns faults as one error, nil if there are none.
func together(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return rejected("%s", Several(faults...))
}

// Several is how Consul words faults that are found together.
func Several(texts ...string) string {
	return fmtCount(len(texts)) + " occurred:\n\t* " + strings.Join(texts, "\n\t* ") + "\n\n"
}
