package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// wires carry what servers send each other where no namespaces are allowed, so that a test
// can cut them without being root. Each agent listens on an address of its own and advertises
// another one, where a wire ends: all others reach it through the wire only.
//
// A cut is what a lost route is: packets vanish, connections stay up and silent,
// and what was sent on them arrives when the cut is mended. Bad weather delays
// connections, and never breaks them: what is lost are packets of gossip.
type wires struct {
	*links
	t    *testing.T
	work sync.WaitGroup // all goroutines here

	mu    sync.Mutex
	conns map[net.Conn]bool // nil: closed
}

const (
	rpcPort    = 8300
	gossipPort = 8301
)

// layWires lays wires between agents; each is to be started with -advertise
// and the address given for it, and without a WAN pool.
func layWires(t *testing.T, l *links) {
	t.Helper()
	w := &wires{links: l, t: t, conns: map[net.Conn]bool{}}
	t.Cleanup(w.close)
	for _, h := range l.hosts {
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
	for _, h := range l.hosts {
		t.Cleanup(func() { h.packets.Close() })
		w.work.Go(func() { w.forwardPackets(h) })
	}
}

func (w *wires) close() {
	w.links.close()
	w.mu.Lock()
	for c := range w.conns {
		c.Close()
	}
	w.conns = nil
	w.mu.Unlock()
	w.t.Cleanup(w.work.Wait) // runs after the listeners are closed
}

// keep has a connection closed at the end of the test.
func (w *wires) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
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
			if w.state(way{from, to}).cut || !addr.IP.Equal(net.ParseIP(from.ip)) {
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

// sender finds the agent that dialled a connection. All have 127.0.0.1 for
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
