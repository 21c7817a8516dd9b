package main_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wires carry what servers send each other, so that a test can cut them without
// being root. Each server listens on an address of its own and advertises
// another one, where a wire ends: all others reach it through the wire only.
//
// A cut is what a lost route is: packets vanish, connections stay up and silent,
// and what was sent on them arrives when the cut is mended.
type wires struct {
	t     *testing.T
	hosts []*host
	work  sync.WaitGroup // all goroutines here

	mu      sync.Mutex
	cuts    map[way]bool
	weather weather       // of all ways
	changed chan struct{} // closed when cuts change
	conns   map[net.Conn]bool
	closed  bool
}

// weather is what a network does to what it carries: packets come late, in another
// order or never, connections only late.
type weather struct {
	delay time.Duration // of each, from none to twice this long
	loss  float64       // the part of the packets that is lost
}

// way is a direction between two servers.
type way struct{ from, to *host }

// host is one end of the wires.
type host struct {
	*node
	advertised string
	packets    *net.UDPConn // at the advertised address
	process    atomic.Int64 // the server's
}

const (
	rpcPort    = 8300
	gossipPort = 8301
)

// newWires lays wires to the servers; each is to be started with -advertise
// and the address given for it, and without a WAN pool.
func newWires(t *testing.T, hosts ...*host) *wires {
	t.Helper()
	w := &wires{t: t, hosts: hosts, cuts: map[way]bool{}, changed: make(chan struct{}), conns: map[net.Conn]bool{}}
	t.Cleanup(w.close)
	for _, h := range hosts {
		for _, port := range []int{rpcPort, gossipPort} {
			l, err := net.Listen("tcp", net.JoinHostPort(h.advertised, strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			w.work.Go(func() { w.accept(l, h, port) })
		}
		packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(h.advertised), Port: gossipPort})
		if err != nil {
			t.Fatal(err)
		}
		h.packets = packets
	}
	for _, h := range hosts {
		t.Cleanup(func() { h.packets.Close() })
		w.work.Go(func() { w.forwardPackets(h) })
	}
	return w
}

func (w *wires) close() {
	w.mu.Lock()
	w.closed = true
	close(w.changed)
	for c := range w.conns {
		c.Close()
	}
	w.mu.Unlock()
	w.t.Cleanup(w.work.Wait) // runs after the listeners are closed
}

// cut sets which ways are cut from now on; none mends all.
func (w *wires) cut(ways ...way) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.cuts = map[way]bool{}
	for _, one := range ways {
		w.cuts[one] = true
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// turn sets the weather from now on.
func (w *wires) turn(to weather) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weather = to
}

// luck is how late something comes, and whether a packet is lost.
func (w *wires) luck() (late time.Duration, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(2 * rand.Float64() * float64(w.weather.delay)), rand.Float64() < w.weather.loss
}

// isolate cuts a server off from all others.
func (w *wires) isolate(h *host) {
	var ways []way
	for _, other := range w.hosts {
		if other != h {
			ways = append(ways, way{h, other}, way{other, h})
		}
	}
	w.cut(ways...)
}

func (w *wires) state(x way) (cut, closed bool, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts[x], w.closed, w.changed
}

// pass waits until a way is not cut; false when the test is over.
func (w *wires) pass(x way) bool {
	for {
		cut, closed, changed := w.state(x)
		if !cut || closed {
			return !closed
		}
		<-changed
	}
}

// keep has a connection closed at the end of the test.
func (w *wires) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		c.Close()
		return false
	}
	w.conns[c] = true
	return true
}

func (w *wires) drop(c net.Conn) {
	c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

func (w *wires) accept(l net.Listener, to *host, port int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed
		}
		if w.keep(c) {
			w.work.Go(func() { w.carry(c, to, port) })
		}
	}
}

// carry joins a connection to the server that it is meant for.
func (w *wires) carry(c net.Conn, to *host, port int) {
	defer w.drop(c)
	from := w.sender(c)
	if from == nil || !w.pass(way{from, to}) {
		return // whoever dialled is gone
	}
	d, err := net.Dial("tcp", net.JoinHostPort(to.ip, strconv.Itoa(port)))
	if err != nil || !w.keep(d) {
		return // the server is down
	}
	defer w.drop(d)
	var back sync.WaitGroup
	back.Go(func() { w.copy(c, d, way{to, from}) })
	w.copy(d, c, way{from, to})
	back.Wait()
}

// copy moves bytes, and the end, while the way is open.
func (w *wires) copy(dst, src net.Conn, x way) {
	defer dst.Close()
	type chunk struct {
		data []byte
		due  time.Time
	}
	chunks := make(chan chunk, 64) // on their way
	w.work.Go(func() {
		defer close(chunks)
		for {
			buf := make([]byte, 32<<10)
			n, err := src.Read(buf)
			if !w.pass(x) {
				return
			}
			late, _ := w.luck()
			chunks <- chunk{buf[:n], time.Now().Add(late)}
			if err != nil {
				return
			}
		}
	})
	for c := range chunks {
		<-time.After(time.Until(c.due))
		if _, err := dst.Write(c.data); err != nil {
			src.Close() // ends the reading too
			for range chunks {
			}
			return
		}
	}
	src.Close()
}

// forwardPackets hands packets on as if they came from the sender's advertised
// address: answers to it come by wire too.
func (w *wires) forwardPackets(to *host) {
	buf := make([]byte, 64<<10)
	for {
		n, addr, err := to.packets.ReadFromUDP(buf)
		if err != nil {
			return // closed
		}
		for _, from := range w.hosts {
			if cut, _, _ := w.state(way{from, to}); cut || !addr.IP.Equal(net.ParseIP(from.ip)) {
				continue
			}
			packet := bytes.Clone(buf[:n])
			send := func() { _, _ = from.packets.WriteToUDP(packet, &net.UDPAddr{IP: net.ParseIP(to.ip), Port: gossipPort}) }
			if late, lost := w.luck(); lost {
				continue
			} else if late > 0 {
				time.AfterFunc(late, send)
			} else {
				send()
			}
		}
	}
}

// sender finds the server that dialled a connection. All have 127.0.0.1 for
// their address then, so the socket is looked up among those of each process.
func (w *wires) sender(c net.Conn) *host {
	inode := socketAt(c.RemoteAddr().(*net.TCPAddr))
	if inode == "" {
		return nil
	}
	for _, h := range w.hosts {
		if h.owns("socket:[" + inode + "]") {
			return h
		}
	}
	return nil
}

func (h *host) owns(socket string) bool {
	folder := fmt.Sprintf("/proc/%d/fd", h.process.Load())
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(folder, e.Name())); err == nil && target == socket {
			return true
		}
	}
	return false
}

// socketAt finds the inode of the socket at a local IPv4 address, "" if none.
func socketAt(addr *net.TCPAddr) string {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	ip := addr.IP.To4()
	want := fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], addr.Port)
	for line := range strings.Lines(string(text)) {
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
		if field := strings.Fields(line); len(field) > 9 && field[1] == want {
			return field[9]
		}
	}
	return ""
}
