package local

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/checks"
	"praetor/catalog"
	"praetor/internal/rpc"
	"praetor/internal/version"
)

// Options are what a State needs. NodeName, Address and Caller are required.
type Options struct {
	Dir string // where the journal lives; "" means nothing is kept

	// Boot names this run of the machine. What checks had found is good for a new
	// agent only in the run in which they found it: a machine that just started
	// has not started everything yet.
	Boot string

	NodeID          string
	NodeName        string
	Address         string
	TaggedAddresses map[string]string
	NodeMeta        map[string]string // as configured; what every node has is added
	Locality        *catalog.Locality
	Datacenter      string

	Caller rpc.Caller
	// Tokens gives the agent's own tokens, read again each time; nil means none.
	Tokens func() Tokens
	// Accessor names a token in log lines; nil names none.
	Accessor func(ctx context.Context, token string) string
	// ClusterSize is the number of LAN members, which stretches the pauses
	// between full syncs; nil means a small cluster.
	ClusterSize func() int

	// Joined reports whether this agent has tried to join others: before that it is no
	// fault that it knows no server. nil: it has.
	Joined func() bool
	// CheckUpdateInterval delays changes of nothing but a check's output on
	// their way to the catalog by half of it to one and a half; 0 means at once.
	CheckUpdateInterval time.Duration
	DiscardCheckOutput  bool
	OutputMaxSize       int  // bytes per output; 0 means checks.DefaultOutputMax
	EnableScripts       bool // for checks from the HTTP API
	EnableLocalScripts  bool // for checks from files; EnableScripts implies it
	// Checks is what runners need beyond that: Dial, TLS, Proxy. Other fields
	// are filled in.
	Checks checks.Options

	// CompactAt is the size in bytes under which the journal is left alone; 0
	// means 1 MiB.
	CompactAt int64
	// BeforeFileOp, when set, runs before each file operation, with its label,
	// and its error stands in for the operation's. For tests.
	BeforeFileOp func(label string) error

	Logger hclog.Logger // nil means none
}

// Tokens are the agent's own secrets. Never log them.
type Tokens struct {
	Agent      string // for node information and removals; "" means Default
	Default    string // where nothing else is given
	ConfigFile string // for definitions from files; "" means Default
}

const defaultCompactAt = 1 << 20

func (o *Options) fill() error {
	var faults []error
	if o.NodeName == "" {
		faults = append(faults, errors.New("no node name"))
	}
	if o.Address == "" {
		faults = append(faults, errors.New("no address"))
	}
	if o.Caller == nil {
		faults = append(faults, errors.New("no caller"))
	}
	if o.Tokens == nil {
		o.Tokens = func() Tokens { return Tokens{} }
	}
	if o.Accessor == nil {
		o.Accessor = func(context.Context, string) string { return "" }
	}
	if o.ClusterSize == nil {
		o.ClusterSize = func() int { return 1 }
	}
	if o.CompactAt == 0 {
		o.CompactAt = defaultCompactAt
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	o.NodeMeta = fullMeta(o.NodeMeta)
	return errors.Join(faults...)
}

// fullMeta adds what every agent says about its node (reference/internals.md §4).
func fullMeta(configured map[string]string) map[string]string {
	meta := maps.Clone(configured)
	if meta == nil {
		meta = map[string]string{}
	}
	meta["consul-network-segment"] = ""
	meta["consul-version"] = version.Compatible
	return meta
}

// agentToken is the token for the node's own information and for removals.
func (t Tokens) agentToken() string {
	if t.Agent != "" {
		return t.Agent
	}
	return t.Default
}

// registrationToken is the token to register something with that came with
// its own, perhaps empty, token.
func (t Tokens) registrationToken(own string, file bool) string {
	switch {
	case own != "":
		return own
	case file && t.ConfigFile != "":
		return t.ConfigFile
	}
	return t.Default
}
