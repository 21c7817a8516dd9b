package leaf

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"praetor/internal/fault"
	"praetor/internal/life"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

// Run renews leaves until ctx ends.
func (l *Leaves) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	select {
	case <-l.some:
	case <-ctx.Done():
		return nil
	}
	parts.Go(func() { l.followRoots(ctx) })
	places := make(chan struct{}, maxRenewals)
	for {
		h, wait := l.next()
		if h != nil {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			parts.Go(func() {
				defer func() { <-places }()
				l.renew(ctx, h)
			})
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-l.some:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

// rest is how long Run sleeps when there is nothing to renew.
const rest = time.Hour

// next takes a leaf whose time has come; nil, and for how long there is none.
func (l *Leaves) next() (*held, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, wait := time.Now(), rest
	for _, h := range l.held {
		switch {
		case h.leaf == nil || h.taken:
		case now.Sub(h.asked) > idle:
			if now.After(h.leaf.ValidBefore) {
				l.forgetLocked(h)
			}
		case !now.Before(h.due):
			h.taken = true
			return h, 0
		default:
			wait = min(wait, h.due.Sub(now))
		}
	}
	return nil, wait
}

// renewLimit bounds one renewal.
const renewLimit = 30 * time.Second

// renew signs a leaf anew. One whose token may not any more is forgotten.
func (l *Leaves) renew(ctx context.Context, h *held) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		h.taken = false
		l.wake()
	}()
	ctx, cancel := context.WithTimeout(ctx, renewLimit)
	defer cancel()
	select {
	case h.signing <- struct{}{}:
		defer func() { <-h.signing }()
	case <-ctx.Done():
		return
	}
	l.mu.Lock()
	token, due := h.token, !time.Now().Before(h.due)
	l.mu.Unlock()
	if !due {
		return // who asked for it has had it signed
	}
	leaf, err := l.sign(ctx, h.service, token, "")
	if err == nil {
		l.store(h, leaf)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if fault.KindOf(err) == fault.Denied {
		l.opts.Logger.Warn("certificate of a service is not renewed: its token may not any more", "service", h.service, "error", err)
		l.forgetLocked(h)
		return
	}
	if h.failed++; h.failed == 1 {
		l.opts.Logger.Warn("renew certificate of a service, trying again", "service", h.service, "error", err)
	}
	h.due = time.Now().Add(min(retryMost, retryLeast<<min(h.failed, 6)))
}

// followRoots has leaves renewed that another key signed than the one that does now.
func (l *Leaves) followRoots(ctx context.Context) {
	req := &ops.ConnectCARootsRequest{}
	for ctx.Err() == nil {
		rep, err := l.roots(ctx, req)
		if err != nil {
			life.Pause(ctx, retryLeast+rand.N(retryMost))
			continue
		}
		index := rep.Index
		if index < req.MinIndex {
			index = 0 // the servers' state was restored
		}
		req = &ops.ConnectCARootsRequest{ReadOptions: rpc.ReadOptions{MinIndex: index}}
		if active := rep.Active(); active != nil {
			l.resign(active.SigningKeyID)
		}
	}
}

func (l *Leaves) roots(ctx context.Context, req *ops.ConnectCARootsRequest) (*ops.ConnectCARootsReply, error) {
	if l.opts.Views != nil && req.MinIndex > 0 {
		return view.Await(ctx, l.opts.Views, ops.ConnectCARoots, req)
	}
	return ops.ConnectCARoots.Call(ctx, l.opts.Caller, req)
}

// resign makes leaves due that another key has signed, each at some moment of a time that
// grows with the cluster, so that servers are not asked for all at once.
func (l *Leaves) resign(signer string) {
	spread := min(spreadMost, time.Duration(max(0, l.opts.ClusterSize()-1))*spreadEach)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signer = signer
	for _, h := range l.held {
		if h.leaf == nil || h.leaf.signer == signer {
			continue
		}
		if due := time.Now().Add(rand.N(spread + 1)); due.Before(h.due) {
			h.due = due
		}
	}
	l.wake()
}
