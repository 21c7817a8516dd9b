package local_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// servers stands in for a cluster: a catalog store behind the three operations
// that an agent's share of it is kept up to date with.
type servers struct {
	mu sync.Mutex

	store    *catalog.Store
	index    uint64
	down     error                            // what every request gets
	deny     func(token string) bool          // whose requests are refused
	refuse   func(r *catalog.Register) string // why one is
	gate     chan struct{}                    // when set, each sync takes one from it
	batches  []*ops.CatalogSyncRequest        // what was sent
	tokens   []string                         // with which token
	requests map[string]int                   // by operation
	before   func(op string)                  // runs first
}

func newServers() *servers {
	return &servers{store: catalog.New(), requests: map[string]int{}}
}

func (f *servers) Do(ctx context.Context, op *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	f.mu.Lock()
	f.requests[op.Name]++
	before, down, gate := f.before, f.down, f.gate
	f.mu.Unlock()
	if before != nil {
		before(op.Name)
	}
	if down != nil {
		return nil, down
	}
	switch req := req.(type) {
	case *ops.CatalogNodeRequest:
		_, ns := f.store.Read().NodeServices(nil, req.Node)
		return &ops.CatalogNodeReply{NodeServices: ns}, nil
	case *ops.HealthNodeRequest:
		index, checks := f.store.Read().NodeChecks(nil, req.Node)
		return &ops.HealthChecksReply{ReadMeta: rpc.ReadMeta{Index: index}, Checks: checks}, nil
	case *ops.CatalogSyncRequest:
		if gate != nil {
			select {
			case <-gate:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return f.sync(req)
	}
	return nil, fault.New(fault.Internal, "no operation %s here", op.Name)
}

// set changes how requests are answered from now on.
func (f *servers) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// calls is how many requests came so far.
func (f *servers) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	total := 0
	for _, n := range f.requests {
		total += n
	}
	return total
}

func (f *servers) sync(req *ops.CatalogSyncRequest) (rpc.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches = append(f.batches, req)
	f.tokens = append(f.tokens, req.Token)
	n := len(req.Registers) + len(req.Deregisters)
	reply := &ops.CatalogSyncReply{Errors: make([]string, n), Denied: make([]bool, n)}
	for i, r := range req.Registers {
		if i > 0 && req.LeadsWithNode() && reply.Errors[0] != "" && !reply.Denied[0] {
			for i := 1; i < n; i++ {
				reply.Errors[i] = ops.TextNodeRefused
			}
			return reply, nil
		}
		if f.deny != nil && f.deny(req.Token) {
			reply.Errors[i], reply.Denied[i] = "Permission denied", true
			continue
		}
		if f.refuse != nil {
			if reply.Errors[i] = f.refuse(r); reply.Errors[i] != "" {
				continue
			}
		}
		reply.Errors[i] = f.apply(catalog.RegisterCommand, r)
	}
	for i, d := range req.Deregisters {
		reply.Errors[len(req.Registers)+i] = f.apply(catalog.DeregisterCommand, d)
	}
	return reply, nil
}

// apply encodes a command, as a leader does, so that nothing is shared.
func (f *servers) apply(t catalog.CommandType, cmd msgp.Marshaler) string {
	f.index++
	data, err := catalog.Encode(t, cmd)
	if err != nil {
		return err.Error()
	}
	if err, failed := f.store.Apply([]catalog.Entry{{Index: f.index, Data: data}})[0].(error); failed {
		return err.Error()
	}
	return ""
}

// write is a registration by someone else.
func (f *servers) write(t testing.TB, r *catalog.Register) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if text := f.apply(catalog.RegisterCommand, r); text != "" {
		t.Fatal(text)
	}
}

func (f *servers) remove(d *catalog.Deregister) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.apply(catalog.DeregisterCommand, d)
}

func (f *servers) service(id string) *catalog.Service {
	_, ns := f.store.Read().NodeServices(nil, "n1")
	if ns == nil {
		return nil
	}
	for _, s := range ns.Services {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (f *servers) services() []string {
	_, ns := f.store.Read().NodeServices(nil, "n1")
	ids := []string{}
	if ns != nil {
		for _, s := range ns.Services {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (f *servers) check(id string) *catalog.Check {
	_, checks := f.store.Read().NodeChecks(nil, "n1")
	for _, c := range checks {
		if c.CheckID == id {
			return c
		}
	}
	return nil
}

// asked tells how often an operation was.
func (f *servers) asked(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[op]
}

// sent returns and forgets the requests since the last call.
func (f *servers) sent() []*ops.CatalogSyncRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.batches
	f.batches, f.tokens = nil, nil
	return b
}
