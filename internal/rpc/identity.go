package rpc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"net"

	"praetor/internal/telemetry"
)

// Identity is who this agent is to those at the other end of its connections,
// and what it asks of them.
type Identity struct {
	ID, Datacenter string
	// Keys gives the gossip keys that this agent shares with agents of a
	// datacenter, the one to prove with first; none where nothing is to be
	// proved. It is asked once per connection, so that a rotation of keys counts
	// from the next one on. nil gives none.
	Keys func(datacenter string) [][]byte
	// AcceptUnproven lets in who cannot prove to have a key though there are
	// keys, AskUnproven talks to servers that cannot (encrypt_verify_incoming and
	// encrypt_verify_outgoing, when false).
	AcceptUnproven, AskUnproven bool

	// Instance is a number that only this process has; 0 for none.
	Instance uint64
	// Seen and Told are a server's raftstore.Witness: how far another server was seen
	// to be, and what another one has seen of this one. Both sides of a connection for
	// Raft say it. nil where no Raft is spoken.
	Seen func(id string) (term, index uint64)
	Told func(by string, term, index uint64)
}

// heard takes what the other side of a connection for Raft, once it is known to be
// who it says, has seen of this server.
func (i *Identity) heard(h hello) {
	if h.purpose == raftByte && i.Told != nil && h.seenTerm > 0 {
		i.Told(h.id, h.seenTerm, h.seenIndex)
	}
}

func (i *Identity) keys(datacenter string) [][]byte {
	if i.Keys == nil {
		return nil
	}
	return i.Keys(datacenter)
}

// Peer is the agent at the other end of a connection to a server's port.
type Peer struct {
	// ID and Datacenter are what it said, "" if it said nothing. Whoever has a
	// key can say what he likes: they guard against mistakes, not against malice.
	ID, Datacenter string
	// Proven reports that it has a gossip key of ours.
	Proven bool
	// Certificate is the one that it proved to have, of an authority that the
	// listener trusts; nil if it showed none, or came without TLS.
	Certificate *x509.Certificate
}

// proof shows that its maker has key: a code over both hellos, and so over both
// nonces, both IDs and what the connection is for. by tells the two sides' proofs
// apart, or one could be sent back as the other.
func proof(key []byte, by string, hello, answer []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("praetor port 8300 " + by + "\x00"))
	mac.Write(hello)
	mac.Write(answer)
	return mac.Sum(nil)
}

// Who makes a proof.
const (
	byDialer   = "dialer"
	byListener = "listener"
)

// prove makes this agent's proof, all zero where there is no key.
func prove(keys [][]byte, by string, hello, answer []byte) []byte {
	if len(keys) == 0 {
		return make([]byte, proofBytes)
	}
	return proof(keys[0], by, hello, answer)
}

// isProven reports whether one of keys made a proof, in the same time whichever
// it was.
func isProven(keys [][]byte, got []byte, by string, hello, answer []byte) bool {
	proven := false
	for _, key := range keys {
		proven = hmac.Equal(got, proof(key, by, hello, answer)) || proven
	}
	return proven
}

// greeted tells gRPC whom the Listener has met on a connection.
type greeted struct {
	conns   *telemetry.Counter
	partial *partial
}

// peerInfo is a Peer as gRPC carries it.
type peerInfo struct {
	Peer
	keyed bool         // it had to prove that it has a gossip key
	conn  *partialConn // what it sends requests over; nil on the dialer's side
}

// AuthType implements credentials.AuthInfo.
func (peerInfo) AuthType() string { return "praetor" }

// ServerHandshake implements credentials.TransportCredentials: the Listener has
// done it.
func (g greeted) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	g.conns.Incr()
	in := &partialConn{Conn: conn, all: g.partial, asks: make(chan struct{}, maxStreams)}
	var met peerInfo
	if from, ok := conn.(*counted); ok {
		met = from.peer
	}
	met.conn = in
	return in, met, nil
}

// ClientHandshake implements credentials.TransportCredentials; the Dialer has
// done it.
func (greeted) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return conn, peerInfo{}, nil
}

// Info implements credentials.TransportCredentials.
func (greeted) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "praetor"}
}

// Clone implements credentials.TransportCredentials.
func (g greeted) Clone() credentials.TransportCredentials { return g }

// OverrideServerName implements credentials.TransportCredentials.
func (greeted) OverrideServerName(string) error { return nil }

// PeerOf returns who sent the request that a handler's ctx belongs to; false if
// it was made in this process.
func PeerOf(ctx context.Context) (Peer, bool) {
	met, ok := metOf(ctx)
	return met.Peer, ok
}

func metOf(ctx context.Context) (peerInfo, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return peerInfo{}, false
	}
	met, ok := p.AuthInfo.(peerInfo)
	return met, ok
}

var _ credentials.TransportCredentials = greeted{}
