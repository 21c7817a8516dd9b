package configentry

import (
	"maps"
	"slices"
	"time"
)

// ServiceResolver says which instances answer for a service.
type ServiceResolver struct {
	Header
	DefaultSubset        string                `json:",omitempty"`
	Subsets              map[string]Subset     `json:",omitempty"`
	Redirect             *Redirect             `json:",omitempty"`
	Failover             map[string]Failover   `json:",omitempty"`
	PrioritizeByLocality *PrioritizeByLocality `json:",omitempty"`
	ConnectTimeout       Span                  `json:",omitempty"`
	RequestTimeout       Span                  `json:",omitempty"`
	LoadBalancer         *LoadBalancer         `json:",omitempty"`
}

// Subset is the part of the instances that an expression matches.
type Subset struct {
	Filter      string `json:",omitempty"`
	OnlyPassing bool   `json:",omitempty"`
}

// Redirect names another service that answers instead.
type Redirect struct {
	Service       string `json:",omitempty"`
	ServiceSubset string `json:",omitempty"`
	Datacenter    string `json:",omitempty"`
	Peer          string `json:",omitempty"`
	SamenessGroup string `json:",omitempty"`
}

// Failover is who answers for a subset, or "*" for any, that has no healthy instance.
type Failover struct {
	Service       string           `json:",omitempty"`
	ServiceSubset string           `json:",omitempty"`
	Datacenters   []string         `json:",omitempty"`
	Targets       []FailoverTarget `json:",omitempty"`
	Policy        *FailoverPolicy  `json:",omitempty"`
	SamenessGroup string           `json:",omitempty"`
}

// FailoverTarget is one of those who answer, in their order.
type FailoverTarget struct {
	Service       string `json:",omitempty"`
	ServiceSubset string `json:",omitempty"`
	Datacenter    string `json:",omitempty"`
	Peer          string `json:",omitempty"`
}

// FailoverPolicy orders targets by where they are.
type FailoverPolicy struct {
	Mode    string   `json:",omitempty"`
	Regions []string `json:",omitempty"`
}

// PrioritizeByLocality prefers instances that are near.
type PrioritizeByLocality struct {
	Mode string `json:",omitempty"`
}

// LoadBalancer is how a proxy chooses among instances.
type LoadBalancer struct {
	Policy             string              `json:",omitempty"`
	RingHashConfig     *RingHashConfig     `json:",omitempty"`
	LeastRequestConfig *LeastRequestConfig `json:",omitempty"`
	HashPolicies       []HashPolicy        `json:",omitempty"`
}

// RingHashConfig is for policy ring_hash.
type RingHashConfig struct {
	MinimumRingSize uint64 `json:",omitempty"`
	MaximumRingSize uint64 `json:",omitempty"`
}

// LeastRequestConfig is for policy least_request.
type LeastRequestConfig struct {
	ChoiceCount uint32 `json:",omitempty"`
}

// HashPolicy says what of a request is hashed.
type HashPolicy struct {
	Field        string        `json:",omitempty"`
	FieldValue   string        `json:",omitempty"`
	CookieConfig *CookieConfig `json:",omitempty"`
	SourceIP     bool          `json:",omitempty"`
	Terminal     bool          `json:",omitempty"`
}

// CookieConfig makes a cookie to hash.
type CookieConfig struct {
	Session bool          `json:",omitempty"`
	TTL     time.Duration `json:",omitempty"`
	Path    string        `json:",omitempty"`
}

// The policies of load balancers and the fields that they hash.
var (
	balancers  = []string{"random", "round_robin", "least_request", "ring_hash", "maglev"}
	hashFields = []string{"header", "cookie", "query_parameter"}
)

func (r *ServiceResolver) prepare() error {
	switch {
	case r.DefaultSubset != "" && !r.HasSubset(r.DefaultSubset):
		return rejected("DefaultSubset %q is not a valid subset", r.DefaultSubset)
	case r.ConnectTimeout < 0:
		return rejected("Bad ConnectTimeout '%s', must be >= 0", r.ConnectTimeout)
	case r.RequestTimeout < 0:
		return rejected("Bad RequestTimeout '%s', must be >= 0", r.RequestTimeout)
	}
	for name := range r.Subsets {
		if name == "" {
			return rejected("Subset defined with empty name")
		}
	}
	if err := r.checkRedirect(); err != nil {
		return err
	}
	for _, subset := range slices.Sorted(maps.Keys(r.Failover)) {
		if err := r.checkFailover(subset); err != nil {
			return err
		}
	}
	if err := r.PrioritizeByLocality.check(); err != nil {
		return err
	}
	return r.LoadBalancer.check()
}

// HasSubset reports whether a subset is defined; "" is all instances.
func (r *ServiceResolver) HasSubset(name string) bool {
	_, ok := r.Subsets[name]
	return ok || name == ""
}

