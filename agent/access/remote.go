package access

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/singleflight"

	"praetor/internal/acl"
	"praetor/internal/acl/rules"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// DownPolicy says what a token may do while nobody can say it.
type DownPolicy string

// The down policies (reference/security.md §6).
const (
	Allow       DownPolicy = "allow"
	Deny        DownPolicy = "deny"
	ExtendCache DownPolicy = "extend-cache" // what was known; the default policy for the rest
	AsyncCache  DownPolicy = "async-cache"  // the same, and a server is asked in the background
)

// Options say whom to ask, and for how long to believe it.
type Options struct {
	Caller         rpc.Caller
	Datacenter     string // the agent's own: policies for others do not count
	Asked          string // the datacenter to ask, "" for the agent's own
	TTL            time.Duration
	Down           DownPolicy
	AllowByDefault bool
	Logger         hclog.Logger // nil logs nothing
}

// maxKnown bounds the tokens that are remembered, at about 300 bytes each.
const maxKnown = 16384

// Remote is a Resolver that asks servers.
type Remote struct {
	opts   Options
	sets   rules.Cache
	flight singleflight.Group

	mu    sync.Mutex
	known map[string]*known // by secret
}

// known is what a server has said of a token. What does not exist is not remembered:
// it may be made any moment.
type known struct {
	az      *acl.Authorizer
	asked   time.Time
	expires int64 // nanoseconds since 1970, 0 for never
}

var _ acl.Resolver = (*Remote)(nil)

// New returns a Remote that knows nothing yet.
func New(opts Options) *Remote {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	return &Remote{opts: opts, known: map[string]*known{}}
}

var errNotFound = fault.New(fault.Denied, "ACL not found")

// Resolve implements acl.Resolver.
func (r *Remote) Resolve(ctx context.Context, secret string) (*acl.Authorizer, error) {
	k := r.remembered(secret)
	switch {
	case k != nil && time.Since(k.asked) < r.opts.TTL:
		return k.answer()
	case k != nil && r.opts.Down == AsyncCache:
		r.askSoon(ctx, secret)
		return k.answer()
	}
	fresh, err := r.ask(ctx, secret)
	switch {
	case err == nil:
		return fresh.answer()
	case fault.KindOf(err) == fault.Denied, ctx.Err() != nil:
		return nil, err
	}
	r.opts.Logger.Error("Error resolving token", "error", err)
	return r.down(k)
}

func (k *known) answer() (*acl.Authorizer, error) {
	if k.expires != 0 && k.expires <= time.Now().UnixNano() {
		return nil, errNotFound
	}
	return k.az, nil
}

// nobody is refused everything, under the name that Consul gives him.
var nobody = acl.New("primary-dc-down", func(acl.Need) bool { return false })

// down decides when no server answers.
func (r *Remote) down(k *known) (*acl.Authorizer, error) {
	switch {
	case r.opts.Down == Allow:
		return acl.Unrestricted, nil
	case r.opts.Down != Deny && k != nil:
		return k.answer()
	}
	return nobody, nil
}

func (r *Remote) remembered(secret string) *known {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[secret]
}

// ask asks a server, once for all who wait for the same token.
func (r *Remote) ask(ctx context.Context, secret string) (*known, error) {
	ch := r.flight.DoChan(secret, func() (any, error) {
		// Others wait for the answer too: it does not end with one of them.
		return r.fetch(context.WithoutCancel(ctx), secret)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case res := <-ch:
		if res.Err != nil {
			return nil, res.Err
		}
		return res.Val.(*known), nil
	}
}

// askSoon asks in the background; nobody waits, since the answer only replaces what
// is used meanwhile. Failures are told by the next who needs it.
func (r *Remote) askSoon(ctx context.Context, secret string) {
	r.flight.DoChan(secret, func() (any, error) { return r.fetch(context.WithoutCancel(ctx), secret) })
}

// fetchTimeout bounds one request to a server.
const fetchTimeout = 10 * time.Second

func (r *Remote) fetch(ctx context.Context, secret string) (*known, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	k := &known{asked: time.Now()}
	req := &ops.ACLResolveRequest{ReadOptions: rpc.ReadOptions{Datacenter: r.opts.Asked, Token: secret, Stale: true}}
	rep, err := ops.ACLResolve.Call(ctx, r.opts.Caller, req)
	if err != nil {
		if fault.KindOf(err) == fault.Denied {
			r.forget(secret)
			return nil, errNotFound // in its own words: the decision is this agent's
		}
		return nil, err
	}
	k.expires = rep.Expires
	if k.az, err = r.authorizer(ctx, secret, rep); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	r.known[strings.Clone(secret)] = k
	return k, nil
}

func (r *Remote) forget(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, secret)
}

// authorizer decides by what a server has said. A local token of another datacenter
// counts as none here.
func (r *Remote) authorizer(ctx context.Context, secret string, rep *ops.ACLResolveReply) (*acl.Authorizer, error) {
	if rep.Local && secret != "" && r.opts.Asked != "" && r.opts.Asked != r.opts.Datacenter {
		return r.Resolve(ctx, "")
	}
	var texts []string
	for _, p := range rep.Policies {
		if len(p.Datacenters) == 0 || slices.Contains(p.Datacenters, r.opts.Datacenter) {
			texts = append(texts, p.Rules)
		}
	}
	return r.sets.Authorizer(rep.AccessorID, texts, r.opts.AllowByDefault)
}
