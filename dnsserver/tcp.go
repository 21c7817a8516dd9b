package dnsserver

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"praetor/internal/life"
)

const (
	// mostConns bounds the connections of one listener; more are closed at once.
	mostConns = 4096
	// mostConnsPerClient bounds those of one IP address: no client, or resolver for
	// many, takes all.
	mostConnsPerClient = mostConns / 4
	// A new connection must ask within firstWait, a further question must come
	// within nextWait, and a reply must be taken within writeWait.
	firstWait = 2 * time.Second
	nextWait  = 8 * time.Second
	writeWait = 2 * time.Second
	// acceptPause is the rest after a failure to accept, as when files run out.
	acceptPause = 50 * time.Millisecond
)

// stream is a listener, plain or TLS.
type stream struct {
	net.Listener
	network string // "tcp" or "tls"
}

// conns are the open connections of one listener.
type conns struct {
	mu        sync.Mutex
	open      map[net.Conn]string // their clients
	perClient map[string]int
	closed    bool
}

// add reports whether there is room for another.
func (c *conns) add(conn net.Conn) bool {
	client := conn.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(client); err == nil {
		client = host
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.open) >= mostConns || c.perClient[client] >= mostConnsPerClient {
		return false
	}
	c.open[conn] = client
	c.perClient[client]++
	return true
}

func (c *conns) remove(conn net.Conn) {
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.open[conn]
	delete(c.open, conn)
	if c.perClient[client]--; c.perClient[client] == 0 {
		delete(c.perClient, client)
	}
}

func (c *conns) closeAll() {
	c.mu.Lock()
	c.closed = true
	open := slices.Collect(maps.Keys(c.open))
	c.mu.Unlock()
	for _, conn := range open {
		conn.Close() // says goodbye over TLS, which takes time
	}
}

// serveTCP answers what comes through a listener until it is closed.
func (s *Server) serveTCP(ctx context.Context, l stream) {
	var served sync.WaitGroup
	defer served.Wait()
	open := &conns{open: map[net.Conn]string{}, perClient: map[string]int{}}
	defer open.closeAll()
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.logger.Warn("accept DNS connection", "error", err)
			life.Pause(ctx, acceptPause)
		case !open.add(conn):
			s.logger.Debug("DNS connection refused: too many are open", "limit", mostConns, "per_client", mostConnsPerClient)
			conn.Close()
		default:
			served.Go(func() {
				defer open.remove(conn)
				if err := s.serveConn(ctx, conn); err != nil {
					s.logger.Debug("DNS connection ended", "from", conn.RemoteAddr(), "error", err)
				}
			})
		}
	}
}

// serveConn answers the questions of one connection in their order: each message
// is preceded by its length in two bytes (RFC 1035 §4.2.2).
func (s *Server) serveConn(ctx context.Context, conn net.Conn) error {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return err
	}
	in, wait := bufio.NewReader(conn), firstWait
	var query, out []byte
	for {
		conn.SetDeadline(time.Now().Add(wait)) // for writing too: the first read may shake hands
		if query, err = readFrame(in, query); err != nil {
			return ended(err)
		}
		wait = nextWait
		out = s.Answer(ctx, append(out[:0], 0, 0), query, from, true)
		if len(out) == 2 {
			continue
		}
		binary.BigEndian.PutUint16(out, uint16(len(out)-2))
		conn.SetWriteDeadline(time.Now().Add(writeWait))
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

// readFrame reads a message into buf, made longer if need be; of one that is too long
// only the beginning.
func readFrame(in *bufio.Reader, buf []byte) ([]byte, error) {
	var prefix [2]byte
	if _, err := io.ReadFull(in, prefix[:]); err != nil {
		return buf, err
	}
	length := int(binary.BigEndian.Uint16(prefix[:]))
	kept := min(length, maxQuestion+1)
	if cap(buf) < kept {
		buf = make([]byte, kept)
	}
	_, err := io.ReadFull(in, buf[:kept])
	if err == nil {
		_, err = in.Discard(length - kept)
	}
	return buf[:kept], err
}

// ended drops errors that only say that the connection ended.
func ended(err error) error {
	var timeout net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &timeout) && timeout.Timeout() {
		return nil
	}
	return err
}
