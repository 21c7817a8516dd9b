package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"google.golang.org/grpc/status"

	"praetor/internal/tlsconf"
)

// ErrNoHello reports that a server closed the connection instead of answering a
// hello, as builds do that know none.
var ErrNoHello = errors.New("it closed the connection without a word")

// Dialer opens connections to the port of servers and makes sure whom it
// reached.
type Dialer struct {
	Identity Identity
	// Network opens a TCP connection.
	Network func(ctx context.Context, address string) (net.Conn, error)
	// TLS gives the configuration for connections to a server, which names it as
	// its certificate must; nil for a plain connection. It says so of each server:
	// one that is to be reached by TLS is never spoken to without. nil gives none.
	TLS func(Server) *tls.Config
	// Refused is told the ID of a server whose port refused a connection: nothing
	// listens there. It must not wait. nil is not told.
	Refused func(id string)
}

// Outgoing is Dialer.TLS as a source says, which may be nil.
func Outgoing(source *tlsconf.Source) func(Server) *tls.Config {
	return func(srv Server) *tls.Config { return source.Outgoing(srv.Datacenter) }
}

// DialRaft opens a connection for Raft. The server must say that it is srv, of
// the ID and datacenter given, prove to have a gossip key where this agent has
// some, and take this agent for a server it knows.
func (d *Dialer) DialRaft(ctx context.Context, srv Server) (net.Conn, error) {
	return d.dial(ctx, raftByte, srv)
}

// DialOldRaft opens a connection for Raft to a server that knows no hello; who
// answers is anybody's guess. It fails where keys are to be proved.
func (d *Dialer) DialOldRaft(ctx context.Context, srv Server) (net.Conn, error) {
	if d.demands(srv.Datacenter) {
		return nil, unproven(srv.Address)
	}
	return d.dialOld(ctx, raftByte, srv)
}

// dialRPC opens a connection for RPC, to a server that knows no hello too unless
// keys are to be proved.
func (d *Dialer) dialRPC(ctx context.Context, srv Server) (net.Conn, error) {
	conn, err := d.dial(ctx, rpcByte, srv)
	if errors.Is(err, ErrNoHello) && !d.demands(srv.Datacenter) {
		return d.dialOld(ctx, rpcByte, srv)
	}
	return conn, err
}

// demands reports whether servers of a datacenter must prove to have a key.
func (d *Dialer) demands(datacenter string) bool {
	return !d.Identity.AskUnproven && len(d.Identity.keys(datacenter)) > 0
}

// Uncertified asks one server for what it answers to who has no certificate yet, over a
// connection of its own on which none is shown. Dialer.TLS must give a configuration.
type Uncertified struct {
	Dialer Dialer
	Server Server
}

// Do implements Caller.
func (u Uncertified) Do(ctx context.Context, op *Desc, req Message) (Message, error) {
	p := pool{dial: func(ctx context.Context, srv Server) (net.Conn, error) {
		if u.Dialer.TLS == nil || u.Dialer.TLS(srv) == nil {
			return nil, errors.New("without TLS nobody is asked for a certificate")
		}
		return u.Dialer.open(ctx, srv, uncertifiedByte, func(conn net.Conn) error { return u.Dialer.greet(conn, rpcByte, srv, nil) })
	}}
	defer p.close()
	l, err := p.get(u.Server, laneShort)
	if err != nil {
		return nil, err
	}
	rep := op.NewReply()
	if reached, err := l.askAlone(ctx, op, req, rep, &origin{}); err != nil {
		if said := fromStatus(status.Convert(err)); said != nil {
			return nil, said // by the one who was asked: nobody relayed it
		}
		_, err = judge(ctx, err, u.Server.Address, op, hopNone, reached)
		return nil, err
	}
	return rep, nil
}

func (d *Dialer) dial(ctx context.Context, purpose byte, srv Server) (net.Conn, error) {
	return d.open(ctx, srv, tlsByte, func(conn net.Conn) error { return d.greet(conn, purpose, srv, nil) })
}

// Instance is the number of the process that answers as srv (Identity.Instance).
func (d *Dialer) Instance(ctx context.Context, srv Server) (instance uint64, err error) {
	conn, err := d.open(ctx, srv, tlsByte, func(conn net.Conn) error { return d.greet(conn, rpcByte, srv, &instance) })
	if err != nil {
		return 0, err
	}
	return instance, conn.Close()
}

func (d *Dialer) dialOld(ctx context.Context, purpose byte, srv Server) (net.Conn, error) {
	return d.open(ctx, srv, tlsByte, func(conn net.Conn) error {
		_, err := conn.Write([]byte{purpose})
		return err
	})
}

