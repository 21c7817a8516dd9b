package local

import (
	"context"
	"time"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// ServiceHealth implements checks.Local.
func (s *State) ServiceHealth(id string) ([]*catalog.Check, bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, ok := s.watches[id]
	if !ok {
		changed = make(chan struct{})
		s.watches[id] = changed
	}
	return s.nodeAndOwn(id), s.services[id] != nil, changed
}

// wakeService tells alias checks that the health of a service, or with "" of
// the node, may have changed; s.mu is held.
func (s *State) wakeService(id string) {
	if id != "" {
		if ch, ok := s.watches[id]; ok {
			delete(s.watches, id)
			close(ch)
		}
		return
	}
	for _, ch := range s.watches {
		close(ch)
	}
	clear(s.watches)
}

// aliasWait is how long a read about another node may block.
const aliasWait = time.Minute

// remote answers alias checks about other nodes through the servers.
type remote struct{ s *State }

// NodeHealth implements checks.Remote.
func (r remote) NodeHealth(ctx context.Context, node string, minIndex uint64) (uint64, []*catalog.Check, []string, error) {
	opts := rpc.ReadOptions{
		Datacenter: r.s.opts.Datacenter, Token: r.s.opts.Tokens().Default,
		Stale: true, MinIndex: minIndex, MaxWait: aliasWait,
	}
	health, err := ops.HealthNode.Call(ctx, r.s.opts.Caller, &ops.HealthNodeRequest{ReadOptions: opts, Node: node})
	if err != nil {
		return 0, nil, nil, err
	}
	opts.MinIndex = 0
	reply, err := ops.CatalogNode.Call(ctx, r.s.opts.Caller, &ops.CatalogNodeRequest{ReadOptions: opts, Node: node})
	if err != nil {
		return 0, nil, nil, err
	}
	var ids []string
	if reply.NodeServices != nil {
		for _, svc := range reply.NodeServices.Services {
			ids = append(ids, svc.ID)
		}
	}
	return health.Index, health.Checks, ids, nil
}
