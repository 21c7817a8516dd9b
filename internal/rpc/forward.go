package rpc

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
)

// hop says how a request came to this server.
type hop uint8

const (
	hopNone       hop = iota // made here, or sent by a client agent
	hopLeader                // forwarded to the leader: answer, or say that you are not
	hopDatacenter            // came from another datacenter: do not send it to a third
	hopHere                  // meant for this very server, whoever leads
)

// final tells that the sender does the waiting and retrying.
func (h hop) final() bool { return h == hopLeader || h == hopHere }

var hopNames = [...]string{hopNone: "", hopLeader: "leader", hopDatacenter: "datacenter", hopHere: "here"}

// hopOf reads the hop of a request that arrived; ok is false for one this
// version does not know, which must not be guessed at. What somebody says who
// is no server is ignored: a hop evades request limits and the leader.
func (r *Router) hopOf(ctx context.Context) (h hop, ok bool) {
	said := originIn(ctx).hop
	if said == "" || !r.believes(ctx) {
		return hopNone, true
	}
	i := slices.Index(hopNames[:], said)
	return hop(max(i, 0)), i >= 0
}

// believes reports whether a request's sender may say how it came to him. Where names
// are verified it must show a certificate of a server. Where gossip keys are demanded
// it must be a server: one that gossip knows by its ID, or in Raft, so that two servers
// who take each other for the leader never pass a request to and fro. Elsewhere
// everybody may, for anybody could say any ID.
func (r *Router) believes(ctx context.Context) bool {
	met, ok := metOf(ctx)
	p := &met.Peer
	switch {
	case !ok:
		return true
	case !r.opts.IsServer(p.Certificate, p.Datacenter):
		return false
	case !met.keyed:
		return true
	}
	return p.Proven && (r.fleet.has(p.ID, p.Datacenter) || p.Datacenter == r.opts.Datacenter && r.opts.InRaft(p.ID))
}

// tryServers asks the servers of this datacenter in turn: what client agents do.
func (r *Router) tryServers(ctx context.Context, op *Desc, req Message, w way) (verdict, error) {
	servers, _ := r.fleet.order(r.opts.Datacenter)
	if len(servers) == 0 {
		return final, fault.New(fault.NoLeader, TextNoServers)
	}
	if err := r.admitOut(); err != nil {
		return final, err
	}
	r.asked.Incr()
	v, err := r.tryEach(ctx, servers, op, req, w, hopNone)
	if err != nil {
		r.failed.Incr()
	}
	return v, err
}

// tryDatacenter asks the servers of another datacenter in turn. The token travels
// with the request: what it may do there is for those servers to say.
func (r *Router) tryDatacenter(ctx context.Context, datacenter string, op *Desc, req Message, w way) (verdict, error) {
	servers, known := r.fleet.order(datacenter)
	if !known {
		return final, errNoPath()
	}
	r.abroad.Incr(datacenter)
	unreachable := fault.New(fault.Rejected, TextRemoteUnreachable)
	if len(servers) == 0 {
		return final, unreachable
	}
	if _, token := addressee(req); token != nil {
		req = op.under(req, r.opts.Abroad(*token))
	}
	v, err := r.tryEach(ctx, servers, op, req, w, hopDatacenter)
	if v == retry {
		return final, unreachable
	}
	return v, err
}

// tryEach asks one server after the other until one answers. It moves on only
// if the request was not executed or may be executed twice.
func (r *Router) tryEach(ctx context.Context, servers []Server, op *Desc, req Message, w way, h hop) (v verdict, err error) {
	start := time.Now()
	for i, srv := range servers {
		ask := req
		if i > 0 {
			ask = shorten(op, req, time.Since(start))
		}
		v, err = w.send(ctx, srv, op, ask, h)
		if v == final || w.spent() {
			return final, err
		}
		r.fleet.demote(srv)
		if left, due := r.warnedServer.Due(time.Now()); due && r.opts.Local == nil {
			r.opts.Logger.Error("RPC failed to server", append(append([]any{"method", op.Name, "server", srv.Address}, leftOut(left)...), "error", err)...)
		}
		if v == retryHeld {
			return v, err
		}
	}
	return v, err
}

// send asks one server once.
func (r *Router) send(ctx context.Context, srv Server, op *Desc, req Message, h hop) (Message, verdict, error) {
	l, err := r.pool.get(srv, laneOf(req))
	if err != nil {
		return nil, final, err
	}
	said := r.originOf(ctx, op, h)
	if h == hopLeader && !blocks(req) {
		var end func()
		ctx, end = r.whileLeads(ctx, srv.Address)
		defer end()
	}
	rep := op.NewReply()
	reached, err := l.ask(ctx, op, req, rep, said)
	if err == nil {
		return rep, final, nil
	}
	v, err := judge(ctx, err, srv.Address, op, h, reached)
	return nil, v, err
}

// judge turns what gRPC returned into our error and what it means for a retry.
func judge(ctx context.Context, err error, address string, op *Desc, h hop, reached bool) (verdict, error) {
	if cause := ctx.Err(); cause != nil {
		if context.Cause(ctx) == errDeposed {
			return judgeDeposed(address, op, reached)
		}
		return final, cause
	}
	st := status.Convert(err)
	if f := fromStatus(st); f != nil {
		switch {
		case fault.KindOf(f) != fault.NoLeader:
			return final, relayed(f)
		case h.final():
			return retry, f
		}
		return retryHeld, f
	}
	switch st.Code() {
	case codes.DeadlineExceeded: // the same deadline, by the other side's clock
		return final, context.DeadlineExceeded
	case codes.Unavailable, codes.Canceled:
		return judgeBroken(st, address, op, reached)
	case codes.ResourceExhausted:
		return final, fault.New(fault.TooLarge, "%s: %s", op.Name, st.Message())
	case codes.Unimplemented:
		return final, fault.New(fault.Internal, "server %s does not know operation %s", address, op.Name)
	}
	return final, fault.New(fault.Internal, "%s at server %s: %s", op.Name, address, st.Message())
}

// judgeBroken judges a connection that failed: before the request had a
// stream, nothing can have been executed.
func judgeBroken(st *status.Status, address string, op *Desc, reached bool) (verdict, error) {
	if !reached {
		return retry, fault.New(fault.NoLeader, "cannot reach server %s: %s", address, whyUnreached(st.Message()))
	}
	err := &fault.Error{Kind: fault.Internal, Text: fmt.Sprintf("connection to server %s broke: %s", address, st.Message())}
	if op.Write {
		err.Hint = "(the write may or may not have been done)"
		return final, err
	}
	return retry, err
}

// whyUnreached is what a Dialer said, of what gRPC says about a connection that it could
// not open.
func whyUnreached(text string) string {
	_, quoted, found := strings.Cut(text, "desc = ")
	if desc, err := strconv.Unquote(quoted); found && err == nil {
		text = desc
	}
	if _, reason, found := strings.Cut(text, "error while dialing: "); found {
		return reason
	}
	if _, reason, found := strings.Cut(text, "Error while dialing: "); found {
		return reason
	}
	return text
}
