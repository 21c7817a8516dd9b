package httpapi

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/acl"
	"praetor/internal/leaf"
	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/internal/userevent"
	"praetor/internal/view"
)

// UI is the web interface.
type UI struct {
	Pages http.Handler // nil turns it off
	Path  string       // what it serves is below; starts and ends with a slash
}

// Options say how to build an API. Caller, Agent, Local, Datacenter and
// NodeName are required.
type Options struct {
	Caller rpc.Caller   // carries operations to servers
	Agent  Agent        // the running node
	Local  Local        // what is registered with it
	Events Events       // user events; nil means there are none
	ACL    acl.Resolver // of the agent's own endpoints; nil allows everything
	ACLs   ACLs
	// Transfers carries snapshots; needed where those are asked for.
	Transfers rpc.Carrier
	// Views follow the reads that many wait for; nil means that each is sent to
	// the servers by itself, ?cached too.
	Views  *view.Views
	Tokens Tokens // the agent's own; nil where ACLs are off
	// Leaves keeps the certificates of services; nil where the mesh is off.
	Leaves *leaf.Leaves

	// Metrics takes how long requests take; nil means figures of the API's own.
	Metrics *telemetry.Metrics

	Datacenter string
	NodeName   string
	Server     bool // the agent is a server

	// DefaultPolicy is what X-Consul-Default-ACL-Policy says; "" means allow.
	DefaultPolicy string
	// DefaultToken is used for requests without a token; nil means none. It is
	// asked each time.
	DefaultToken func() string

	// DisableCoordinates refuses what asks about coordinates with a 401
	// (reference/http-catalog-health.md §5).
	DisableCoordinates bool

	// Dev indents every JSON body, as a development agent does.
	Dev bool
	// UI is the web interface as last configured; nil means that there is none.
	UI func() UI

	// NoStreaming makes answers of views say that they are a server's.
	NoStreaming bool
	// NoCache makes ?cached mean nothing.
	NoCache bool

	// Debug reports whether /debug/pprof/ is served; it is asked each time, nil
	// means no.
	Debug func() bool
	// MetricsProxy is asked each time; nil means none.
	MetricsProxy func() MetricsProxy

	// ResponseHeaders are added to every response.
	ResponseHeaders map[string]string
	// TranslateWAN announces that addresses of other datacenters are their WAN
	// ones, and makes them so.
	TranslateWAN bool
	// BlockEndpoints are path prefixes that are refused.
	BlockEndpoints []string
	// AllowWriteFrom are the networks that may use methods other than GET, HEAD
	// and OPTIONS; empty means all. Unix sockets may always.
	AllowWriteFrom []netip.Prefix
	// AllowUnprintable lets paths hold characters that cannot be printed.
	AllowUnprintable bool
	// AllowOddKeys lets writes have keys that oddKey is against.
	AllowOddKeys bool

	MaxBodyBytes      uint64        // of requests other than for keys, transactions and snapshots; 0 means 512 KiB
	KVMaxValueSize    uint64        // bytes; 0 means 512 KiB
	TxnMaxBytes       uint64        // of a transaction's body; if less than KVMaxValueSize that counts
	DefaultQueryTime  time.Duration // of a blocking query that does not say; 0 leaves it to the server
	MaxQueryTime      time.Duration // longer waits are cut to it; 0 leaves it to the server
	DiscoveryMaxStale time.Duration // > 0: catalog and health reads without a mode are stale up to it

	// SidecarMin and SidecarMax bound the ports given to sidecar proxies; both 0
	// for none.
	SidecarMin, SidecarMax int

	Logger hclog.Logger // nil means none
}

const (
	defaultMaxBody    = 512 << 10 // reference/security.md §13
	defaultKVMaxValue = 512 << 10 // reference/http-api.md §4
)

func (o *Options) fill() error {
	var faults []error
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Caller", o.Caller == nil},
		{"Agent", o.Agent == nil},
		{"Local", o.Local == nil},
		{"Datacenter", o.Datacenter == ""},
		{"NodeName", o.NodeName == ""},
	} {
		if field.missing {
			faults = append(faults, errors.New(field.name+" is missing"))
		}
	}
	if o.Events == nil {
		o.Events = userevent.NewRing()
	}
	if o.ACL == nil {
		o.ACL = acl.AllowAll{}
	}
	if o.DefaultPolicy == "" {
		o.DefaultPolicy = "allow"
	}
	if o.DefaultToken == nil {
		o.DefaultToken = func() string { return "" }
	}
	if o.Debug == nil {
		o.Debug = func() bool { return false }
	}
	if o.MetricsProxy == nil {
		o.MetricsProxy = func() MetricsProxy { return MetricsProxy{} }
	}
	if o.UI == nil {
		o.UI = func() UI { return UI{} }
	}
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = defaultMaxBody
	}
	if o.KVMaxValueSize == 0 {
		o.KVMaxValueSize = defaultKVMaxValue
	}
	if o.Metrics == nil {
		var err error
		if o.Metrics, err = telemetry.New(telemetry.Options{}); err != nil {
			faults = append(faults, err)
		}
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return errors.Join(faults...)
}

// ACLs say how access rules stand.
type ACLs struct {
	Enabled    bool
	DownPolicy string // shown with expanded tokens
}
