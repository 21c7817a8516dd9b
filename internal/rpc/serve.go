package rpc

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
)

const (
	// maxStreams bounds the requests in work per connection; more wait at the
	// sender. A follower forwards for its client agents over one: 5000 agents
	// with three blocking reads each fit, at some 12 KB a request.
	maxStreams = 16384
	// maxHeaderBytes bounds a request's metadata, which names the operation and has a
	// few short lines; gRPC's own bound is 16 MiB.
	maxHeaderBytes = 16 << 10
	// A connection that is silent for serverPing is probed, so that requests
	// of dead clients end.
	serverPing        = 30 * time.Second
	serverPingTimeout = 10 * time.Second
	// leastPing: clients may ping every 10 s; more often is abuse.
	leastPing = 5 * time.Second
	// drainTimeout is what requests under way get when the server stops;
	// blocking reads are ended at once.
	drainTimeout = time.Second
)

// Serve answers RPC connections from l until ctx ends: each request is routed
// by router as if it had been made here, and never forwarded twice. A write that
// arrived whole is carried out though its sender leaves. Then it lets short requests
// finish for up to a second, and returns when all handlers have. It closes l.
func Serve(ctx context.Context, l net.Listener, router *Router, logger hclog.Logger) error {
	if router.opts.Local == nil {
		return errNothingToServe
	}
	srv := newServer(router)
	srv.RegisterService(describe(ctx, router), nil)
	return RunServer(ctx, l, srv, "rpc", logger)
}

const (
	// maxUncertifiedBytes bounds a request of somebody without a certificate: a CSR has
	// some 500 bytes.
	maxUncertifiedBytes = 64 << 10
	// uncertifiedAge is how long he may stay, beside as long for what is under way.
	uncertifiedAge = 30 * time.Second
)

// ServeOnly answers one operation, for this datacenter, on connections whose other side
// has proved nothing: no other can be reached there.
func ServeOnly[Req, Rep any](serving context.Context, l net.Listener, router *Router, op Op[Req, Rep], logger hclog.Logger) error {
	if router.opts.Local == nil {
		return errNothingToServe
	}
	srv := newServer(router,
		grpc.MaxRecvMsgSize(maxUncertifiedBytes), grpc.MaxConcurrentStreams(1),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: uncertifiedAge, MaxConnectionAgeGrace: uncertifiedAge}))
	srv.RegisterService(&grpc.ServiceDesc{ServiceName: serviceName, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{
		router.method(op.Desc, func(ctx context.Context, req Message) (any, error) {
			if elsewhere, _ := target(req); elsewhere != "" && elsewhere != router.opts.Datacenter {
				return nil, status.Error(codes.PermissionDenied, "without a certificate nobody is asked but the servers of "+router.opts.Datacenter)
			}
			return router.arrived(ctx, serving, op.Desc, req)
		}),
	}}, nil)
	return RunServer(serving, l, srv, "rpc", logger)
}

var errNothingToServe = fault.New(fault.Internal, "serve rpc: this router has no operations to serve")

// RunServer has a gRPC server answer on l until ctx ends (nil) or l breaks (why), for what it
// speaks. Requests under way get a second to end. It closes l.
func RunServer(ctx context.Context, l net.Listener, srv *grpc.Server, speaks string, logger hclog.Logger) error {
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	var broke error
	served := make(chan struct{})
	go func() { // waited for below
		defer close(served)
		broke = srv.Serve(l)
	}()
	select {
	case <-served:
	case <-ctx.Done():
	}
	stop(srv, logger)
	<-served
	if ctx.Err() == nil {
		return fmt.Errorf("serve %s on %s: %w", speaks, l.Addr(), broke)
	}
	return nil
}

func newServer(r *Router, more ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append([]grpc.ServerOption{
		grpc.Creds(greeted{r.served.conns, &r.partial}),
		grpc.ForceServerCodecV2(codec{bounded: true}),
		grpc.InTapHandle(r.lingering),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxRecvMsgSize(maxRequestBytes),
		grpc.MaxSendMsgSize(maxReplyBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.StaticStreamWindowSize(messageWindow), grpc.StaticConnWindowSize(messagesWindow),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: serverPing, Timeout: serverPingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}, more...)...)
}

// stop ends srv gracefully, but not forever.
func stop(srv *grpc.Server, logger hclog.Logger) {
	drained := make(chan struct{})
	go func() { // waited for below
		defer close(drained)
		srv.GracefulStop()
	}()
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	select {
	case <-drained:
		return
	case <-timeout.C:
	}
	logger.Warn("requests did not finish before shutdown; breaking them", "after", drainTimeout)
	srv.Stop()
	<-drained
}

// describe lists the operations as gRPC methods.
func describe(serving context.Context, r *Router) *grpc.ServiceDesc {
	sd := &grpc.ServiceDesc{ServiceName: serviceName, HandlerType: (*any)(nil), Streams: append(describeTransfers(serving, r), r.describeBatch(serving))}
	for _, reg := range r.opts.Local.handlers {
		op := reg.op
		sd.Methods = append(sd.Methods, r.method(op, func(ctx context.Context, req Message) (any, error) {
			return r.arrived(ctx, serving, op, req)
		}))
	}
	return sd
}

// method is an operation as a gRPC method.
func (r *Router) method(op *Desc, answer func(context.Context, Message) (any, error)) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: op.Name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			req := op.NewRequest()
			done, err := r.receive(ctx, req, decode)
			defer done()
			if err != nil {
				return nil, err
			}
			if op.Write {
				noteArrived(ctx)
			}
			return answer(ctx, req)
		},
	}
}

// arrived answers a request that came over the wire, in a call of its own.
func (r *Router) arrived(ctx, serving context.Context, op *Desc, req Message) (any, error) {
	rep, err := r.answer(ctx, serving, op, req)
	if err != nil {
		return nil, err
	}
	rep, err = r.count(ctx, rep)
	if err != nil {
		return nil, toStatus(err)
	}
	return rep, nil
}

// answer answers a request that came over the wire; the error is a gRPC status.
func (r *Router) answer(ctx, serving context.Context, op *Desc, req Message) (Message, error) {
	h, ok := r.hopOf(ctx)
	if !ok {
		return nil, status.Error(codes.InvalidArgument, "unknown "+hopKey)
	}
	if op.Write {
		var end func()
		ctx, end = finishing(ctx, serving, time.Duration(r.clientTimeout.Load()))
		defer end()
	} else if blocks(req) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(serving, cancel)()
	}
	rep, err := r.route(ctx, op, req, h)
	switch {
	case err == nil:
		return rep, nil
	case ctx.Err() != nil && serving.Err() != nil:
		return nil, status.Error(codes.Unavailable, textStopping)
	}
	return nil, toStatus(err)
}
