package acls

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

const (
	// replicationBatch bounds the rows of one question, and of one command.
	replicationBatch = 512
	// replicationBytes bounds the rows of one answer, but for the last of them.
	replicationBytes = 512 << 10
)

// replica is one kind of row as it is copied.
type replica struct {
	kind ops.ACLKind
	name string // in log lines
	// list returns what is copied of the kind: not what holds in one datacenter alone.
	list func(*catalog.Tx, catalog.WatchSet) (uint64, []ops.ACLRowHash)
	// row appends the row with an ID, if it is there, and returns its size in bytes.
	row func(*catalog.Tx, string, *ops.ACLReplicationRowsReply) int
	// put is the command that makes rows what they are in the primary datacenter,
	// remove the one for rows that are gone.
	put    func(*catalog.Tx, *ops.ACLReplicationRowsReply) (catalog.CommandType, command)
	remove func(ids []string) (catalog.CommandType, command)
}

var replicas = []replica{
	{ops.ACLPolicies, "Policy",
		func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []ops.ACLRowHash) {
			index, list := tx.ACLPolicies(ws)
			return index, hashes(list, func(p *catalog.ACLPolicy) (string, []byte) { return p.ID, p.Hash })
		},
		func(tx *catalog.Tx, id string, rep *ops.ACLReplicationRowsReply) int {
			_, p := tx.ACLPolicy(nil, id)
			return add(&rep.Policies, p)
		},
		func(_ *catalog.Tx, rep *ops.ACLReplicationRowsReply) (catalog.CommandType, command) {
			return catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLPut, Policies: rep.Policies}
		},
		func(ids []string) (catalog.CommandType, command) {
			return catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLDelete,
				Policies: named(ids, func(id string) *catalog.ACLPolicy { return &catalog.ACLPolicy{ID: id} })}
		}},
	{ops.ACLRoles, "Role",
		func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []ops.ACLRowHash) {
			index, list := tx.ACLRoles(ws)
			return index, hashes(list, func(r *catalog.ACLRole) (string, []byte) { return r.ID, r.Hash })
		},
		func(tx *catalog.Tx, id string, rep *ops.ACLReplicationRowsReply) int {
			_, r := tx.ACLRole(nil, id)
			return add(&rep.Roles, r)
		},
		func(_ *catalog.Tx, rep *ops.ACLReplicationRowsReply) (catalog.CommandType, command) {
			return catalog.ACLRoleCommand, &catalog.ACLRoleWrite{Verb: catalog.ACLPut, Roles: rep.Roles}
		},
		func(ids []string) (catalog.CommandType, command) {
			return catalog.ACLRoleCommand, &catalog.ACLRoleWrite{Verb: catalog.ACLDelete,
				Roles: named(ids, func(id string) *catalog.ACLRole { return &catalog.ACLRole{ID: id} })}
		}},
	{ops.ACLTokens, "Token",
		func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []ops.ACLRowHash) {
			index, list := tx.ACLTokens(ws)
			list = slices.DeleteFunc(list, func(t *catalog.ACLToken) bool { return t.Local })
			return index, hashes(list, func(t *catalog.ACLToken) (string, []byte) { return t.AccessorID, t.Hash })
		},
		func(tx *catalog.Tx, id string, rep *ops.ACLReplicationRowsReply) int {
			_, t := tx.ACLToken(nil, id)
			return add(&rep.Tokens, t)
		},
		putTokens,
		func(ids []string) (catalog.CommandType, command) {
			return catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLDelete,
				Tokens: named(ids, func(id string) *catalog.ACLToken { return &catalog.ACLToken{AccessorID: id} })}
		}},
}

// command is what Apply logs.
type command interface{ MarshalMsg([]byte) ([]byte, error) }

// putTokens leaves out what would take the place of a local token: those stay.
func putTokens(tx *catalog.Tx, rep *ops.ACLReplicationRowsReply) (catalog.CommandType, command) {
	tokens := slices.DeleteFunc(rep.Tokens, func(t *catalog.ACLToken) bool {
		_, sameID := tx.ACLToken(nil, t.AccessorID)
		_, sameSecret := tx.ACLTokenWithSecret(nil, t.SecretID)
		return t.Local || sameID != nil && sameID.Local || sameSecret != nil && sameSecret.Local
	})
	return catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLPut, Tokens: tokens}
}