func (r *ServiceResolver) checkRedirect() error {
	d := r.Redirect
	switch {
	case d == nil:
		return nil
	case *d == Redirect{}:
		return rejected("Redirect is empty")
	case d.SamenessGroup != "":
		return rejected("Redirect.SamenessGroup is an enterprise-only feature")
	case d.Peer != "" && (d.ServiceSubset != "" || d.Datacenter != ""):
		return rejected("Redirect.Peer cannot be set with Redirect.ServiceSubset or Redirect.Datacenter")
	case d.Service == "" && d.ServiceSubset != "":
		return rejected("Redirect.ServiceSubset defined without Redirect.Service")
	case len(r.Failover) > 0:
		return rejected("a resolver with a Redirect cannot have a Failover")
	}
	return nil
}

func (r *ServiceResolver) checkFailover(subset string) error {
	f := r.Failover[subset]
	bad := func(text string) error { return rejected("Bad Failover[%q]: %s", subset, text) }
	switch {
	case subset != "*" && !r.HasSubset(subset):
		return bad("not a valid subset")
	case f.SamenessGroup != "":
		return bad("SamenessGroup is an enterprise-only feature")
	case f.Service == "" && f.ServiceSubset == "" && len(f.Targets) == 0 && len(f.Datacenters) == 0:
		return bad("one of Service, ServiceSubset, Namespace, Targets, SamenessGroup, or Datacenters is required")
	case len(f.Targets) > 0 && (f.Service != "" || f.ServiceSubset != "" || len(f.Datacenters) > 0):
		return bad("Targets cannot be set with Service, ServiceSubset or Datacenters")
	case f.ServiceSubset != "" && (f.Service == "" || f.Service == r.Name) && !r.HasSubset(f.ServiceSubset):
		return bad("ServiceSubset \"" + f.ServiceSubset + "\" is not a valid subset of \"" + r.Name + "\"")
	case slices.Contains(f.Datacenters, ""):
		return bad("found empty datacenter")
	}
	for _, t := range f.Targets {
		if t == (FailoverTarget{}) {
			return bad("a target is empty")
		}
		if t.Peer != "" && (t.ServiceSubset != "" || t.Datacenter != "") {
			return bad("Peer cannot be set with ServiceSubset or Datacenter")
		}
	}
	return f.Policy.check()
}

func (p *FailoverPolicy) check() error {
	if p != nil && !oneOf(p.Mode, "sequential", "order-by-locality") {
		return rejected("Failover policy must be one of '', 'sequential', or 'order-by-locality'")
	}
	return nil
}

func (p *PrioritizeByLocality) check() error {
	if p != nil && !oneOf(p.Mode, "none", "failover") {
		return rejected("prioritize by locality mode must be one of '', 'none', or 'failover'")
	}
	return nil
}

func (lb *LoadBalancer) check() error {
	switch {
	case lb == nil:
		return nil
	case !oneOf(lb.Policy, balancers...):
		return rejected("Bad LoadBalancer policy: %q is not supported", lb.Policy)
	case lb.RingHashConfig != nil && lb.Policy != "ring_hash":
		return rejected("Bad LoadBalancer configuration. RingHashConfig specified for incompatible load balancing policy %q", lb.Policy)
	case lb.LeastRequestConfig != nil && lb.Policy != "least_request":
		return rejected("Bad LoadBalancer configuration. LeastRequestConfig specified for incompatible load balancing policy %q", lb.Policy)
	case len(lb.HashPolicies) > 0 && lb.Policy != "ring_hash" && lb.Policy != "maglev":
		return rejected("Bad LoadBalancer configuration: HashPolicies specified for non-hash-based Policy: %q", lb.Policy)
	}
	for i, p := range lb.HashPolicies {
		if text := p.fault(); text != "" {
			return rejected("Bad LoadBalancer HashPolicy[%d]: %s", i, text)
		}
	}
	return nil
}

func (p *HashPolicy) fault() string {
	switch {
	case !oneOf(p.Field, hashFields...):
		return "\"" + p.Field + "\" is not a supported field"
	case p.SourceIP && (p.Field != "" || p.FieldValue != ""):
		return "a single hash policy cannot hash both a source address and a field"
	case p.Field != "" && p.FieldValue == "":
		return "Field \"" + p.Field + "\" was specified without a FieldValue"
	case p.FieldValue != "" && p.Field == "":
		return "requires a Field to apply to a FieldValue"
	case p.CookieConfig != nil && p.Field != "cookie":
		return "cookie_config provided for \"" + p.Field + "\""
	case p.CookieConfig != nil && p.CookieConfig.Session && p.CookieConfig.TTL != 0:
		return "a session cookie cannot have an associated TTL"
	}
	return ""
}
