package grpcapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/consul/proto-public/pbacl"
	"github.com/hashicorp/consul/proto-public/pbconnectca"
	"github.com/hashicorp/consul/proto-public/pbserverdiscovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/grpcapi"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// house answers what the door asks. Of tokens it knows "web", which may act for a
// service, "reader", which may not, and "", the anonymous one.
type house struct {
	mu      sync.Mutex
	index   uint64
	changed chan struct{}
	known   map[string]bool // tokens; by whether they may act for a service
	servers []grpcapi.ServerInfo
	err     error // of every operation
	asked   []rpc.Message
}

func newHouse() *house {
	return &house{
		index: 5, changed: make(chan struct{}), known: map[string]bool{"web": true, "reader": false, "": false},
		servers: []grpcapi.ServerInfo{{ID: "1", Address: "10.0.0.1", WAN: "192.0.2.1", Version: "1.22.7"}},
	}
}

// change changes something, and wakes who waits for it.
func (h *house) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.index++
	close(h.changed)
	h.changed = make(chan struct{})
}

// until waits until the index is above after.
func (h *house) until(ctx context.Context, after uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.index <= after {
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		h.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (h *house) Do(ctx context.Context, _ *rpc.Desc, req rpc.Message) (rpc.Message, error) {
	if req, ok := req.(*ops.ConnectCARootsRequest); ok && req.MinIndex > 0 {
		if err := h.until(ctx, req.MinIndex); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, req)
	if h.err != nil {
		return nil, h.err
	}
	switch req.(type) {
	case *ops.ConnectCARootsRequest:
		return &ops.ConnectCARootsReply{ReadMeta: rpc.ReadMeta{Index: h.index}, TrustDomain: "u.consul", Roots: []*catalog.CARoot{
			{ID: "new", Name: "two", Active: true, SerialNumber: 8, SigningKeyID: "k", RootCert: "PEM"}, {ID: "old", RotatedOut: int64(time.Hour)},
		}}, nil
	case *ops.ConnectCASignRequest:
		return &ops.ConnectCASignReply{CertPEM: "LEAF"}, nil
	case *ops.ACLLoginRequest:
		return &ops.ACLTokenReply{Token: ops.ACLToken{Row: catalog.ACLToken{AccessorID: "a", SecretID: "s"}}}, nil
	case *ops.ACLLogoutRequest:
		return &ops.ACLDeleteReply{}, nil
	}
	return nil, errors.New("unknown operation")
}

func (h *house) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	may, ok := h.known[token]
	if !ok {
		return nil, fault.New(fault.Denied, "ACL not found")
	}
	accessor := "id of " + token
	if token == "" {
		accessor = acl.AnonymousAccessor
	}
	return acl.New(accessor, func(n acl.Need) bool { return may && n == acl.Service.WriteAny() }), nil
}

func (h *house) listServers(ctx context.Context, after uint64) ([]grpcapi.ServerInfo, uint64, error) {
	if err := h.until(ctx, after); err != nil {
		return nil, 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.servers, h.index, nil
}

// serve serves the door in a bubble of virtual time.
func serve(t *testing.T, opts func(*house) grpcapi.Options, f func(t *testing.T, h *house, conn *grpc.ClientConn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		l := bufconn.Listen(1 << 20)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- grpcapi.New(opts(h)).Serve(ctx, l) }() // received below
		conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		f(t, h, conn)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the door ended with %v", err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}

func guarded(h *house) grpcapi.Options {
	return grpcapi.Options{Caller: h, ACL: h, Servers: h.listServers}
}

func as(t *testing.T, token string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "x-consul-token", token)
}

// wantStatus wants a code and a text.
func wantStatus(t *testing.T, what string, err error, code codes.Code, text string) {
	t.Helper()
	if st := status.Convert(err); st.Code() != code || st.Message() != text {
		t.Errorf("%s: %v %q, want %v %q", what, st.Code(), st.Message(), code, text)
	}
}

const textNoToken = "An ACL token must be provided (via the `x-consul-token` metadata field) to call this endpoint"

// TestRights asks every method that the door itself guards, as everybody.
func TestRights(t *testing.T) {
	watches := map[string]func(context.Context, *grpc.ClientConn) error{
		"WatchRoots": func(ctx context.Context, conn *grpc.ClientConn) error {
			stream, err := pbconnectca.NewConnectCAServiceClient(conn).WatchRoots(ctx, &pbconnectca.WatchRootsRequest{})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
		"WatchServers": func(ctx context.Context, conn *grpc.ClientConn) error {
			stream, err := pbserverdiscovery.NewServerDiscoveryServiceClient(conn).WatchServers(ctx, &pbserverdiscovery.WatchServersRequest{})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
	}
	serve(t, guarded, func(t *testing.T, _ *house, conn *grpc.ClientConn) {
		for name, ask := range watches {
			wantStatus(t, name+" as nobody", ask(t.Context(), conn), codes.Unauthenticated, textNoToken)
			wantStatus(t, name+" with an unknown token", ask(as(t, "zz"), conn), codes.Unauthenticated, "ACL not found")
			wantStatus(t, name+" as a reader", ask(as(t, "reader"), conn), codes.PermissionDenied, "Permission denied: token with AccessorID 'id of reader' lacks permission 'service:write'")
			wantStatus(t, name+" as a service", ask(as(t, "web"), conn), codes.OK, "")
		}
	})
	serve(t, func(h *house) grpcapi.Options { return grpcapi.Options{Caller: h, Servers: h.listServers} }, func(t *testing.T, _ *house, conn *grpc.ClientConn) {
		for name, ask := range watches {
			wantStatus(t, name+" without rules", ask(t.Context(), conn), codes.OK, "")
		}
	})
	serve(t, func(h *house) grpcapi.Options { return grpcapi.Options{Caller: h} }, func(t *testing.T, _ *house, conn *grpc.ClientConn) {
		wantStatus(t, "servers of a client agent", watches["WatchServers"](t.Context(), conn), codes.Unimplemented, "unknown service hashicorp.consul.serverdiscovery.ServerDiscoveryService")
	})
}

func TestRootsAreWatchedWhileTheTokenMay(t *testing.T) {
	serve(t, guarded, func(t *testing.T, h *house, conn *grpc.ClientConn) {
		stream, err := pbconnectca.NewConnectCAServiceClient(conn).WatchRoots(as(t, "web"), &pbconnectca.WatchRootsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		first, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if first.ActiveRootId != "new" || first.TrustDomain != "u.consul" || len(first.Roots) != 2 || first.Roots[0].SerialNumber != 8 || !first.Roots[0].Active {
			t.Errorf("roots %v", first)
		}
		if at := first.Roots[1].RotatedOutAt.AsTime(); !at.Equal(time.Unix(3600, 0)) {
			t.Errorf("rotated out at %v", at)
		}
		h.change(func() { h.err = fault.New(fault.NoLeader, "No cluster leader") })
		synctest.Wait()
		h.change(func() { h.err = nil }) // it asks again by itself
		if _, err := stream.Recv(); err != nil {
			t.Errorf("after a while without a leader: %v", err)
		}
		h.change(func() { delete(h.known, "web") })
		for err == nil { // the change itself may still be told
			_, err = stream.Recv()
		}
		wantStatus(t, "once the token is gone", err, codes.Unauthenticated, "ACL not found")
	})
}

func TestServersAreWatched(t *testing.T) {
	serve(t, guarded, func(t *testing.T, h *house, conn *grpc.ClientConn) {
		for _, wan := range []bool{false, true} {
			stream, err := pbserverdiscovery.NewServerDiscoveryServiceClient(conn).WatchServers(as(t, "web"), &pbserverdiscovery.WatchServersRequest{Wan: wan})
			if err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{false: "10.0.0.1", true: "192.0.2.1"}[wan]
			rep, err := stream.Recv()
			if err != nil || len(rep.Servers) != 1 || rep.Servers[0].Address != want || rep.Servers[0].Id != "1" || rep.Servers[0].Version != "1.22.7" {
				t.Fatalf("wan %v: %v, %v", wan, rep, err)
			}
			h.change(func() {}) // something about them that is not told
			h.change(func() { h.servers = append(h.servers, grpcapi.ServerInfo{ID: "2", Address: "10.0.0.2"}) })
			if rep, err = stream.Recv(); err != nil || len(rep.Servers) != 2 {
				t.Errorf("wan %v: %v, %v after one more came", wan, rep, err)
			}
			h.change(func() { h.servers = h.servers[:1] })
		}
	})
}

func TestWatchesEndWithTheAgent(t *testing.T) {
	var stream grpc.ServerStreamingClient[pbconnectca.WatchRootsResponse]
	synctest.Test(t, func(t *testing.T) {
		h, l := newHouse(), bufconn.Listen(1<<20)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- grpcapi.New(guarded(h)).Serve(ctx, l) }() // received below
		conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if stream, err = pbconnectca.NewConnectCAServiceClient(conn).WatchRoots(as(t, "web"), &pbconnectca.WatchRootsRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		stop()
		if err := <-ended; err != nil || time.Since(began) > time.Second {
			t.Errorf("the door ended with %v after %v", err, time.Since(began))
		}
		_, err = stream.Recv()
		wantStatus(t, "a watch of an agent that stops", err, codes.Unavailable, "the agent is stopping")
	})
}

func TestSign(t *testing.T) {
	rows := []struct {
		csr  string
		err  error
		code codes.Code
		text string
	}{
		{"x", nil, codes.OK, ""},
		{"", nil, codes.InvalidArgument, "CSR is required"},
		{"x", fault.New(fault.Invalid, "no PEM-encoded data found"), codes.InvalidArgument, "no PEM-encoded data found"},
		{"x", fault.New(fault.Invalid, "SPIFFE ID must have 'spiffe' scheme"), codes.Internal, "failed to sign leaf certificate"},
		{"x", fault.New(fault.Denied, "Permission denied: token with AccessorID 'a' lacks permission 'service:write' on \"web\""), codes.PermissionDenied, "Permission denied: token with AccessorID 'a' lacks permission 'service:write' on \"web\""},
		{"x", fault.New(fault.Denied, "ACL not found"), codes.Unauthenticated, "ACL not found"},
		{"x", fault.New(fault.Limit, "signing limit reached"), codes.ResourceExhausted, "signing limit reached"},
		{"x", fault.New(fault.NoLeader, "No cluster leader"), codes.Unavailable, "No cluster leader"},
		{"x", fault.New(fault.Overloaded, "busy"), codes.ResourceExhausted, "busy"},
		{"x", fault.New(fault.NotFound, "gone"), codes.NotFound, "gone"},
		{"x", errors.New("disk"), codes.Internal, "disk"},
		{strings.Repeat("x", 300<<10), nil, codes.ResourceExhausted, "grpc: received message larger than max (307204 vs. 262144)"},
	}
	serve(t, guarded, func(t *testing.T, h *house, conn *grpc.ClientConn) {
		for _, row := range rows {
			h.change(func() { h.err = row.err })
			rep, err := pbconnectca.NewConnectCAServiceClient(conn).Sign(as(t, "web"), &pbconnectca.SignRequest{Csr: row.csr})
			wantStatus(t, row.text, err, row.code, row.text)
			if err == nil && rep.CertPem != "LEAF" {
				t.Errorf("certificate %q", rep.CertPem)
			}
		}
		if req, ok := h.asked[0].(*ops.ConnectCASignRequest); !ok || req.Token != "web" || req.CSR != "x" {
			t.Errorf("asked for %+v", h.asked[0])
		}
	})
}

func TestLoginAndLogout(t *testing.T) {
	rows := []struct {
		err           error
		login, logout codes.Code
		text          string // of both
	}{
		{nil, codes.OK, codes.OK, ""},
		{fault.New(fault.Denied, "ACL not found: auth method \"x\" not found"), codes.InvalidArgument, codes.PermissionDenied, ""},
		{fault.New(fault.Rejected, "error parsing token: x"), codes.Unauthenticated, codes.Internal, "error parsing token: x"},
		{fault.New(fault.Denied, "Permission denied"), codes.PermissionDenied, codes.PermissionDenied, "Permission denied"},
		{fault.New(fault.Rejected, "ACL support disabled"), codes.FailedPrecondition, codes.FailedPrecondition, "ACL support disabled"},
		{fault.New(fault.Rejected, rpc.TextNoPath), codes.Unavailable, codes.Unavailable, "resolver error: resolver produced no addresses"},
		{fault.New(fault.Denied, "token does not exist: ACL not found"), codes.Unauthenticated, codes.OK, ""},
	}
	serve(t, guarded, func(t *testing.T, h *house, conn *grpc.ClientConn) {
		client := pbacl.NewACLServiceClient(conn)
		for _, row := range rows {
			h.change(func() { h.err = row.err })
			rep, err := client.Login(t.Context(), &pbacl.LoginRequest{AuthMethod: "x", BearerToken: "b", Datacenter: "dc2", Meta: map[string]string{"a": "b"}})
			if status.Code(err) != row.login || row.text != "" && status.Convert(err).Message() != row.text {
				t.Errorf("login, %v: %v", row.err, err)
			}
			if err == nil && (rep.Token.AccessorId != "a" || rep.Token.SecretId != "s") {
				t.Errorf("token %v", rep.Token)
			}
			_, err = client.Logout(t.Context(), &pbacl.LogoutRequest{Token: "s", Datacenter: "dc2"})
			if status.Code(err) != row.logout || row.text != "" && status.Convert(err).Message() != row.text {
				t.Errorf("logout, %v: %v", row.err, err)
			}
		}
		_, err := client.Logout(t.Context(), &pbacl.LogoutRequest{})
		wantStatus(t, "logout of nobody", err, codes.InvalidArgument, "token is required")
		login, logout := h.asked[0].(*ops.ACLLoginRequest), h.asked[1].(*ops.ACLLogoutRequest)
		if login.AuthMethod != "x" || login.Bearer != "b" || login.Datacenter != "dc2" || login.Meta["a"] != "b" || login.Token != "" {
			t.Errorf("login asked for %+v", login)
		}
		if logout.Token != "s" || logout.Datacenter != "dc2" {
			t.Errorf("logout asked for %+v", logout)
		}
	})
}

// FuzzConnection gives the door what comes first on a connection, and behind a true
// beginning of HTTP/2: it neither panics nor goes on for ever.
func FuzzConnection(f *testing.F) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	f.Add([]byte(""), false)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), false)
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), true)
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x02\x01\x04\x00\x00\x00\x01\x82\x84"), true)
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x40\x00\x00\x01\x00\x00\x00\x01"), true)
	f.Fuzz(func(t *testing.T, b []byte, begun bool) {
		if begun {
			b = append([]byte(preface), b...)
		}
		l := bufconn.Listen(1 << 16)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- grpcapi.New(guarded(newHouse())).Serve(ctx, l) }() // received below
		conn, err := l.Dial()
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends with the connection
			_, _ = conn.Write(b)
			conn.Close()
		}()
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, 1<<16))
		conn.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// panics panics instead of an answer.
type panics struct{}

func (panics) Do(context.Context, *rpc.Desc, rpc.Message) (rpc.Message, error) { panic("oops") }

// TestACallThatPanicsFailsAlone: gRPC lets a panic end the process.
func TestACallThatPanicsFailsAlone(t *testing.T) {
	serve(t, func(h *house) grpcapi.Options { return grpcapi.Options{Caller: panics{}, ACL: h} }, func(t *testing.T, _ *house, conn *grpc.ClientConn) {
		_, err := pbacl.NewACLServiceClient(conn).Logout(as(t, "web"), &pbacl.LogoutRequest{Token: "web"})
		wantStatus(t, "a call", err, codes.Internal,
			"/hashicorp.consul.acl.ACLService/Logout failed by a fault in this program, which the agent's log describes: oops")
		stream, err := pbconnectca.NewConnectCAServiceClient(conn).WatchRoots(as(t, "web"), &pbconnectca.WatchRootsRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		wantStatus(t, "a watch", err, codes.Internal,
			"/hashicorp.consul.connectca.ConnectCAService/WatchRoots failed by a fault in this program, which the agent's log describes: oops")
	})
}
