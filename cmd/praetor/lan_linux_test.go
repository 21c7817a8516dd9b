package main_test

import (
	"bytes"
	"context"
	bytesof "encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lan joins hosts of their own: each is a namespace of networks, with one interface, a TUN
// device, and of mounts. The device's other end is here, so that this process is the switch: it
// does to each packet what the links say. That takes neither a bridge nor a firewall nor a
// queueing discipline, which many kernels lack, and the kernel removes all of it however this
// process ends.
type lan struct {
	*links
	rooms map[*host]*room
	byIP  map[netip.Addr]*host
	work  sync.WaitGroup // of who reads the devices
}

// room is the namespaces of one host.
type room struct {
	ns, tun *os.File
	root    string      // its root folder, as seen from here
	do      chan func() // done by a thread that lives there
}

// diskMegabytes is the size of the disk that holds a host's data folder.
const diskMegabytes = 64

// joinLAN gives each host a room. What fails says what is not allowed here; nothing is
// left of it then.
func joinLAN(t *testing.T, l *links, seed uint64) (*lan, error) {
	n := &lan{links: l, rooms: map[*host]*room{}, byIP: map[netip.Addr]*host{}}
	for _, h := range l.hosts {
		ip := netip.MustParseAddr(h.ip)
		r, err := openRoom(ip)
		if err == nil {
			n.rooms[h], n.byIP[ip] = r, h
			err = r.mount(filepath.Join(h.dir, "data"), diskMegabytes)
		}
		if err != nil {
			n.close()
			return nil, err
		}
	}
	boot := bootTimes(t, seed)
	for h, r := range n.rooms {
		h.launch = func(cmd *exec.Cmd) error { boot(cmd); return r.launch(cmd) }
		h.dial, h.root = r.dial, r.root
		n.work.Go(func() { n.forward(h, r) })
	}
	t.Cleanup(func() {
		for h, r := range n.rooms {
			h.stop()
			if left := r.processes(); len(left) > 0 {
				t.Errorf("%s is left with processes %v", h.name, left)
			}
		}
		n.close()
	})
	return n, nil
}

func (n *lan) close() {
	for _, r := range n.rooms {
		r.close()
	}
	n.work.Wait()
}

// The process' first thread stays where it is, since /proc shows a process by it, and since it could
// not end: main keeps it.
func init() { runtime.LockOSThread() }

// openRoom makes a namespace whose one interface has an address.
func openRoom(ip netip.Addr) (*room, error) {
	r := &room{do: make(chan func())}
	opened := make(chan error)
	go func() { // ends with close, and its thread, which is not unlocked, with it
		runtime.LockOSThread()
		err := r.open(ip)
		opened <- err
		if err == nil {
			for f := range r.do {
				f()
			}
		}
	}()
	if err := <-opened; err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// open makes this thread the first one of a new namespace.
func (r *room) open(ip netip.Addr) error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	r.root = fmt.Sprintf("/proc/%d/task/%d/root", os.Getpid(), unix.Gettid())
	var err error
	if r.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", device, err)
	}
	const name = "lan0"
	err = ioctl(fd, unix.TUNSETIFF, name, func(q *unix.Ifreq) error { q.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI); return nil })
	r.tun = os.NewFile(uintptr(fd), device) // is polled only now that it is an interface
	if err != nil {
		return fmt.Errorf("a TUN device: %w", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	up := func(q *unix.Ifreq) error { q.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }
	return errors.Join(
		ioctl(socket, unix.SIOCSIFFLAGS, "lo", up),
		ioctl(socket, unix.SIOCSIFADDR, name, func(q *unix.Ifreq) error { return q.SetInet4Addr(ip.AsSlice()) }),
		ioctl(socket, unix.SIOCSIFNETMASK, name, func(q *unix.Ifreq) error { return q.SetInet4Addr([]byte{255, 255, 255, 0}) }),
		ioctl(socket, unix.SIOCSIFFLAGS, name, up))
}

func ioctl(fd int, request uint, name string, fill func(*unix.Ifreq) error) error {
	q, err := unix.NewIfreq(name)
	if err == nil {
		err = fill(q)
	}
	if err == nil {
		err = unix.IoctlIfreq(fd, request, q)
	}
	return err
}

func (r *room) close() {
	close(r.do)
	for _, f := range []*os.File{r.tun, r.ns} {
		if f != nil {
			f.Close()
		}
	}
}

// in does something on a thread of the namespace.
func (r *room) in(f func()) {
	done := make(chan struct{})
	r.do <- func() { defer close(done); f() }
	<-done
}

// dial connects to an agent from its own host: nothing keeps a thread waiting there.
func (r *room) dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	r.in(func() { c, err = new(net.Dialer).DialContext(ctx, network, address) })
	return c, err
}