// open dials, begins TLS if it is to, and shakes hands, for handshakeTimeout or
// until ctx ends. begin is what announces TLS.
func (d *Dialer) open(ctx context.Context, srv Server, begin byte, shake func(net.Conn) error) (net.Conn, error) {
	raw, err := d.Network(ctx, srv.Address)
	if err != nil {
		if d.Refused != nil && errors.Is(err, syscall.ECONNREFUSED) {
			d.Refused(srv.ID)
		}
		return nil, err
	}
	deadline := time.Now().Add(handshakeTimeout)
	if until, ok := ctx.Deadline(); ok && until.Before(deadline) {
		deadline = until
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	conn := raw
	if err = raw.SetDeadline(deadline); err == nil {
		conn, err = d.secure(ctx, raw, srv, begin)
	}
	if err == nil {
		err = shake(conn)
	}
	if errors.Is(err, ErrNoHello) && conn != raw {
		err = closedOver(conn)
	}
	if !stop() {
		err = ctx.Err()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("open connection to %s: %w", srv.Address, err)
	}
	return conn, nil
}

// closedOver says why a server closed a connection right behind the TLS handshake:
// TLS 1.3 tells only then that it refuses a certificate. Who speaks TLS knows
// hellos, so it is not ErrNoHello.
func closedOver(conn net.Conn) error {
	var alert [1]byte
	if _, err := conn.Read(alert[:]); err != nil && !errors.Is(noHello(err), ErrNoHello) {
		return fmt.Errorf("the server refused the TLS connection: %w", err)
	}
	return errors.New("the server closed the TLS connection: it may not take the certificate of this agent")
}

// secure begins TLS on a connection, if a server is to be reached by it.
func (d *Dialer) secure(ctx context.Context, conn net.Conn, srv Server, begin byte) (net.Conn, error) {
	if d.TLS == nil {
		return conn, nil
	}
	config := d.TLS(srv)
	if config == nil {
		return conn, nil
	}
	if _, err := conn.Write([]byte{begin}); err != nil {
		return nil, fmt.Errorf("begin TLS: %w", err)
	}
	over := tls.Client(conn, config)
	if err := over.HandshakeContext(ctx); err != nil {
		if errors.Is(noHello(err), ErrNoHello) {
			err = errors.New("the server closed the connection: it takes no TLS there, or not this agent's certificate")
		}
		return nil, fmt.Errorf("begin TLS: %w", err)
	}
	return over, nil
}

// greet is the dialer's side of the handshake.
// instance, if it is not nil, gets that of whoever answers.
func (d *Dialer) greet(conn net.Conn, purpose byte, srv Server, instance *uint64) error {
	ours := d.Identity.newHello(purpose, srv.ID)
	said, err := ours.encode()
	if err != nil {
		return err
	}
	if _, err := conn.Write(said); err != nil {
		return noHello(err)
	}
	theirs, answer, err := readAnswer(conn)
	if err != nil {
		return err
	}
	if err := isWanted(theirs, srv); err != nil {
		return err
	}
	var shown [proofBytes]byte
	if _, err := io.ReadFull(conn, shown[:]); err != nil {
		return fmt.Errorf("read proof: %w", err)
	}
	keys := d.Identity.keys(theirs.datacenter)
	if len(keys) > 0 && !d.Identity.AskUnproven && !isProven(keys, shown[:], byListener, said, answer) {
		return unproven(srv.Address)
	}
	if _, err := conn.Write(prove(keys, byDialer, said, answer)); err != nil {
		return fmt.Errorf("send proof: %w", err)
	}
	var verdict [1]byte
	if _, err := io.ReadFull(conn, verdict[:]); err != nil {
		return fmt.Errorf("wait for the server's word: %w", err)
	}
	if verdict[0] == refusedTwin {
		return fmt.Errorf("server %s refused: %w", theirs.id, ErrTwin)
	}
	if verdict[0] != welcome {
		return fmt.Errorf("server %s refused: %s", theirs.id, refusal(verdict[0]))
	}
	d.Identity.heard(theirs)
	if instance != nil {
		*instance = theirs.instance
	}
	return nil
}

// readAnswer reads the listener's hello.
func readAnswer(conn net.Conn) (theirs hello, answer []byte, err error) {
	var first [1]byte
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		return theirs, nil, noHello(err)
	}
	switch first[0] {
	case helloByte:
		return readHello(conn)
	case tlsByte:
		return theirs, nil, errors.New("the server takes TLS connections only: set tls.internal_rpc.verify_outgoing with ca_file, cert_file and key_file")
	}
	return theirs, nil, errors.New("what answers there is no Praetor server")
}

// noHello tells a connection that was closed by the other side from one that
// failed otherwise. Who closes without having read all sends a reset.
func noHello(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return ErrNoHello
	}
	return fmt.Errorf("greet server: %w", err)
}

// isWanted checks that the server is the one that was to be reached.
func isWanted(theirs hello, srv Server) error {
	switch {
	case srv.ID != "" && theirs.id != srv.ID:
		return fmt.Errorf("the server there has the ID %s, not %s", theirs.id, srv.ID)
	case srv.Datacenter != "" && theirs.datacenter != srv.Datacenter:
		return fmt.Errorf("the server there is of datacenter %s, not %s", theirs.datacenter, srv.Datacenter)
	}
	return nil
}

func unproven(address string) error {
	return fmt.Errorf("what answers at %s does not prove to have the gossip key: all agents need the same encrypt key", address)
}

var _ Caller = Uncertified{}
