package configentry

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxPort = 65535

func quoteInt(n int) string { return strconv.Itoa(n) }

// countSet counts the texts that are not empty.
func countSet(texts ...string) int {
	n := 0
	for _, t := range texts {
		if t != "" {
			n++
		}
	}
	return n
}

// ServiceRouter sends requests for a service on by what they say.
type ServiceRouter struct {
	Header
	Routes []Route
}

// Route is a rule of a router; the first that matches counts.
type Route struct {
	Match       *RouteMatch       `json:",omitempty"`
	Destination *RouteDestination `json:",omitempty"`
}

// RouteMatch is what a request must be like; nil HTTP is anything.
type RouteMatch struct {
	HTTP *HTTPMatch `json:",omitempty"`
}

// HTTPMatch matches HTTP requests; all that is set must fit.
type HTTPMatch struct {
	PathExact       string       `json:",omitempty"`
	PathPrefix      string       `json:",omitempty"`
	PathRegex       string       `json:",omitempty"`
	CaseInsensitive bool         `json:",omitempty"`
	Header          []ValueMatch `json:",omitempty"`
	QueryParam      []ParamMatch `json:",omitempty"`
	Methods         []string     `json:",omitempty"`
}

// ValueMatch matches a header.
type ValueMatch struct {
	Name    string
	Present bool   `json:",omitempty"`
	Exact   string `json:",omitempty"`
	Prefix  string `json:",omitempty"`
	Suffix  string `json:",omitempty"`
	Regex   string `json:",omitempty"`
	Invert  bool   `json:",omitempty"`
}

// ParamMatch matches a query parameter.
type ParamMatch struct {
	Name    string
	Present bool   `json:",omitempty"`
	Exact   string `json:",omitempty"`
	Regex   string `json:",omitempty"`
}

// RouteDestination is where a request goes, and how.
type RouteDestination struct {
	Service               string           `json:",omitempty"`
	ServiceSubset         string           `json:",omitempty"`
	Namespace             string           `json:",omitempty"` // kept, and not looked at, as Partition
	Partition             string           `json:",omitempty"`
	PrefixRewrite         string           `json:",omitempty"`
	RequestTimeout        Span             `json:",omitempty"`
	IdleTimeout           Span             `json:",omitempty"`
	NumRetries            uint32           `json:",omitempty"`
	RetryOnConnectFailure bool             `json:",omitempty"`
	RetryOn               []string         `json:",omitempty"`
	RetryOnStatusCodes    []uint32         `json:",omitempty"`
	RequestHeaders        *HeaderModifiers `json:",omitempty"`
	ResponseHeaders       *HeaderModifiers `json:",omitempty"`
}

// HeaderModifiers changes headers on the way.
type HeaderModifiers struct {
	Add    map[string]string `json:",omitempty"`
	Set    map[string]string `json:",omitempty"`
	Remove []string          `json:",omitempty"`
}

func (r *ServiceRouter) prepare() error {
	for i := range r.Routes {
		if err := r.Routes[i].prepare(); err != nil {
			return rejected("Route[%d] %w", i, err)
		}
	}
	return nil
}

func (r *Route) prepare() error {
	if r.Match != nil && r.Match.HTTP != nil {
		if err := r.Match.HTTP.prepare(); err != nil {
			return err
		}
	}
	d := r.Destination
	if d == nil {
		return nil
	}
	if m := r.Match; d.PrefixRewrite != "" && (m == nil || m.HTTP == nil || m.HTTP.PathPrefix == "" && m.HTTP.PathExact == "") {
		return fmt.Errorf("cannot make use of PrefixRewrite without configuring either PathExact or PathPrefix")
	}
	for _, condition := range d.RetryOn {
		if !slices.Contains(retryConditions, condition) {
			return fmt.Errorf("contains an invalid retry condition: %q", condition)
		}
	}
	return nil
}