func hashes[R any](list []R, of func(R) (id string, hash []byte)) []ops.ACLRowHash {
	rows := make([]ops.ACLRowHash, len(list))
	for i, r := range list {
		id, hash := of(r)
		rows[i] = ops.ACLRowHash{ID: id, Hash: string(hash)}
	}
	return rows
}

func add[R interface {
	comparable
	Msgsize() int
}](list *[]R, row R) int {
	var none R
	if row == none {
		return 0
	}
	*list = append(*list, row)
	return row.Msgsize()
}

func named[R any](ids []string, row func(id string) R) (list []R) {
	for _, id := range ids {
		list = append(list, row(id))
	}
	return list
}

func replicaOf(kind ops.ACLKind) (*replica, error) {
	for i := range replicas {
		if replicas[i].kind == kind {
			return &replicas[i], nil
		}
	}
	return nil, rejected("there is nothing to copy that is called %q", kind)
}

// mayReplicate asks for more where secrets are copied.
func mayReplicate(kind ops.ACLKind) acl.Need {
	if kind == ops.ACLTokens {
		return acl.ACL.Write()
	}
	return acl.ACL.Read()
}

func (s *Service) replicationList(ctx context.Context, _ *acl.Authorizer, req *ops.ACLReplicationListRequest) (*ops.ACLReplicationListReply, error) {
	r, err := replicaOf(req.Kind)
	if err != nil {
		return nil, err
	}
	rep := &ops.ACLReplicationListReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		index, rep.Rows = r.list(tx, ws)
		return index, nil
	})
}

func (s *Service) replicationRows(ctx context.Context, _ *acl.Authorizer, req *ops.ACLReplicationRowsRequest) (*ops.ACLReplicationRowsReply, error) {
	r, err := replicaOf(req.Kind)
	if err != nil {
		return nil, err
	}
	rep := &ops.ACLReplicationRowsReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		*rep = ops.ACLReplicationRowsReply{}
		for bytes := 0; rep.Asked < len(req.IDs) && bytes < replicationBytes; rep.Asked++ {
			bytes += r.row(tx, req.IDs[rep.Asked], rep)
		}
		return 0, nil
	})
}

// Replicate copies them while this server leads.
func (s *Service) Replicate(ctx context.Context) {
	if !s.opts.Enabled || !s.Secondary() {
		return
	}
	begun := s.idle()
	begun.Running, begun.ReplicationType = true, string(s.replicationType())
	s.copied.begin(begun)
	defer func() { s.copied.begin(s.idle()) }()
	var kinds sync.WaitGroup
	defer kinds.Wait()
	for i := range replicas {
		r := &replicas[i]
		if r.kind == ops.ACLTokens && !s.opts.TokenReplication {
			kinds.Go(func() { s.dropTokens(ctx, r) })
			continue
		}
		kinds.Go(func() { s.replicate(ctx, r) })
	}
}

// idle is the status of a server that does not lead.
func (s *Service) idle() ops.ACLReplicationReply {
	return ops.ACLReplicationReply{Enabled: true, SourceDatacenter: s.Primary}
}

func (s *Service) replicationType() ops.ACLKind {
	if s.opts.TokenReplication {
		return ops.ACLTokens
	}
	return ops.ACLPolicies
}

// dropTokens removes what was copied before token replication was turned off: it
// would be believed for ever.
func (s *Service) dropTokens(ctx context.Context, r *replica) {
	if err := s.makeLike(ctx, r, nil); err != nil && ctx.Err() == nil {
		s.opts.Logger.Warn("remove tokens that were copied from the primary datacenter", "error", err)
	}
}

func (s *Service) replicate(ctx context.Context, r *replica) {
	s.opts.Logger.Info("started ACL " + r.name + " replication")
	once := func(ctx context.Context, at uint64) (uint64, error) { return s.replicateOnce(ctx, r, at) }
	s.CopyPrimary(ctx, once, func(index uint64, err error) {
		if err != nil {
			s.copied.failed(err)
			s.opts.Logger.Warn("ACL replication error (will retry if still leader)", "error", err)
			return
		}
		s.copied.succeeded(r.kind, index)
	})
}

