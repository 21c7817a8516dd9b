package configentry

import (
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
	seen := map[[2]string]bool{}
	for i, src := range s.Sources {
		if src == nil {
			return rejected("Sources[%d].Name is required", i)
		}
		if text := src.prepare(s.Name); text != "" {
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
	slices.SortStableFunc(s.Sources, func(a, b *SourceIntention) int { return b.Precedence - a.Precedence })
	return nil
}

// prepare returns what is wrong, to follow the name of the source.
func (s *SourceIntention) prepare(destination string) string {
	if s.Type == "" {
		s.Type = "consul"
	}
	s.Precedence = Precedence(s.Name, destination)
	switch {
	case s.Name == "":
		return ".Name is required"
	case strings.Contains(s.Name, Wildcard) && s.Name != Wildcard:
		return ".Name: wildcard character '*' cannot be used with partial values"
	case s.SamenessGroup != "":
		return ".SamenessGroup is an enterprise-only feature"
	case s.Type != "consul":
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
	case len(s.Permissions) == 0 && s.Action != ActionAllow && s.Action != ActionDeny:
		return ".Action must be set to 'allow' or 'deny'"
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
	case p == nil || p.Action != ActionAllow && p.Action != ActionDeny:
		return ".Action must be set to 'allow' or 'deny'"
	case p.HTTP == nil:
		return ".HTTP is required"
	}
	h := p.HTTP
	if h.PathExact == "" && h.PathPrefix == "" && h.PathRegex == "" && len(h.Header) == 0 && len(h.Methods) == 0 && p.JWT == nil {
		return " should not be empty"
	}
	if err := checkPath(h.PathExact, h.PathPrefix, h.PathRegex); err != nil {
		return ".HTTP " + err.Error()
	}
	for i, header := range h.Header {
		if header.Name == "" {
			return ".HTTP.Header[" + quoteInt(i) + "] missing required Name field"
		}
		if present(header.Present)+countSet(header.Exact, header.Prefix, header.Suffix, header.Contains, header.Regex) != 1 {
			return ".HTTP.Header[" + quoteInt(i) + "] should only contain one of Present, Exact, Prefix, Suffix, Contains, or Regex"
		}
	}
	if err := prepareMethods(h.Methods, ".HTTP.Methods"); err != nil {
		return err.Error()
	}
	return ""
}

// HasPermissions reports whether any source is judged by its requests.
func (s *ServiceIntentions) HasPermissions() bool {
	return slices.ContainsFunc(s.Sources, func(src *SourceIntention) bool { return len(src.Permissions) > 0 })
}
