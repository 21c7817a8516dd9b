package checks

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/catalog"
	"praetor/internal/definition"
	"praetor/internal/fault"
)

// Runner runs one check until ctx ends.
type Runner interface {
	Run(ctx context.Context)
}

// Options are what checks need from the agent. Only Notify is required.
type Options struct {
	// Notify takes a result. It must not block for long.
	Notify func(checkID, status, output string)
	// ScriptsAllowed lets checks run programs; without it New refuses those.
	ScriptsAllowed bool
	// ScriptsRefusal is the text of that refusal; "" means RemoteScriptsDisabled.
	ScriptsRefusal string
	// OutputMax bounds a result's output, in bytes; 0 means DefaultOutputMax. A
	// check's own OutputMaxSize can only lower it.
	OutputMax int
	// Dial opens connections; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS gives what a run over TLS starts from, such as the agent's own
	// certificate, as a configuration of its own; nil means an empty one.
	TLS func() *tls.Config
	// Proxy chooses the proxy of an HTTP check; nil means the environment's.
	Proxy func(*http.Request) (*url.URL, error)
	// SameHost forbids redirects of HTTP checks to other hosts.
	SameHost bool
	// Local answers alias checks about this agent's services; nil means no
	// alias check can be built.
	Local Local
	// Remote answers alias checks about other nodes; nil likewise.
	Remote Remote
	Logger hclog.Logger // nil means none
}

// DefaultOutputMax is how much output is kept unless said otherwise.
const DefaultOutputMax = 4096

// The refusals of script checks (reference/config.md §8).
const (
	RemoteScriptsDisabled = "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true"
	LocalScriptsDisabled  = "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or 'enable_local_script_checks' to true"
)

const (
	minInterval    = time.Second // shorter intervals are raised to it
	scriptTimeout  = 30 * time.Second
	networkTimeout = 10 * time.Second
)

// builders make the runners, by type of check (definition.CheckType).
var builders = map[string]func(c *catalog.Check, o *Options) (Runner, error){
	definition.TypeTTL:       newTTL,
	definition.TypeHTTP:      newHTTP,
	definition.TypeTCP:       newTCP,
	definition.TypeUDP:       newUDP,
	definition.TypeGRPC:      newGRPC,
	definition.TypeDocker:    newDocker,
	definition.TypeOSService: newOSService,
	definition.TypeScript:    newScript,
	definition.TypeH2Ping:    newH2Ping,
	definition.TypeAlias:     newAlias,
}

// New builds the Runner of a check, nil if its definition asks for none, as
// that of a maintenance check. Errors are fit for the user: script checks while
// they are disabled, kinds this system cannot run.
func New(check *catalog.Check, opts Options) (Runner, error) {
	d := &check.Definition
	if len(d.ScriptArgs) > 0 && !opts.ScriptsAllowed {
		return nil, fault.New(fault.Rejected, "%s", orDefault(opts.ScriptsRefusal, RemoteScriptsDisabled))
	}
	if d.Timeout < 0 { // as if it were not given: some would wait for ever, some not at all
		row := *check
		row.Definition.Timeout = 0
		check, d = &row, &row.Definition
	}
	opts.fill(d)
	if build := builders[definition.CheckType(check)]; build != nil {
		return build(check, &opts)
	}
	return nil, nil
}

func (o *Options) fill(d *catalog.CheckDefinition) {
	o.OutputMax = OutputLimit(d.OutputMaxSize, o.OutputMax)
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.TLS == nil {
		o.TLS = func() *tls.Config { return &tls.Config{} }
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
}

// OutputLimit is the limit in force for a check that asks for own bytes on an
// agent that allows agent; 0 means DefaultOutputMax for either.
func OutputLimit(own, agent int) int {
	return min(orDefault(own, DefaultOutputMax), orDefault(agent, DefaultOutputMax))
}

// tlsConfig is the TLS side of one run of a check.
func (o *Options) tlsConfig(d *catalog.CheckDefinition) *tls.Config {
	c := o.TLS()
	c.InsecureSkipVerify = d.TLSSkipVerify
	if d.TLSServerName != "" {
		c.ServerName = d.TLSServerName
	}
	return c
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
