package configentry

import (
	"slices"
	"strings"
	"time"
)

// APIGateway lets traffic in by routes that are entries of their own.
type APIGateway struct {
	Header
	TLS       GatewayTLS `json:",omitzero"`
	Listeners []APIListener
	Defaults  *UpstreamLimits `json:",omitempty"`
	ExtAuthz  *Switch         `json:",omitempty"`
	Status    Status
}

// Switch turns something on.
type Switch struct {
	Enabled bool
}

// Status is what a controller found out about an entry.
type Status struct {
	Conditions []Condition
}

// prepare makes a list of what nobody found anything out about.
func (s *Status) prepare() {
	if s.Conditions == nil {
		s.Conditions = []Condition{}
	}
}

// judged are the entries with a status.
type judged interface{ status() *Status }

func (g *APIGateway) status() *Status { return &g.Status }
func (r *HTTPRoute) status() *Status  { return &r.Status }
func (r *TCPRoute) status() *Status   { return &r.Status }

// KeepStatus gives an entry the status of the one that was there before, nil for none.
// What its writer says of it does not count: controllers do.
func KeepStatus(e, old Entry) {
	to, ok := e.(judged)
	if !ok {
		return
	}
	*to.status() = Status{Conditions: []Condition{}}
	if from, ok := old.(judged); ok {
		*to.status() = *from.status()
	}
}

// Condition is one thing that is so, or not.
type Condition struct {
	Type               string
	Status             string
	Reason             string
	Message            string
	Resource           ResourceReference // empty for the entry itself
	LastTransitionTime *time.Time
}

// ResourceReference names another entry, or a section of one.
type ResourceReference struct {
	Kind        string
	Name        string
	SectionName string
}

// APIListener is a port of a gateway.
type APIListener struct {
	Name                string
	Hostname            string
	Port                int
	Protocol            string
	TLS                 APIListenerTLS
	Override            *APIPolicy `json:",omitempty"`
	Default             *APIPolicy `json:",omitempty"`
	MaxRequestHeadersKB *uint32    `json:",omitempty"`
}

// APIListenerTLS is the TLS of a listener.
type APIListenerTLS struct {
	Certificates []ResourceReference
	SDS          *GatewaySDS `json:",omitempty"`
	MaxVersion   string
	MinVersion   string
	CipherSuites []string
}

// APIPolicy is what a request must bring.
type APIPolicy struct {
	JWT *GatewayJWT `json:",omitempty"`
}

// GatewayJWT would name the issuers of the token that a request must bring: only
// Enterprise has its member.
type GatewayJWT struct{}

func (g *APIGateway) prepare() error {
	g.Status.prepare()
	if len(g.Listeners) == 0 {
		return rejected("api gateway must have at least one listener")
	}
	ports := map[int]APIListener{}
	names := map[string]bool{}
	for i := range g.Listeners {
		l := &g.Listeners[i]
		l.Protocol = strings.ToLower(l.Protocol)
		other, taken := ports[l.Port]
		switch {
		case names[l.Name]:
			return rejected("found multiple listeners with the name %q", l.Name)
		case !validListenerName(l.Name):
			return rejected("listener name %q is invalid, must be at least 1 character and contain only letters, numbers, or dashes", l.Name)
		case l.Protocol != ProtocolTCP && l.Protocol != ProtocolHTTP:
			return rejected("unsupported listener protocol %q, must be one of 'tcp', or 'http'", l.Protocol)
		case l.Protocol == ProtocolTCP && l.Hostname != "":
			return rejected("hostname specification is not supported when using TCP")
		case l.Port <= 0 || l.Port > maxPort:
			return rejected("listener port %d not in the range 1-65535", l.Port)
		case taken && (other.Protocol != l.Protocol || other.Hostname == l.Hostname):
			return rejected("listeners %q and %q cannot be merged", other.Name, l.Name)
		}
		if err := checkTLS(l.TLS.MinVersion, l.TLS.MaxVersion, l.TLS.CipherSuites); err != nil {
			return rejected("%w", err)
		}
		for _, c := range l.TLS.Certificates {
			if c.Kind != KindInlineCertificate && c.Kind != KindFileSystemCertificate {
				return rejected("unsupported certificate kind: %q, must be 'inline-certificate' or 'file-system-certificate'", c.Kind)
			}
			if c.Name == "" {
				return rejected("certificate reference must have a name")
			}
		}
		names[l.Name] = true
		ports[l.Port] = *l
	}
	return nil
}

func validListenerName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
}

// BoundAPIGateway is what a controller makes of a gateway and its routes; nobody
// else may write it.
type BoundAPIGateway struct {
	Header
	Listeners []BoundListener
	Services  map[string][]ResourceReference // the routes to each
}

// BoundListener is a listener with the routes that are bound to it.
type BoundListener struct {
	Name         string
	Routes       []ResourceReference
	Certificates []ResourceReference
}

func (*BoundAPIGateway) prepare() error { return nil }

// TCPRoute binds a service to listeners.
type TCPRoute struct {
	Header
	Parents  []ResourceReference
	Services []TCPService
	Status   Status
}

// TCPService is where connections go.
type TCPService struct {
	Name   string
	TLS    *ServiceTLS     `json:",omitempty"`
	Limits *UpstreamLimits `json:",omitempty"`
}