// launch starts a process in the namespace, which the kernel ends with this one.
func (r *room) launch(cmd *exec.Cmd) (err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.in(func() { err = cmd.Start() })
	return err
}

// mount puts an empty disk in a folder, which only the host has.
func (r *room) mount(folder string, megabytes int) (err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	r.in(func() { err = unix.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)) })
	return err
}

// bootedAgo is how long ago a machine may have booted, at most, that starts an agent.
const bootedAgo = 100 * 24 * time.Hour

// bootTimes has each process start as if its machine had booted at another time than before:
// its clocks that count since then (CLOCK_BOOTTIME, CLOCK_MONOTONIC) say anything.
func bootTimes(t *testing.T, seed uint64) func(*exec.Cmd) {
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.Command(unshare, "-T", "true").Run()
	}
	if err != nil {
		t.Logf("no time namespaces here (%v): all starts are of one boot", err)
		return func(*exec.Cmd) {}
	}
	dice := rand.New(rand.NewPCG(seed, 1))
	return func(cmd *exec.Cmd) { // unshare becomes the program: it keeps its process
		up := dice.Int64N(int64(bootedAgo / time.Second))
		cmd.Args = slices.Concat([]string{unshare, "-T", fmt.Sprint("--boottime=", up), fmt.Sprint("--monotonic=", dice.Int64N(up+1)), cmd.Path}, cmd.Args[1:])
		cmd.Path = unshare
	}
}

