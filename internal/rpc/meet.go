package rpc

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// unwelcome is why a connection was refused whose other side said who it is, or
// should have.
type unwelcome struct {
	why     string
	verdict byte
}

// Error implements error.
func (u *unwelcome) Error() string { return u.why }

// meet is the listener's side of the handshake: it finds out what a connection
// is for and who is at the other end, and gives the half that it belongs to.
func (l *Listener) meet(conn *counted) (*half, error) {
	first, err := firstByte(conn)
	switch {
	case err != nil:
	case first == uncertifiedByte && l.uncertified != nil:
		return l.meetUncertified(conn)
	case first == tlsByte:
		if err = l.secure(conn, l.opts.TLS.Accept); err == nil {
			first, err = firstByte(conn)
		}
	case first == helloByte || first == raftByte || first == rpcByte:
		err = l.takePlain(conn, first)
	}
	switch {
	case err != nil:
		return nil, err
	case first == helloByte:
		return l.answer(conn)
	case first == raftByte || first == rpcByte:
		return l.meetOld(conn, first)
	}
	return nil, fmt.Errorf("unknown first byte %#x", first)
}

func firstByte(conn *counted) (byte, error) {
	var first [1]byte
	if _, err := io.ReadFull(conn.Conn, first[:]); err != nil {
		return 0, fmt.Errorf("read first byte: %w", err)
	}
	return first[0], nil
}

// meetUncertified is meet for who has no certificate yet. Whatever he wants, he gets to
// the one half that is for him.
func (l *Listener) meetUncertified(conn *counted) (*half, error) {
	if err := l.secure(conn, l.opts.TLS.AcceptUncertified); err != nil {
		return nil, err
	}
	switch first, err := firstByte(conn); {
	case err != nil:
		return nil, err
	case first != helloByte:
		return nil, fmt.Errorf("unknown first byte %#x without a certificate", first)
	}
	to, err := l.answer(conn)
	if err == nil && to != l.rpc {
		err = errors.New("it wants to speak Raft without a certificate")
	}
	return l.uncertified, err
}

// secure begins TLS on a connection, which ends with its deadline.
func (l *Listener) secure(conn *counted, accept func(net.Conn) *tls.Conn) error {
	if !l.opts.TLS.Serves() {
		return errors.New("it wants TLS, for which this server has no certificate")
	}
	over := accept(conn.Conn)
	conn.Conn = over
	if err := over.Handshake(); err != nil {
		return &shakeError{err}
	}
	if chains := over.ConnectionState().VerifiedChains; len(chains) > 0 {
		conn.peer.Certificate = chains[0][0]
	}
	return nil
}

// shakeError is why a handshake of TLS failed.
type shakeError struct{ err error }

// Error implements error.
func (s *shakeError) Error() string { return "begin TLS: " + s.err.Error() }

// Unwrap implements errors.
func (s *shakeError) Unwrap() error { return s.err }

// takePlain lets a connection in that comes without TLS, or tells who can read it that
// it needs some.
func (l *Listener) takePlain(conn *counted, first byte) error {
	plain, err := l.opts.TLS.AcceptPlain(conn.Conn)
	if err == nil {
		conn.Conn = plain
		return nil
	}
	if first == helloByte {
		_, _ = conn.Conn.Write([]byte{tlsByte}) // it is closed whether that arrives or not
	}
	return err
}

func (l *Listener) halfFor(purpose byte) *half {
	if purpose == raftByte {
		return l.raft
	}
	return l.rpc
}

