package grpcapi

import (
	"context"
	"net"
	"time"

	"github.com/hashicorp/consul/proto-public/pbacl"
	"github.com/hashicorp/consul/proto-public/pbconnectca"
	"github.com/hashicorp/consul/proto-public/pbserverdiscovery"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// Options say how to build a Server. Caller is required.
type Options struct {
	Caller rpc.Caller
	ACL    acl.Resolver // nil: there are no access rules
	// Servers lists the servers of this datacenter once their index is above after, or
	// when ctx ends. nil on client agents, which do not tell.
	Servers func(ctx context.Context, after uint64) (list []ServerInfo, index uint64, err error)
	// Probe is after how much silence a connection is probed, ProbeTimeout how long it has
	// to answer (performance.grpc_keepalive_*).
	Probe, ProbeTimeout time.Duration
	Logger              hclog.Logger
}

// ServerInfo is a server as clients get to know it.
type ServerInfo struct {
	ID      string
	Address string // without a port
	WAN     string // the address for other datacenters
	Version string
}

const (
	// maxRequestBytes has room for the longest bearer token.
	maxRequestBytes = 256 << 10
	maxHeaderBytes  = 16 << 10
	// maxStreams bounds the requests and watches of one connection.
	maxStreams = 1024
	// handshakeTimeout is how long TLS and HTTP/2 have to begin.
	handshakeTimeout = 5 * time.Second
	// leastPing: clients that ping more often are cut off.
	leastPing = 15 * time.Second
)

// Server answers gRPC.
type Server struct{ opts Options }

// New returns a server that does not serve yet.
func New(opts Options) *Server {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	return &Server{opts}
}

// Serve answers on l until ctx ends (nil) or l breaks (why), and closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxRequestBytes), grpc.MaxHeaderListSize(maxHeaderBytes), grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeTimeout), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: s.opts.Probe, Timeout: s.opts.ProbeTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream(ctx)),
	)
	pbacl.RegisterACLServiceServer(srv, &aclService{api: s})
	pbconnectca.RegisterConnectCAServiceServer(srv, &connectCA{api: s})
	if s.opts.Servers != nil {
		pbserverdiscovery.RegisterServerDiscoveryServiceServer(srv, &serverDiscovery{api: s})
	}
	return rpc.RunServer(ctx, l, srv, "gRPC", s.opts.Logger)
}

// unary notes whom a request is made for and turns faults into statuses.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (rep any, err error) {
	defer func() { err = toStatus(err) }()
	defer fault.Survive(&err, info.FullMethod, s.opts.Logger.Error)
	return next(from(ctx), req)
}

// stream does the same, and ends watches when the server stops.
func (s *Server) stream(serving context.Context) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
		ctx, cancel := context.WithCancel(from(stream.Context()))
		defer cancel()
		defer context.AfterFunc(serving, cancel)()
		defer func() {
			if err = toStatus(err); serving.Err() != nil && stream.Context().Err() == nil {
				err = status.Error(codes.Unavailable, "the agent is stopping")
			}
		}()
		defer fault.Survive(&err, info.FullMethod, s.opts.Logger.Error)
		return next(srv, &watch{stream, ctx})
	}
}

// watch is a stream with a context of ours.
type watch struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (w *watch) Context() context.Context { return w.ctx }

func from(ctx context.Context) context.Context {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return rpc.From(ctx, p.Addr)
	}
	return ctx
}

// tokenKey is the metadata that a token comes in.
const tokenKey = "x-consul-token"

func tokenOf(ctx context.Context) string {
	if sent := metadata.ValueFromIncomingContext(ctx, tokenKey); len(sent) > 0 {
		return sent[0]
	}
	return ""
}

const textNoToken = "An ACL token must be provided (via the `x-consul-token` metadata field) to call this endpoint"

// inMesh lets a caller in who may act for some service.
func (s *Server) inMesh(ctx context.Context) error {
	if s.opts.ACL == nil {
		return nil
	}
	token := tokenOf(ctx)
	az, err := s.opts.ACL.Resolve(ctx, token)
	switch {
	case err != nil:
		return err
	case az.Allows(acl.Service.WriteAny()):
		return nil
	case token == "":
		return status.Error(codes.Unauthenticated, textNoToken)
	}
	return az.Check(acl.Service.WriteAny())
}