// retryConditions are those that Envoy knows.
var retryConditions = []string{
	"5xx", "gateway-error", "reset", "connect-failure", "envoy-ratelimited", "retriable-4xx", "refused-stream",
	"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
}

func (m *HTTPMatch) prepare() error {
	if err := checkPath(m.PathExact, m.PathPrefix, m.PathRegex); err != nil {
		return err
	}
	for i, h := range m.Header {
		if h.Name == "" {
			return fmt.Errorf("Header[%d] missing required Name field", i)
		}
		if present(h.Present)+countSet(h.Exact, h.Prefix, h.Suffix, h.Regex) != 1 {
			return fmt.Errorf("Header[%d] should only contain one of Present, Exact, Prefix, Suffix, or Regex", i)
		}
	}
	for i, q := range m.QueryParam {
		if q.Name == "" {
			return fmt.Errorf("QueryParam[%d] missing required Name field", i)
		}
		if present(q.Present)+countSet(q.Exact, q.Regex) != 1 {
			return fmt.Errorf("QueryParam[%d] should only contain one of Present, Exact, or Regex", i)
		}
	}
	return prepareMethods(m.Methods, "Methods")
}

func present(set bool) int {
	if set {
		return 1
	}
	return 0
}

// checkPath looks at a match of paths, of which one may be set.
func checkPath(exact, prefix, regex string) error {
	switch {
	case countSet(exact, prefix, regex) > 1:
		return fmt.Errorf("should only contain at most one of PathExact, PathPrefix, or PathRegex")
	case exact != "" && exact[0] != '/':
		return fmt.Errorf("PathExact doesn't start with '/': %q", exact)
	case prefix != "" && prefix[0] != '/':
		return fmt.Errorf("PathPrefix doesn't start with '/': %q", prefix)
	}
	return nil
}

// httpMethods are those that requests may have.
var httpMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// prepareMethods writes methods in capitals and refuses those that are none or come
// twice.
func prepareMethods(methods []string, what string) error {
	for i, m := range methods {
		methods[i] = strings.ToUpper(m)
		switch {
		case !slices.Contains(httpMethods, methods[i]):
			return fmt.Errorf("%s contains an invalid method %q", what, methods[i])
		case slices.Contains(methods[:i], methods[i]):
			return fmt.Errorf("%s contains %q more than once", what, methods[i])
		}
	}
	return nil
}

// ServiceSplitter sends shares of the requests for a service elsewhere.
type ServiceSplitter struct {
	Header
	Splits []Split
}

// Split is a share in percent, to the hundredth. Service "" is the splitter's own.
type Split struct {
	Weight          float32
	Service         string           `json:",omitempty"`
	ServiceSubset   string           `json:",omitempty"`
	Namespace       string           `json:",omitempty"` // kept, and not looked at, as Partition
	Partition       string           `json:",omitempty"`
	RequestHeaders  *HeaderModifiers `json:",omitempty"`
	ResponseHeaders *HeaderModifiers `json:",omitempty"`
}

func (s *ServiceSplitter) prepare() error {
	if len(s.Splits) == 0 {
		return rejected("no splits configured")
	}
	hundredths := 0
	seen := map[[2]string]bool{}
	for _, split := range s.Splits {
		hundredths += int(math.Round(float64(split.Weight) * 100))
		target := [2]string{split.Service, split.ServiceSubset}
		if target[0] == "" {
			target[0] = s.Name
		}
		if seen[target] {
			return rejected("split destination occurs more than once: service=%q, subset=%q, namespace=\"\", partition=\"\"", target[0], target[1])
		}
		seen[target] = true
	}
	if hundredths != 100*100 {
		return rejected("the sum of all split weights must be 100, not %f", float64(hundredths)/100)
	}
	for i, split := range s.Splits {
		if !(split.Weight >= 0 && split.Weight <= 100) {
			return rejected("Splits[%d].Weight must be from 0 to 100, not %v", i, split.Weight)
		}
	}
	return nil
}
