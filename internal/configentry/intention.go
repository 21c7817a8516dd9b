package configentry

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Wildcard is the name that stands for every service.
const Wildcard = "*"

// The actions of intentions.
const (
	ActionAllow = "allow"
	ActionDeny  = "deny"
)

// ServiceIntentions says who may call a service; Name "*" is every service.
type ServiceIntentions struct {
	Header
	Sources []*SourceIntention
	JWT     *JWTRequirement `json:",omitempty"`
}

// SourceIntention says whether one source may call. The one with the greatest
// Precedence that fits counts.
type SourceIntention struct {
	Name             string
	Action           string        `json:",omitempty"`
	Permissions      []*Permission `json:",omitempty"`
	Precedence       int
	LegacyID         string `json:",omitempty"`
	Type             string
	Description      string            `json:",omitempty"`
	LegacyMeta       map[string]string `json:",omitempty"`
	LegacyCreateTime *time.Time        `json:",omitempty"`
	LegacyUpdateTime *time.Time        `json:",omitempty"`
	Peer             string            `json:",omitempty"`
	SamenessGroup    string            `json:",omitempty"`
}

// Permission says whether requests that match may pass; the first that fits counts.
type Permission struct {
	Action string
	HTTP   *PermissionHTTP `json:",omitempty"`
	JWT    *JWTRequirement `json:",omitempty"`
}

// PermissionHTTP matches HTTP requests; all that is set must fit.
type PermissionHTTP struct {
	PathExact  string             `json:",omitempty"`
	PathPrefix string             `json:",omitempty"`
	PathRegex  string             `json:",omitempty"`
	Header     []PermissionHeader `json:",omitempty"`
	Methods    []string           `json:",omitempty"`
}

// PermissionHeader matches a header.
type PermissionHeader struct {
	Name       string
	Present    bool   `json:",omitempty"`
	Exact      string `json:",omitempty"`
	Prefix     string `json:",omitempty"`
	Suffix     string `json:",omitempty"`
	Contains   string `json:",omitempty"`
	Regex      string `json:",omitempty"`
	Invert     bool   `json:",omitempty"`
	IgnoreCase bool   `json:",omitempty"`
}

// JWTRequirement names the providers of which one must have issued a token.
type JWTRequirement struct {
	Providers []*JWTRequired `json:",omitempty"`
}

// JWTRequired is a provider and the claims that its tokens must make.
type JWTRequired struct {
	Name         string     `json:",omitempty"`
	VerifyClaims []JWTClaim `json:",omitempty"`
}

// JWTClaim is a claim by its path, and the value it must have.
type JWTClaim struct {
	Path  []string `json:",omitempty"`
	Value string   `json:",omitempty"`
}

// Precedence is 9 for a source and a destination by name, down to 5 for any source
// and any destination (reference/http-mesh-ui.md §4).
func Precedence(source, destination string) int {
	p := 9
	if source == Wildcard {
		p--
	}
	if destination == Wildcard {
		p -= 3
	}
	return p
}

func (s *ServiceIntentions) prepare() error {
	if strings.Contains(s.Name, Wildcard) && s.Name != Wildcard {
		return rejected("Name: wildcard character '*' cannot be used with partial values")
	}
	if len(s.Sources) == 0 {
		return rejected("At least one source is required")
	}
	for _, provider := range s.providers() {
		if provider == "" {
			return rejected("%s", Several("JWT provider name is required"))
		}
	}
	for i, src := range s.Sources {
		if src == nil {
			src = &SourceIntention{}
			s.Sources[i] = src
		}
		src.Type = cmp.Or(src.Type, sourceConsul)
		src.Precedence = Precedence(src.Name, s.Name)
	}
	// Before they are looked at: faults name the places that clients will see.
	slices.SortStableFunc(s.Sources, func(a, b *SourceIntention) int { return b.Precedence - a.Precedence })
	seen := map[[2]string]bool{}
	for i, src := range s.Sources {
		if text := src.fault(s.Name); text != "" {
			return rejected("Sources[%d]%s", i, text)
		}
		who := [2]string{src.Peer, src.Name}
		if seen[who] {
			if src.Peer != "" {
				return rejected("Sources[%d] defines peer(%q) %q more than once", i, src.Peer, src.Name)
			}
			return rejected("Sources[%d] defines %q more than once", i, src.Name)
		}
		seen[who] = true
	}
	return nil
}

// sourceConsul is the type of sources: services of this cluster.
const sourceConsul = "consul"