// answer answers a hello. Nothing else is read before its sender was judged.
func (l *Listener) answer(conn *counted) (*half, error) {
	id := &l.opts.Identity
	theirs, said, err := readHello(conn.Conn)
	if err != nil {
		return nil, err
	}
	ours := id.newHello(theirs.purpose, theirs.id)
	answer, err := ours.encode()
	if err != nil {
		return nil, err
	}
	keys := id.keys(theirs.datacenter)
	if _, err := conn.Conn.Write(append(answer[:len(answer):len(answer)], prove(keys, byListener, said, answer)...)); err != nil {
		return nil, fmt.Errorf("answer hello: %w", err)
	}
	var shown [proofBytes]byte
	if _, err := io.ReadFull(conn.Conn, shown[:]); err != nil {
		return nil, fmt.Errorf("read proof: %w", err)
	}
	conn.peer.ID, conn.peer.Datacenter = theirs.id, theirs.datacenter
	conn.peer.Proven = isProven(keys, shown[:], byDialer, said, answer)
	conn.peer.keyed = len(keys) > 0 && !id.AcceptUnproven
	refused := l.judge(conn, theirs, len(keys) > 0)
	verdict := []byte{welcome}
	if refused != nil {
		verdict[0] = refused.verdict
	}
	if _, err := conn.Conn.Write(verdict); err != nil {
		return nil, fmt.Errorf("send verdict: %w", err)
	}
	if refused != nil {
		return nil, refused
	}
	id.heard(theirs)
	return l.halfFor(theirs.purpose), nil
}

// judge says why a peer is not let in, nil if it is.
func (l *Listener) judge(conn *counted, theirs hello, keyed bool) *unwelcome {
	p := &conn.peer.Peer
	switch {
	case keyed && !p.Proven && !l.acceptUnproven(conn):
		return &unwelcome{"it does not prove to have the gossip key", refusedUnproven}
	case theirs.purpose != raftByte:
		return nil
	case p.Datacenter != l.opts.Identity.Datacenter:
		return &unwelcome{fmt.Sprintf("a server of datacenter %q wants to speak Raft", p.Datacenter), refusedDatacenter}
	case p.ID == "" || !l.opts.Knows(p.ID, hostOf(conn.RemoteAddr())):
		return &unwelcome{fmt.Sprintf("who wants to speak Raft is no known server: its ID is %q", p.ID), refusedStranger}
	case !l.opts.TLS.ActsAsServer(conn.Conn, p.Datacenter):
		return &unwelcome{fmt.Sprintf("who wants to speak Raft proves by no certificate to be a server of %q: its ID is %q", p.Datacenter, p.ID), refusedUncertified}
	case theirs.instance != 0 && l.opts.IsTwin != nil && l.opts.IsTwin(p.ID, theirs.instance):
		return &unwelcome{fmt.Sprintf("a second server with the ID %s wants to speak Raft, and the first one answers: one of them has a copy of the other's data folder", p.ID), refusedTwin}
	}
	return nil
}

// meetOld lets in who knows no hello, where nothing is to be proved; for Raft
// only from the address of a server, and only if it goes on: such a connection
// is opened to say something.
func (l *Listener) meetOld(conn *counted, purpose byte) (*half, error) {
	if len(l.opts.Identity.keys(l.opts.Identity.Datacenter)) > 0 && !l.acceptUnproven(conn) {
		return nil, &unwelcome{"it does not prove to have the gossip key", refusedUnproven}
	}
	if purpose != raftByte {
		return l.rpc, nil
	}
	if !l.opts.Knows("", hostOf(conn.RemoteAddr())) {
		return nil, &unwelcome{"who wants to speak Raft is not at the address of a known server", refusedStranger}
	}
	if !l.opts.TLS.ActsAsServer(conn.Conn, l.opts.Identity.Datacenter) {
		return nil, &unwelcome{"who wants to speak Raft proves by no certificate to be a server", refusedUncertified}
	}
	conn.first = make([]byte, 1)
	if _, err := io.ReadFull(conn.Conn, conn.first); err != nil {
		conn.first = nil
		return nil, fmt.Errorf("read first Raft message: %w", err)
	}
	return l.raft, nil
}

// acceptUnproven reports whether peers without proof are let in, and warns once
// if one is.
func (l *Listener) acceptUnproven(conn net.Conn) bool {
	if !l.opts.Identity.AcceptUnproven {
		return false
	}
	l.warnedUnproven.Do(func() {
		l.logger.Warn("letting in agents that do not prove to have the gossip key, as encrypt_verify_incoming says", "first", hostOf(conn.RemoteAddr()))
	})
	return true
}
