package acls

import (
	"sync"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/kernel"
	"praetor/internal/acl"
	"praetor/internal/acl/rules"
	"praetor/internal/telemetry"
)

// Options says how a server decides.
type Options struct {
	Enabled   bool         // else every operation is refused
	Elsewhere acl.Resolver // of tokens that are not kept in this datacenter; nil in the primary

	TokenReplication bool // in a secondary datacenter: copy tokens, and allow local ones

	AllowByDefault bool // what no rule is about
	DataDir        string
	Initial        string // the secret of a management token that the leader makes, "" for none
	Logger         hclog.Logger
}

// Service is a server's access rules.
type Service struct {
	*kernel.Kernel
	opts Options
	took *telemetry.Timer

	sets   rules.Cache
	copied copied // in a secondary datacenter

	mu     sync.Mutex
	tokens map[string]*known // by secret; of the generation alone
	gen    generation
}

// New returns a Service.
func New(k *kernel.Kernel, opts Options) *Service {
	s := &Service{Kernel: k, opts: opts, took: k.Metrics.Timer("acl.ResolveToken"), tokens: map[string]*known{}}
	if opts.Enabled && s.Secondary() {
		s.copied.rep = s.idle()
	}
	return s
}
