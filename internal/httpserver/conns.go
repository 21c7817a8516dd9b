package httpserver

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// What a client gets that is not let in, and why.
const (
	refusal      = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nRefused: "
	tooManyConns = "too many open connections from this address: see limits.http_max_conns_per_client"
	allConns     = "too many open connections: see limits.http_max_conns"
)

// refusalTimeout bounds the writing of it, which accepting waits for. A new
// connection has room for so few bytes at once; but on a busy machine some time passes
// before they are written.
const refusalTimeout = time.Second

// refusalPause is the least time between two log lines about refused connections.
const refusalPause = time.Second

// conns counts connections by client.
type conns struct {
	most       atomic.Int64 // per client; 0 means no bound
	mostRemote atomic.Int64 // of other machines together; 0 means no bound
	logger     hclog.Logger

	refused atomic.Int64 // since the last line about it
	told    atomic.Int64 // when that was, Unix nanoseconds

	mu    sync.Mutex
	count map[string]int
	// remote is how many of them are of other machines.
	remote int
	// halves are the reads whose clients have ended their half of the connection,
	// oldest first: most of them have no reader any more, and make room for others.
	halves map[string][]*life
}

// take counts a connection of a client in, or says why it does not.
func (c *conns) take(client string) (refused string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	remote := isRemote(client)
	if most := int(c.mostRemote.Load()); remote && most > 0 && c.remote >= most {
		return allConns
	}
	if most := int(c.most.Load()); most > 0 && c.count[client] >= most {
		halves := c.halves[client]
		if len(halves) == 0 {
			return tooManyConns
		}
		c.setHalvesLocked(client, halves[1:])
		halves[0].cancel(ErrClientGone) // its connection is counted out when it ends
	}
	if c.count == nil {
		c.count = map[string]int{}
	}
	c.count[client]++
	if remote {
		c.remote++
	}
	return ""
}

// isRemote reports whether a client is another machine.
func isRemote(client string) bool {
	ip, err := netip.ParseAddr(client)
	return err != nil || !ip.Unmap().IsLoopback()
}

func (c *conns) give(client string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count[client]--; c.count[client] == 0 {
		delete(c.count, client)
	}
	if isRemote(client) {
		c.remote--
	}
}

// park notes a read whose client has ended its half.
func (c *conns) park(client string, l *life) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setHalvesLocked(client, append(c.halves[client], l))
}

func (c *conns) unpark(client string, l *life) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.halves[client], l); i >= 0 {
		c.setHalvesLocked(client, slices.Delete(c.halves[client], i, i+1))
	}
}

func (c *conns) setHalvesLocked(client string, halves []*life) {
	switch {
	case len(halves) == 0:
		delete(c.halves, client)
	case c.halves == nil:
		c.halves = map[string][]*life{client: halves}
	default:
		c.halves[client] = halves
	}
}

// limited refuses connections of clients that have too many.
type limited struct {
	net.Listener
	conns        *conns
	writeTimeout time.Duration
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if conn.RemoteAddr().Network() == "unix" {
			return &steadyConn{Conn: conn, timeout: l.writeTimeout}, nil
		}
		client := clientOf(conn)
		why := l.conns.take(client)
		if why == "" {
			keepUnsentShort(conn)
			return &countedConn{Conn: &steadyConn{Conn: conn, timeout: l.writeTimeout}, conns: l.conns, client: client}, nil
		}
		refuse(conn, why)
		l.conns.tell(conn, why)
	}
}

// tell logs that a connection was refused, thinned out: whoever floods the agent
// with connections does not flood its log.
func (c *conns) tell(conn net.Conn, why string) {
	count := c.refused.Add(1)
	now, last := time.Now().UnixNano(), c.told.Load()
	if now-last < int64(refusalPause) || !c.told.CompareAndSwap(last, now) {
		return
	}
	c.refused.Add(-count)
	c.logger.Error("Request error", "from", conn.RemoteAddr().String(), "error", why, "refused", count)
}

func clientOf(conn net.Conn) string { return hostOf(conn.RemoteAddr().String()) }

// hostOf names a client for counting: its address without the port.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// refuse says why; a client that does not hear it only finds itself cut off.
func refuse(conn net.Conn, why string) {
	_ = conn.SetDeadline(time.Now().Add(refusalTimeout))
	_, _ = io.WriteString(conn, refusal+why+"\n")
	_ = conn.Close()
}

// countedConn is counted out when it is closed.
type countedConn struct {
	net.Conn
	conns  *conns
	client string
	once   sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.conns.give(c.client) })
	return c.Conn.Close()
}

// NetConn returns the connection that is counted.
func (c *countedConn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends our half, so that the last answer is not lost when the client
// still sends.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

var (
	_ net.Listener = (*limited)(nil)
	_ net.Conn     = (*countedConn)(nil)
)