// replicateOnce waits until the primary datacenter has something else than at an
// index, and makes this datacenter like it.
func (s *Service) replicateOnce(ctx context.Context, r *replica, at uint64) (uint64, error) {
	o := s.FromPrimary()
	o.MinIndex = at
	rep, err := ops.ACLReplicationList.Call(ctx, s.Router, &ops.ACLReplicationListRequest{ReadOptions: o, Kind: r.kind})
	if err != nil {
		return 0, retrieveError(r, err)
	}
	return rep.Index, s.makeLike(ctx, r, rep.Rows)
}

func retrieveError(r *replica, err error) error {
	return fmt.Errorf("failed to retrieve remote ACL %s: %w", r.kind, err)
}

// makeLike makes the rows of this datacenter those of another one. Rows that are gone
// go first, so that their names are free.
func (s *Service) makeLike(ctx context.Context, r *replica, theirs []ops.ACLRowHash) error {
	_, ours := r.list(s.Store.Read(), nil)
	gone, changed := compare(ours, theirs)
	for batch := range slices.Chunk(gone, replicationBatch) {
		if err := s.logged(ctx)(r.remove(batch)); err != nil {
			return err
		}
	}
	for len(changed) > 0 {
		rep, err := ops.ACLReplicationRows.Call(ctx, s.Router, &ops.ACLReplicationRowsRequest{
			ReadOptions: s.FromPrimary(), Kind: r.kind, IDs: changed[:min(len(changed), replicationBatch)]})
		if err != nil {
			return retrieveError(r, err)
		}
		if rep.Asked <= 0 || rep.Asked > len(changed) {
			return fmt.Errorf("%s copied %d ACL %s of %d", s.Primary, rep.Asked, r.kind, len(changed))
		}
		changed = changed[rep.Asked:]
		if err := s.logged(ctx)(r.put(s.Store.Read(), rep)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) logged(ctx context.Context) func(catalog.CommandType, command) error {
	return func(t catalog.CommandType, c command) error {
		_, _, err := s.Apply(ctx, t, c)
		return err
	}
}

// compare returns the IDs of rows that only we have, and of those that differ. The
// latter descend: the anonymous token, by which a server knows that it has them all
// (holdsTokens), comes last.
func compare(ours, theirs []ops.ACLRowHash) (gone, changed []string) {
	have := make(map[string]string, len(ours))
	for _, row := range ours {
		have[strings.ToLower(row.ID)] = row.Hash
	}
	for _, row := range theirs {
		id := strings.ToLower(row.ID)
		if hash, is := have[id]; !is || hash != row.Hash {
			changed = append(changed, row.ID)
		}
		delete(have, id)
	}
	for id := range have {
		gone = append(gone, id)
	}
	slices.Sort(gone)
	slices.SortFunc(changed, func(a, b string) int { return strings.Compare(b, a) })
	return gone, changed
}

// copied says how far the copies are.
type copied struct {
	mu  sync.Mutex
	rep ops.ACLReplicationReply
}

func (c *copied) begin(rep ops.ACLReplicationReply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep = rep
}

func (c *copied) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep.LastError, c.rep.LastErrorMessage = time.Now().UTC().Truncate(time.Second), err.Error()
}

func (c *copied) succeeded(kind ops.ACLKind, index uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep.LastSuccess = time.Now().UTC().Truncate(time.Second)
	switch kind {
	case ops.ACLPolicies:
		c.rep.ReplicatedIndex = index
	case ops.ACLRoles:
		c.rep.ReplicatedRoleIndex = index
	case ops.ACLTokens:
		c.rep.ReplicatedTokenIndex = index
	}
}

func (c *copied) now() ops.ACLReplicationReply {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rep
}

func (s *Service) replicationStatus(ctx context.Context, _ *acl.Authorizer, req *ops.ACLReplicationStatusRequest) (*ops.ACLReplicationReply, error) {
	rep := s.copied.now()
	return &rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(*catalog.Tx, catalog.WatchSet) (uint64, error) { return 0, nil })
}