// processes lists those that run in the namespace, but for this one.
func (r *room) processes() (pids []string) {
	ours, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", r.ns.Fd()))
	if err != nil {
		return []string{err.Error()}
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range all {
		if theirs, err := os.Readlink(filepath.Join(folder, "ns/net")); err == nil && theirs == ours {
			pids = append(pids, filepath.Base(folder))
		}
	}
	return pids
}

// forward reads what a host sends, and hands it on.
func (n *lan) forward(from *host, r *room) {
	buf := make([]byte, 64<<10)
	for {
		size, err := r.tun.Read(buf)
		if err != nil {
			return // closed
		}
		packet := buf[:size]
		if size < ipHeader || packet[0]>>4 != 4 {
			continue // IPv6 asks for routers
		}
		to := n.byIP[netip.AddrFrom4([4]byte(packet[16:20]))]
		if to == nil {
			continue
		}
		switch s := n.state(way{from, to}); {
		case s.refused:
			_, _ = r.tun.Write(refusal(packet))
			continue
		case s.cut:
			continue
		}
		late, lost := n.luck()
		switch {
		case lost:
		case late > 0:
			// Those that are as late as each other may change places too.
			packet := bytes.Clone(packet)
			time.AfterFunc(late, func() { _, _ = n.rooms[to].tun.Write(packet) })
		default:
			_, _ = n.rooms[to].tun.Write(packet) // or lost, as on a full queue
		}
	}
}

const (
	ipHeader   = 20
	icmpHeader = 8
)

// refusal is what a firewall answers to an IPv4 packet that it rejects: destination
// unreachable, port unreachable (RFC 792), from the address that was meant.
func refusal(packet []byte) []byte {
	quoted := packet[:min(len(packet), int(packet[0]&15)*4+8)]
	b := make([]byte, ipHeader+icmpHeader, ipHeader+icmpHeader+len(quoted))
	b[0], b[8], b[9] = 4<<4|ipHeader/4, 64, unix.IPPROTO_ICMP
	bytesof.BigEndian.PutUint16(b[2:], uint16(cap(b)))
	copy(b[12:], packet[16:20])
	copy(b[16:], packet[12:16])
	bytesof.BigEndian.PutUint16(b[10:], checksum(b[:ipHeader]))
	b[ipHeader], b[ipHeader+1] = 3, 3
	b = append(b, quoted...)
	bytesof.BigEndian.PutUint16(b[ipHeader+2:], checksum(b[ipHeader:]))
	return b
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// onLAN makes two hosts for a test of the LAN itself.
func onLAN(t *testing.T) *lan {
	t.Helper()
	l, err := joinLAN(t, newLinks(&host{node: nodeAt(t, "a", "10.77.0.1")}, &host{node: nodeAt(t, "b", "10.77.0.2")}), 1)
	if err != nil {
		t.Skipf("no hosts of their own here: %v", err)
	}
	return l
}

// TestALANDoesWhatItsLinksSay: who is cut off hears nothing and is not heard, a refusal is told
// at once, and what is late is late.
func TestALANDoesWhatItsLinksSay(t *testing.T) {
	t.Parallel()
	l := onLAN(t)
	a, b := l.hosts[0], l.hosts[1]
	var listener net.Listener
	var err error
	l.rooms[b].in(func() { listener, err = net.Listen("tcp", b.ip+":7") })
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	knock := func(patience time.Duration) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		begin := time.Now()
		c, err := a.dial(ctx, "tcp", b.ip+":7")
		if err == nil {
			c.Close()
		}
		return time.Since(begin), err
	}
	silent := func(err error) bool {
		var none net.Error
		return errors.As(err, &none) && none.Timeout()
	}
	if _, err := knock(10 * time.Second); err != nil {
		t.Errorf("all is well: %v", err)
	}
	for _, cut := range [][]way{{{a, b}}, {{b, a}}} {
		l.cut(cut...)
		if _, err := knock(300 * time.Millisecond); !silent(err) {
			t.Errorf("cut one way: %v", err)
		}
	}
	l.refuse(way{a, b})
	if _, err := knock(10 * time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused: %v", err)
	}
	l.cut()
	l.turn(weather{delay: 100 * time.Millisecond})
	if took, err := knock(10 * time.Second); err != nil || took < 200*time.Millisecond {
		t.Errorf("late: %v after %s", err, took)
	}
	l.turn(weather{loss: 1})
	if _, err := knock(300 * time.Millisecond); !silent(err) {
		t.Errorf("lost: %v", err)
	}
}

// TestAHostIsBootedAnewAndLeavesNothing: each process on a host counts the time since another boot,
// and is found if it is left.
func TestAHostIsBootedAnewAndLeavesNothing(t *testing.T) {
	t.Parallel()
	l := onLAN(t)
	h := l.hosts[0]
	run := func(program string, args ...string) (string, *exec.Cmd) {
		var out bytes.Buffer
		cmd := exec.Command(program, args...)
		cmd.Stdout = &out
		if err := h.launch(cmd); err != nil {
			t.Fatal(err)
		}
		if program == "cat" {
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		return out.String(), cmd
	}
	first, _ := run("cat", "/proc/uptime")
	second, cmd := run("cat", "/proc/uptime")
	if strings.Contains(strings.Join(cmd.Args, " "), "--boottime") && first == second {
		t.Errorf("two boots, both %s ago", first)
	}
	_, left := run("sleep", "600")
	if got, want := l.rooms[h].processes(), []string{fmt.Sprint(left.Process.Pid)}; !slices.Equal(got, want) {
		t.Errorf("on the host run %v, want %v", got, want)
	}
	left.Process.Kill()
	left.Wait()
	if got := l.rooms[h].processes(); len(got) > 0 {
		t.Errorf("on the host run %v", got)
	}
}
