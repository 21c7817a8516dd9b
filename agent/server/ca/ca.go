package ca

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// Options say what authority there is to be.
type Options struct {
	Enabled bool // else every operation is refused

	// Provider and Config are what the first leader begins with; "" means consul.
	Provider string
	Config   map[string]any

	// AutoEncrypt gives certificates to client agents that have none.
	AutoEncrypt bool
	Domain      string // of the names that servers have in their certificates; "" means consul

	AllowByDefault bool   // what no intention is about
	Intentions     string // allow or deny for the same, stronger; "" for none

	Logger hclog.Logger
}

// Service is a server's part in the authority.
type Service struct {
	*kernel.Kernel
	opts Options

	changing sync.Mutex    // held while the authority is changed
	wanted   chan struct{} // a token: somebody asked for an authority that is not there
	limits   limits
	vaults   vaults

	inForce atomic.Pointer[inForce]
}

// inForce is a configuration with what it says.
type inForce struct {
	row *catalog.CAConfig
	set *settings
}

// New returns a Service.
func New(k *kernel.Kernel, opts Options) *Service {
	if opts.Provider == "" {
		opts.Provider = providerConsul
	}
	if opts.Domain == "" {
		opts.Domain = "consul"
	}
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	return &Service{Kernel: k, opts: opts, wanted: make(chan struct{}, 1)}
}

var (
	errDisabled = fault.New(fault.Rejected, "Connect must be enabled in order to use this endpoint")
	errNotReady = fault.New(fault.Rejected, "CA has not finished initializing")
)

// Register lists the operations on a mux.
func (s *Service) Register(m *kernel.Mux) {
	operates := kernel.NeedsAlways(acl.Operator.Write())
	handle(s, m, ops.ConnectCARoots, kernel.Open("roots are for everybody to trust"), s.roots)
	handle(s, m, ops.ConnectCAConfig, operates, s.config)
	handle(s, m, ops.ConnectCASetConfig, operates, s.setConfig)
	handle(s, m, ops.ConnectCASign, kernel.Decides("service:write, node:write or mesh:write on whom the certificate is for"), s.sign)
	handle(s, m, ops.AutoEncryptSign, kernel.Decides("node:write on whom the certificate is for"), s.autoEncrypt)
	handle(s, m, ops.ConnectCASignIntermediate, operates, s.signIntermediate)
	kernel.Handle(m, ops.ConnectAuthorize, kernel.Needs(func(r *ops.ConnectAuthorizeRequest) acl.Need { return acl.Service.Write(r.Destination) }), s.authorize)
}

// handle registers an operation that exists where the mesh is enabled.
func handle[Req, Rep any](s *Service, m *kernel.Mux, op rpc.Op[Req, Rep], r kernel.Rule, h func(context.Context, *acl.Authorizer, *Req) (*Rep, error)) {
	if !s.opts.Enabled {
		h = func(context.Context, *acl.Authorizer, *Req) (*Rep, error) { return nil, errDisabled }
	}
	kernel.Handle(m, op, r, h)
}

// authority is what signs at one moment.
type authority struct {
	config *catalog.CAConfig
	set    *settings
	state  *catalog.CAState
	roots  []*catalog.CARoot
	active *catalog.CARoot
}

// present is the authority, nil if there is none yet.
func (s *Service) present(tx *catalog.Tx) (*authority, error) {
	a := &authority{}
	_, a.config = tx.CAConfig(nil)
	_, a.roots = tx.CARoots(nil)
	a.state = tx.CAState()
	for _, r := range a.roots {
		if r.Active {
			a.active = r
		}
	}
	if a.config == nil || a.active == nil || a.state == nil {
		return nil, nil
	}
	var err error
	a.set, err = s.read(a.config)
	return a, err
}

// read is what a configuration says.
func (s *Service) read(row *catalog.CAConfig) (*settings, error) {
	if known := s.inForce.Load(); known != nil && known.row == row {
		return known.set, nil
	}
	raw, err := decodeConfig(row.Config)
	if err != nil {
		return nil, err
	}
	set, err := readSettings(raw)
	if err != nil {
		return nil, err
	}
	s.inForce.Store(&inForce{row, set})
	return set, nil
}

// ready is the authority; it is made if it can be made at once, and is wanted.
func (s *Service) ready(ctx context.Context) (*authority, error) {
	a, err := s.present(s.Store.Read())
	if a != nil || err != nil {
		return a, err
	}
	if !s.IsLeader() {
		return nil, errNotReady
	}
	if s.Secondary() || s.opts.Provider != providerConsul {
		s.want()
		return nil, errNotReady
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	if a, err = s.present(s.Store.Read()); a == nil && err == nil {
		err = errNotReady
	}
	return a, err
}

// want has Run make an authority.
func (s *Service) want() {
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// apply changes the authority.
func (s *Service) apply(ctx context.Context, c *catalog.CAWrite) error {
	_, _, err := s.Apply(ctx, catalog.CACommand, c)
	return err
}

// serial counts a serial number; the index is when.
func (s *Service) serial(ctx context.Context) (number, index uint64, err error) {
	result, index, err := s.Apply(ctx, catalog.CACommand, &catalog.CAWrite{Verb: catalog.CASerial})
	if err != nil {
		return 0, 0, err
	}
	number, _ = result.(uint64)
	return number, index, nil
}
