package rpc

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/tap"
)

// A write that arrived whole is carried out though its sender has left: who sent it
// may have promised somebody that it is on its way.

// finishing returns the context of a write that arrived: it does not end when the
// sender leaves, but after limit, or drainTimeout after the server began to stop.
// Call end when the write is done.
func finishing(ctx, serving context.Context, limit time.Duration) (_ context.Context, end func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	var last *time.Timer
	stopping := make(chan struct{})
	unhook := context.AfterFunc(serving, func() {
		last = time.AfterFunc(drainTimeout, cancel)
		close(stopping)
	})
	return ctx, func() {
		cancel()
		if !unhook() {
			<-stopping
			last.Stop()
		}
	}
}

// lingerTime is how long what arrived of a write can still be read after its sender
// has left. Its reader is on its way: this is for a machine that is very busy.
const lingerTime = time.Second

// lingering is gRPC's tap on the streams that arrive. When a sender leaves, gRPC
// ends the stream's context, and a message that arrived whole but was not read yet
// is lost to chance: the reader takes what comes first. So writes get a context that
// ends a little later. End it must, for what did not arrive whole never will.
func (r *Router) lingering(ctx context.Context, info *tap.Info) (context.Context, error) {
	r.served.requests.Incr()
	name, ours := strings.CutPrefix(info.FullMethodName, methodPrefix)
	if !ours || !r.mayWrite(name) {
		return ctx, nil
	}
	arrived := new(atomic.Bool)
	later, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), arrivedKey{}, arrived))
	context.AfterFunc(ctx, func() {
		if arrived.Load() {
			cancel()
			return
		}
		time.AfterFunc(lingerTime, cancel)
	})
	return later, nil
}

// arrivedKey finds in a write's context where to note that all of it was read.
type arrivedKey struct{}

func noteArrived(ctx context.Context) {
	if arrived, ok := ctx.Value(arrivedKey{}).(*atomic.Bool); ok {
		arrived.Store(true)
	}
}

// mayWrite reports whether what arrives for a method may be a write.
func (r *Router) mayWrite(name string) bool {
	if name == batchName {
		return true // it has writes
	}
	if reg, ok := r.opts.Local.handlers[name]; ok {
		return reg.op.Write
	}
	reg, ok := r.opts.Local.transfers[name]
	return ok && reg.op.Write
}
