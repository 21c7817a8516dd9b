package gossip

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	// maxStreamBytes bounds what one stream may bring, packed and unpacked: the
	// state of some 50,000 members.
	maxStreamBytes = 24 << 20
	// maxSmallBytes bounds values of a stream that are no list: a ping, a
	// state's header, one member's entry.
	maxSmallBytes = 8 << 10
	// maxUserBytes bounds a message to serf that comes in a stream. Serf sends
	// its own in packets.
	maxUserBytes = 64 << 10
	// minNodeBytes is less than any member's entry takes: memberlist makes room
	// of 104 bytes for each, before the first has come.
	minNodeBytes = 40
	// readChunk is how much a message grows at a time.
	readChunk = 16 << 10
)

var errWrongKind = errors.New("message of a kind that is not expected")

// stream is a connection of memberlist, incoming or outgoing. What the other
// side sends reaches memberlist only once the whole message is there, unpacked,
// and holds what it claims to hold: memberlist makes room for what is claimed.
// Encrypted messages pass as they come: nothing of them is decoded before they
// have proven their key.
type stream struct {
	net.Conn
	costs    *costs
	identify func(c net.Conn, request *message) error // answers wireIdentify; nil for outgoing ones
	rejected func(from net.Addr, why error)           // incoming ones only
	sealed   bool                                     // only encrypted messages are read

	checked sync.Once
	plain   []byte // not yet read by memberlist
	raw     bool   // the rest passes as it comes
	err     error

	mu     sync.Mutex
	spent  int // bytes paid for
	closed bool
}

// Read gives memberlist what was checked. Memberlist has set a deadline.
func (s *stream) Read(b []byte) (int, error) {
	s.checked.Do(s.check)
	if len(s.plain) > 0 {
		n := copy(b, s.plain)
		s.plain = s.plain[n:]
		return n, nil
	}
	switch {
	case s.err != nil:
		return 0, s.err
	case !s.raw:
		return 0, io.EOF
	}
	n, err := s.Conn.Read(b)
	if full := s.pay(n); full != nil {
		return 0, full
	}
	return n, err
}

// Close gives back what the stream cost.
func (s *stream) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.costs.give(s.RemoteAddr(), s.spent)
	}
	s.mu.Unlock()
	return s.Conn.Close()
}

// pay is called before n more bytes are kept.
func (s *stream) pay(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent+n > maxStreamBytes {
		return errTooLong
	}
	if s.closed || !s.costs.take(s.RemoteAddr(), n) {
		return errBusy
	}
	s.spent += n
	return nil
}

// check reads the message. Of an incoming one that is refused memberlist sees
// nothing, and so says nothing.
func (s *stream) check() {
	s.plain, s.raw, s.err = s.message()
	if s.err == nil {
		return
	}
	s.plain = nil
	if s.rejected != nil && s.err != io.EOF {
		s.rejected(s.RemoteAddr(), s.err)
		s.err = io.EOF
	}
}

// message returns the first message; raw means that more may follow unchecked.
func (s *stream) message() (plain []byte, raw bool, err error) {
	m := &message{}
	m.grow = func(n int) error { return s.grow(m, n) }
	head, err := m.take(1)
	if err != nil {
		return nil, false, err
	}
	kind := head[0]
	if kind == wireIdentify && s.identify != nil {
		if err := s.identify(s.Conn, m); err != nil {
			return nil, false, err
		}
		return nil, false, io.EOF
	}
	if s.sealed {
		return m.got, true, nil // memberlist refuses what is not encrypted at its first byte
	}
	switch kind {
	case wireCompress:
		value, err := m.value(maxStreamBytes)
		if err != nil {
			return nil, false, err
		}
		plain, err := s.unpack(value)
		return plain, false, err
	case wirePushPull, wireUser, wirePing, wireAck, wireError:
		err := checkStream(kind, m)
		return m.got, true, err
	default: // encrypted, or refused by memberlist at its first byte
		return m.got, true, nil
	}
}

// grow reads at least n more bytes of a message.
func (s *stream) grow(m *message, n int) error {
	for n > 0 {
		if err := s.pay(readChunk); err != nil {
			return err
		}
		had := len(m.got)
		m.got = append(m.got, make([]byte, readChunk)...)
		got, err := s.Conn.Read(m.got[had:])
		m.got = m.got[:had+got]
		s.refund(readChunk - got)
		if n -= got; n > 0 && err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) refund(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.costs.give(s.RemoteAddr(), n)
		s.spent -= n
	}
}

// unpack unpacks a compressed message and checks it.
func (s *stream) unpack(value []byte) ([]byte, error) {
	plain, err := expand(value, s.pay)
	if err != nil {
		return nil, err
	}
	if len(plain) == 0 {
		return nil, errors.New("compressed message is empty")
	}
	return plain, checkStream(plain[0], &message{got: plain, at: 1})
}

// checkStream reads the rest of a message and checks that it has what it claims.
func checkStream(kind byte, m *message) error {
	switch kind {
	case wirePing, wireAck, wireError:
		_, err := m.value(maxSmallBytes)
		return err
	case wireUser:
		return checkUser(m)
	case wirePushPull:
		return checkState(m)
	}
	return errWrongKind
}

func checkUser(m *message) error {
	value, err := m.value(maxSmallBytes)
	if err != nil {
		return err
	}
	var header struct{ UserMsgLen int }
	if err := decodeValue(value, &header); err != nil {
		return err
	}
	if header.UserMsgLen < 0 || header.UserMsgLen > maxUserBytes {
		return errTooLong
	}
	return skipBytes(m, uint64(header.UserMsgLen))
}

// checkState checks the state of another member: all members that it knows, and
// what serf says.
func checkState(m *message) error {
	value, err := m.value(maxSmallBytes)
	if err != nil {
		return err
	}
	var header pushPullHeader
	if err := decodeValue(value, &header); err != nil {
		return err
	}
	if header.Nodes < 0 || header.UserStateLen < 0 || header.UserStateLen > maxStreamBytes {
		return errTooLong
	}
	for range header.Nodes {
		node, err := m.value(maxSmallBytes)
		if err != nil {
			return err
		}
		if len(node) < minNodeBytes {
			return fmt.Errorf("entry of a member in %d bytes", len(node))
		}
	}
	return skipBytes(m, uint64(header.UserStateLen))
}