func (r *TCPRoute) prepare() error {
	r.Status.prepare()
	if len(r.Services) > 1 {
		return rejected("tcp-route currently only supports one service")
	}
	for _, s := range r.Services {
		if s.Name == "" {
			return rejected("tcp-route service must have a name")
		}
	}
	return prepareParents(r.Parents)
}

// prepareParents sees that routes belong to gateways.
func prepareParents(parents []ResourceReference) error {
	for i := range parents {
		if parents[i].Kind == "" {
			parents[i].Kind = KindAPIGateway
		}
		switch {
		case slices.Contains(parents[:i], parents[i]):
			return rejected("route parents must be unique")
		case parents[i].Kind != KindAPIGateway:
			return rejected("unsupported parent kind: %q, must be 'api-gateway'", parents[i].Kind)
		case parents[i].Name == "":
			return rejected("parent must have a name")
		}
	}
	return nil
}

// HTTPRoute sends requests of listeners on by what they say.
type HTTPRoute struct {
	Header
	Parents   []ResourceReference
	Rules     []RouteRule
	Hostnames []string
	Status    Status
}

// RouteRule is a rule of an HTTPRoute: which requests, changed how, go where.
type RouteRule struct {
	Filters         RouteFilters
	ResponseFilters ResponseFilters
	Matches         []RuleMatch
	Services        []RuleService
}

// RouteFilters change requests.
type RouteFilters struct {
	Headers       []HeaderFilter
	URLRewrite    *URLRewrite
	RetryFilter   *RetryFilter
	TimeoutFilter *TimeoutFilter
	JWT           *GatewayJWT
	ExtProc       []map[string]any `json:",omitempty"`
	ExtAuthz      *Switch          `json:",omitempty"`
}

// ResponseFilters change responses.
type ResponseFilters struct {
	Headers []HeaderFilter
}

// HeaderFilter changes headers.
type HeaderFilter struct {
	Add    map[string]string
	Remove []string
	Set    map[string]string
}

// URLRewrite replaces the path that matched.
type URLRewrite struct {
	Path string
}

// RetryFilter says when requests are sent again.
type RetryFilter struct {
	NumRetries            uint32
	RetryOn               []string
	RetryOnStatusCodes    []uint32
	RetryOnConnectFailure bool
}

// TimeoutFilter bounds how long a request may take.
type TimeoutFilter struct {
	RequestTimeout time.Duration
	IdleTimeout    time.Duration
}

// RuleMatch is what a request must be like.
type RuleMatch struct {
	Headers []NameMatch
	Method  string
	Path    PathMatch
	Query   []QueryMatch
}

// NameMatch matches a header, in the way that Match names.
type NameMatch struct {
	Match  string
	Name   string
	Value  string
	Invert bool `json:",omitempty"`
}

// QueryMatch matches a query parameter.
type QueryMatch struct {
	Match string
	Name  string
	Value string
}

// PathMatch matches a path.
type PathMatch struct {
	Match string
	Value string
}

// RuleService is where requests go, in proportion to Weight.
type RuleService struct {
	Name            string
	Weight          int
	Filters         RouteFilters
	ResponseFilters ResponseFilters
	TLS             *ServiceTLS     `json:",omitempty"`
	Limits          *UpstreamLimits `json:",omitempty"`
}

func (r *HTTPRoute) prepare() error {
	r.Status.prepare()
	for i, h := range r.Hostnames {
		if strings.Contains(strings.TrimPrefix(h, "*."), Wildcard) {
			return rejected("host %q must not be a wildcard", h)
		}
		r.Hostnames[i] = strings.ToLower(h)
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		for j := range rule.Matches {
			if text := rule.Matches[j].prepare(); text != "" {
				return rejected("Rule[%d], Match[%d], %s", i, j, text)
			}
		}
		for j := range rule.Services {
			s := &rule.Services[j]
			if s.Name == "" {
				return rejected("Rule[%d], Service[%d], a service must have a name", i, j)
			}
			if s.Weight <= 0 {
				s.Weight = 1
			}
		}
	}
	return prepareParents(r.Parents)
}

func (m *RuleMatch) prepare() string {
	m.Method = strings.ToUpper(m.Method)
	if m.Path.Match == "" {
		m.Path = PathMatch{Match: "prefix", Value: "/"}
	}
	switch {
	case !oneOf(m.Method, httpMethods...):
		return "method " + m.Method + " is not valid"
	case !oneOf(m.Path.Match, "exact", "prefix", "regex"):
		return "path match type should be one of exact, prefix, or regex"
	case m.Path.Match != "regex" && !strings.HasPrefix(m.Path.Value, "/"):
		return "path match doesn't start with '/': \"" + m.Path.Value + "\""
	}
	for _, h := range m.Headers {
		if h.Name == "" || !oneOf(h.Match, "exact", "prefix", "suffix", "present", "regex") || h.Match == "" {
			return "header match needs a name, and a type that is one of exact, prefix, suffix, present, or regex"
		}
	}
	for _, q := range m.Query {
		if q.Name == "" || !oneOf(q.Match, "exact", "present", "regex") || q.Match == "" {
			return "query match needs a name, and a type that is one of exact, present, or regex"
		}
	}
	return ""
}
