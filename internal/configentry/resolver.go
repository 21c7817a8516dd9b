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
	Namespace     string `json:",omitempty"` // refused, as Partition and SamenessGroup
	Partition     string `json:",omitempty"`
	Datacenter    string `json:",omitempty"`
	Peer          string `json:",omitempty"`
	SamenessGroup string `json:",omitempty"`
}

// Failover is who answers for a subset, or "*" for any, that has no healthy instance.
type Failover struct {
	Service       string           `json:",omitempty"`
	ServiceSubset string           `json:",omitempty"`
	Namespace     string           `json:",omitempty"` // refused, as SamenessGroup
	Datacenters   []string         `json:",omitempty"`
	Targets       []FailoverTarget `json:",omitempty"`
	Policy        *FailoverPolicy  `json:",omitempty"`
	SamenessGroup string           `json:",omitempty"`
}

// FailoverTarget is one of those who answer, in their order.
type FailoverTarget struct {
	Service       string `json:",omitempty"`
	ServiceSubset string `json:",omitempty"`
	Namespace     string `json:",omitempty"` // refused, as Partition
	Partition     string `json:",omitempty"`
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
	if err := r.PrioritizeByLocality.check(); err != nil {
		return err
	}
	if err := r.checkRedirect(); err != nil {
		return err
	}
	for _, subset := range slices.Sorted(maps.Keys(r.Failover)) {
		if err := r.checkFailover(subset); err != nil {
			return err
		}
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
	enterprise := func(member string) error { return rejected("Redirect: Setting %s requires Consul Enterprise", member) }
	switch {
	case d == nil:
		return nil
	case len(r.Failover) > 0:
		return rejected("Redirect and Failover cannot both be set")
	case *d == Redirect{}:
		return rejected("Redirect is empty")
	case d.Namespace != "":
		return enterprise("Namespace")
	case d.Partition != "":
		return enterprise("Partition")
	case d.SamenessGroup != "":
		return enterprise("SamenessGroup")
	case d.Service == "" && d.ServiceSubset != "":
		return rejected("Redirect.ServiceSubset defined without Redirect.Service")
	case d.Service == "" && d.Peer != "":
		return rejected("Redirect.Peer defined without Redirect.Service")
	case d.Peer != "" && d.ServiceSubset != "":
		return rejected("Redirect.Peer cannot be set with Redirect.ServiceSubset")
	case d.Peer != "" && d.Datacenter != "":
		return rejected("Redirect.Peer cannot be set with Redirect.Datacenter")
	}
	return nil
}

func (r *ServiceResolver) checkFailover(subset string) error {
	f := r.Failover[subset]
	bad := func(format string, args ...any) error {
		return rejected("Bad Failover[%q]"+format, append([]any{subset}, args...)...)
	}
	switch {
	case subset != Wildcard && !r.HasSubset(subset):
		return bad(": not a valid subset subset")
	case f.Service == "" && f.ServiceSubset == "" && f.Namespace == "" && len(f.Targets) == 0 && len(f.Datacenters) == 0 && f.SamenessGroup == "":
		return bad(": one of Service, ServiceSubset, Namespace, Targets, SamenessGroup, or Datacenters is required")
	case f.Namespace != "":
		return bad(": Setting Namespace requires Consul Enterprise")
	case f.SamenessGroup != "":
		return bad(": Setting SamenessGroup requires Consul Enterprise")
	case f.Policy != nil && (f.Policy.Mode != "" || len(f.Policy.Regions) > 0):
		return bad(": Setting failover policies requires Consul Enterprise")
	case len(f.Targets) > 0 && f.Service != "":
		return bad(": Targets cannot be set with Service")
	case len(f.Targets) > 0 && f.ServiceSubset != "":
		return bad(": Targets cannot be set with ServiceSubset")
	case len(f.Targets) > 0 && len(f.Datacenters) > 0:
		return bad(": Targets cannot be set with Datacenters")
	case f.ServiceSubset != "" && (f.Service == "" || f.Service == r.Name) && !r.HasSubset(f.ServiceSubset):
		return bad(": ServiceSubset %q is not a valid subset of %q", f.ServiceSubset, f.Service)
	case slices.Contains(f.Datacenters, ""):
		return bad(".Datacenters: found empty datacenter")
	}
	for i, t := range f.Targets {
		switch {
		case t.Namespace != "":
			return bad(".Targets[%d]: Setting Namespace requires Consul Enterprise", i)
		case t.Partition != "":
			return bad(".Targets[%d]: Setting Partition requires Consul Enterprise", i)
		case t.Peer != "" && t.ServiceSubset != "":
			return bad(".Targets[%d]: Peer cannot be set with ServiceSubset", i)
		case t.Peer != "" && t.Datacenter != "":
			return bad(".Targets[%d]: Peer cannot be set with Datacenter", i)
		}
	}
	return nil
}

func (p *FailoverPolicy) check() error {
	if p != nil && !oneOf(p.Mode, "sequential", "order-by-locality") {
		return rejected("Failover policy must be one of '', 'sequential', or 'order-by-locality'")
	}
	return nil
}

func (p *PrioritizeByLocality) check() error {
	if p != nil && p.Mode != "" {
		return rejected("Prioritize-by-locality requires Consul Enterprise ")
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