// fault returns what is wrong, to follow the name of the source.
func (s *SourceIntention) fault(destination string) string {
	switch {
	case s.Name == "":
		return ".Name is required"
	case strings.Contains(s.Name, Wildcard) && s.Name != Wildcard:
		return ".Name: wildcard character '*' cannot be used with partial values"
	case s.Peer == Wildcard:
		return ".Peer: cannot use wildcard '*' in peer"
	case s.SamenessGroup != "":
		return ".SamenessGroup: Sameness groups are a Consul Enterprise feature. "
	case s.Type != sourceConsul:
		return ".Type must be set to 'consul'"
	case len(s.Description) > maxMetaValue:
		return ".Description exceeds maximum length 512"
	case s.LegacyID == "" && len(s.LegacyMeta) > 0:
		return ".LegacyMeta must be omitted"
	case s.LegacyID == "" && s.LegacyCreateTime != nil:
		return ".LegacyCreateTime must be omitted"
	case s.LegacyID == "" && s.LegacyUpdateTime != nil:
		return ".LegacyUpdateTime must be omitted"
	case len(s.Permissions) > 0 && s.Action != "":
		return ".Action must be omitted if Permissions are specified"
	case len(s.Permissions) == 0 && !isAction(s.Action):
		return ".Action must be set to 'allow' or 'deny'"
	case len(s.Permissions) > 0 && destination == Wildcard:
		return ".Permissions cannot be specified on intentions with wildcarded destinations"
	}
	for i, p := range s.Permissions {
		if text := p.fault(); text != "" {
			return ".Permissions[" + quoteInt(i) + "]" + text
		}
	}
	return ""
}

func (p *Permission) fault() string {
	switch {
	case p == nil || !isAction(p.Action):
		return ".Action must be set to 'allow' or 'deny'"
	case p.HTTP == nil:
		return ".HTTP is required"
	}
	h := p.HTTP
	if h.PathExact == "" && h.PathPrefix == "" && h.PathRegex == "" && len(h.Header) == 0 && len(h.Methods) == 0 && p.JWT == nil {
		return ".HTTP should not be empty"
	}
	switch err := checkPath(h.PathExact, h.PathPrefix, h.PathRegex); {
	case err != nil && strings.HasPrefix(err.Error(), "Path"): // it names the member
		return ".HTTP." + err.Error()
	case err != nil:
		return ".HTTP " + err.Error()
	}
	for i, header := range h.Header {
		if header.Name == "" {
			return ".HTTP.Header[" + quoteInt(i) + "] missing required Name field"
		}
		if present(header.Present)+countSet(header.Exact, header.Prefix, header.Suffix, header.Contains, header.Regex) != 1 {
			return ".HTTP.Header[" + quoteInt(i) + "] should only contain one of Present, Exact, Prefix, Suffix, Contains, or Regex"
		}
		if header.IgnoreCase && (header.Present || header.Regex != "") {
			return ".HTTP.Header[" + quoteInt(i) + "] should set one of Exact, Prefix, Suffix, or Contains when using IgnoreCase"
		}
	}
	if err := prepareMethods(h.Methods, ".HTTP.Methods"); err != nil {
		return err.Error()
	}
	return ""
}

func isAction(action string) bool { return action == ActionAllow || action == ActionDeny }

// CheckLegacy says what the endpoints that name intentions by an ID refuse in one,
// all at once; Prepare says the rest.
func (s *SourceIntention) CheckLegacy() error {
	var faults []string
	if s.Name == "" {
		faults = append(faults, "SourceName must be set")
	}
	if err := checkMeta(s.LegacyMeta); err != nil {
		faults = append(faults, err.Error())
	}
	if !isAction(s.Action) {
		faults = append(faults, "Action must be set to 'allow' or 'deny'")
	}
	if len(s.Permissions) > 0 {
		faults = append(faults, "Permissions must not be set when using the legacy APIs")
	}
	if len(faults) == 0 {
		return nil
	}
	return rejected("%s", Several(faults...))
}

// IsLegacy reports whether every source was made, and last changed, by the
// endpoints that name intentions by an ID.
func (s *ServiceIntentions) IsLegacy() bool {
	return !slices.ContainsFunc(s.Sources, func(src *SourceIntention) bool { return src.LegacyID == "" })
}

// DropLegacy makes the sources such as entries have: without ID and times. What
// they keep as metadata has no place in an entry, which Prepare says.
func (s *ServiceIntentions) DropLegacy() {
	for _, src := range s.Sources {
		src.LegacyID, src.LegacyCreateTime, src.LegacyUpdateTime = "", nil, nil
	}
}

// Providers lists the names of the JWT providers that the entry needs, each once.
func (s *ServiceIntentions) Providers() []string {
	names := s.providers()
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *ServiceIntentions) providers() []string {
	names := s.JWT.names()
	for _, src := range s.Sources {
		if src != nil {
			for _, p := range src.Permissions {
				if p != nil {
					names = append(names, p.JWT.names()...)
				}
			}
		}
	}
	return names
}

func (r *JWTRequirement) names() []string {
	if r == nil {
		return nil
	}
	var names []string
	for _, p := range r.Providers {
		if p != nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// HasPermissions reports whether any source is judged by its requests.
func (s *ServiceIntentions) HasPermissions() bool {
	return slices.ContainsFunc(s.Sources, func(src *SourceIntention) bool { return len(src.Permissions) > 0 })
}
