package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/memnet"
	"praetor/internal/rpc"
)

var (
	keyA = bytes.Repeat([]byte{'a'}, 16)
	keyB = bytes.Repeat([]byte{'b'}, 32)
	keyC = bytes.Repeat([]byte{'c'}, 24)
)

// ring gives keys to agents of every datacenter.
func ring(keys ...[]byte) func(string) [][]byte {
	return func(string) [][]byte { return keys }
}

// them is a server that dials.
func them(keys func(string) [][]byte) rpc.Identity {
	return rpc.Identity{ID: "s2", Datacenter: "dc1", Keys: keys}
}

func (p *port) dialer(id rpc.Identity) *rpc.Dialer {
	return &rpc.Dialer{Identity: id, Network: p.net.Host("10.0.0.2").Dial}
}

// atPort is us as others know us.
var atPort = rpc.Server{ID: "s1", Datacenter: "dc1", Address: "10.0.0.1:8300"}

// raft dials for Raft and wants an answer with words, "" for a connection.
func (p *port) raft(d *rpc.Dialer, srv rpc.Server, words string) {
	p.t.Helper()
	conn, err := d.DialRaft(context.Background(), srv)
	if err == nil {
		conn.Close()
		accept(p.t, p.Raft()).Close()
	}
	wantWords(p.t, err, words)
}

func wantWords(t *testing.T, err error, words string) {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Errorf("refused: %v", err)
	case words != "" && (err == nil || !strings.Contains(err.Error(), words)):
		t.Errorf("got %v, want it refused with %q", err, words)
	}
}

func TestBothSidesProveTheGossipKey(t *testing.T) {
	const theirFault, ourFault = "it does not take the gossip key", "does not prove to have the gossip key"
	rows := []struct {
		name            string
		dialer, at      func(string) [][]byte
		trusting, loose bool // dialer and listener that let others go unproven
		words           string
	}{
		{"no keys", nil, nil, false, false, ""},
		{"one key", ring(keyA), ring(keyA), false, false, ""},
		{"another key", ring(keyA), ring(keyB), false, false, ourFault},
		{"a dialer without", nil, ring(keyA), false, false, theirFault},
		{"a listener without", ring(keyA), nil, false, false, ourFault},
		{"rotated here first", ring(keyB, keyA), ring(keyA, keyB), false, false, ""},
		{"rotated there first", ring(keyA, keyB), ring(keyB, keyA), false, false, ""},
		{"removed there, in use here", ring(keyA, keyB), ring(keyB), false, false, theirFault},
		{"removed there, not in use here", ring(keyB, keyA), ring(keyB), false, false, ""},
		{"many keys", ring(keyC, keyA, keyB), ring(keyB, keyA, keyC), false, false, ""},
		{"incoming not verified", nil, ring(keyA), false, true, ""},
		{"incoming not verified, another key", ring(keyB), ring(keyA), true, true, ""},
		{"outgoing not verified", ring(keyA), nil, true, false, ""},
		{"outgoing not verified, incoming verified", ring(keyA), ring(keyB), true, false, theirFault},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			here := us
			here.Keys, here.AcceptUnproven = row.at, row.loose
			withPortOf(t, rpc.ListenerOptions{Identity: here}, func(t *testing.T, p *port) {
				there := them(row.dialer)
				there.AskUnproven = row.trusting
				p.raft(p.dialer(there), atPort, row.words)
			})
		})
	}
}

func TestRotationOfKeysCountsFromTheNextConnection(t *testing.T) {
	var keys atomic.Pointer[[][]byte]
	keys.Store(&[][]byte{keyA})
	here := us
	here.Keys = func(string) [][]byte { return *keys.Load() }
	withPortOf(t, rpc.ListenerOptions{Identity: here}, func(t *testing.T, p *port) {
		old, changed := p.dialer(them(ring(keyA))), p.dialer(them(ring(keyB)))
		p.raft(old, atPort, "")
		p.raft(changed, atPort, "does not prove")
		keys.Store(&[][]byte{keyB})
		p.raft(old, atPort, "does not prove")
		p.raft(changed, atPort, "")
	})
}

func TestServerIsTheOneThatWasMeant(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		d := p.dialer(them(nil))
		p.raft(d, rpc.Server{ID: "s9", Datacenter: "dc1", Address: atPort.Address}, "has the ID s1, not s9")
		p.raft(d, rpc.Server{ID: "s1", Datacenter: "dc9", Address: atPort.Address}, "is of datacenter dc1, not dc9")
		p.raft(d, rpc.Server{Address: atPort.Address}, "")
	})
}

func TestOnlyKnownServersOfTheDatacenterSpeakRaft(t *testing.T) {
	knows := func(id, ip string) bool { return id == "s2" || id == "" && ip == "10.0.0.2" }
	withPortOf(t, rpc.ListenerOptions{Identity: us, Knows: knows}, func(t *testing.T, p *port) {
		p.raft(p.dialer(them(nil)), atPort, "")
		p.raft(p.dialer(rpc.Identity{ID: "s3", Datacenter: "dc1"}), atPort, "knows no server with the ID")
		p.raft(p.dialer(rpc.Identity{Datacenter: "dc1"}), atPort, "knows no server with the ID")
		p.raft(p.dialer(rpc.Identity{ID: "s2", Datacenter: "dc2"}), atPort, "only servers of its own datacenter")

		old := p.dial("10.0.0.2", rpc.RaftByte, 3) // a build that knows no hello, and what it says next
		first := accept(t, p.Raft())
		wantText(t, first, "\x03")
		first.Close()
		old.Close()
		wantClosed(t, p.dial("10.0.0.3", rpc.RaftByte, 3), 0)
	})
}

func TestOldBuildsAreRefusedWhereKeysAreProved(t *testing.T) {
	here := us
	here.Keys = ring(keyA)
	withPortOf(t, rpc.ListenerOptions{Identity: here}, func(t *testing.T, p *port) {
		for _, purpose := range []byte{rpc.RaftByte, rpc.RPCByte} {
			wantClosed(t, p.dial("10.0.0.2", purpose, 0), 0)
		}
		_, err := p.dialer(them(ring(keyA))).DialOldRaft(context.Background(), atPort)
		wantWords(t, err, "does not prove")
	})
}

// TestOldServersAreSpokenToWithoutKeys dials a port that closes what does not
// begin with 1 or 8, as builds do that know no hello.
func TestOldServersAreSpokenToWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		l, err := n.Host("10.0.0.1").Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		taken := make(chan byte, 1)
		go oldPort(l, taken) // ends with l
		dial := n.Host("10.0.0.2").Dial
		open := rpc.Dialer{Identity: them(nil), Network: dial}
		_, err = open.DialRaft(context.Background(), atPort)
		if !errors.Is(err, rpc.ErrNoHello) {
			t.Errorf("got %v, want %v", err, rpc.ErrNoHello)
		}
		conn, err := open.DialOldRaft(context.Background(), atPort)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if first := <-taken; first != rpc.RaftByte {
			t.Errorf("opened with %d", first)
		}
		for _, keys := range []func(string) [][]byte{nil, ring(keyA)} {
			r := rpc.NewRouter(rpc.Options{Datacenter: "dc1", Dialer: rpc.Dialer{Identity: them(keys), Network: dial}, ClientTimeout: time.Second, HoldTimeout: time.Millisecond})
			r.SetServers([]rpc.Server{{ID: "s1", Datacenter: "dc1", Address: "10.0.0.1:8300"}}, []string{"dc1"})
			opAny.Call(context.Background(), r, &rpc.ReadOptions{}) // nobody answers there
			r.Close()
			select {
			case first := <-taken:
				if keys != nil || first != rpc.RPCByte {
					t.Errorf("an agent with keys %v opened with %d", keys != nil, first)
				}
			default:
				if keys == nil {
					t.Error("the old server was not asked")
				}
			}
		}
	})
}

// oldPort closes every connection, and tells how those began that it would serve.
func oldPort(l net.Listener, taken chan<- byte) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		first := make([]byte, 1)
		conn.Read(first)
		if first[0] == rpc.RaftByte || first[0] == rpc.RPCByte {
			select {
			case taken <- first[0]:
			default: // told already
			}
		}
		conn.Close()
	}
}

// TestProofOfTheOtherSideIsNoProof sends a listener's proof back to it.
func TestProofOfTheOtherSideIsNoProof(t *testing.T) {
	here := us
	here.Keys = ring(keyA)
	withPortOf(t, rpc.ListenerOptions{Identity: here}, func(t *testing.T, p *port) {
		for _, right := range []bool{true, false} {
			hello := them(nil).Hello(rpc.RPCByte, "s1")
			conn := p.dial("10.0.0.2", hello...)
			answer := make([]byte, len(here.Hello(rpc.RPCByte, "s2")))
			shown := make([]byte, rpc.ProofBytes)
			readAll(t, conn, answer)
			readAll(t, conn, shown)
			want := byte(rpc.RefusedUnproven)
			if right {
				shown, want = rpc.DialerProof(keyA, hello, answer), 0
			}
			if _, err := conn.Write(shown); err != nil {
				t.Fatal(err)
			}
			verdict := make([]byte, 1)
			readAll(t, conn, verdict)
			if verdict[0] != want {
				t.Errorf("verdict %d, want %d", verdict[0], want)
			}
			conn.Close()
			if right {
				accept(t, p.RPC()).Close()
			}
		}
	})
}

func readAll(t *testing.T, r io.Reader, b []byte) {
	t.Helper()
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
}

// TestHandshakeThatStopsEndsInTime stops at every byte of one.
func TestHandshakeThatStopsEndsInTime(t *testing.T) {
	here := us
	here.Keys = ring(keyA)
	withPortOf(t, rpc.ListenerOptions{Identity: here}, func(t *testing.T, p *port) {
		p.Limit(0, 5*time.Second)
		whole := append(them(nil).Hello(rpc.RaftByte, "s1"), make([]byte, rpc.ProofBytes)...)
		var conns []net.Conn
		for n := range whole {
			conns = append(conns, p.dial("10.0.0.2", whole[:n]...))
		}
		start := time.Now()
		for n, conn := range conns {
			if _, err := io.Copy(io.Discard, conn); err != nil && time.Since(start) != 5*time.Second {
				t.Errorf("%d bytes: %v after %s", n, err, time.Since(start))
			}
			conn.Close()
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the last ended after %s, want 5 s", took)
		}
	})
}

func TestRaftConnectionThatSaysNothingMoreEndsInTime(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		wantClosed(t, p.dial("10.0.0.2", rpc.RaftByte), 5*time.Second)
	})
}

func TestRaftConnectionsAreBoundedOverAllAddresses(t *testing.T) {
	withPort(t, func(t *testing.T, p *port) {
		p.Limit(0, 5*time.Second)
		d := p.dialer(them(nil))
		var conns, accepted []net.Conn
		for range rpc.MaxRaft {
			conn, err := d.DialRaft(context.Background(), atPort)
			if err != nil {
				t.Fatal(err)
			}
			conns, accepted = append(conns, conn), append(accepted, accept(t, p.Raft()))
		}
		more, err := d.DialRaft(context.Background(), atPort)
		if err != nil {
			t.Fatal(err)
		}
		wantClosed(t, more, 0)
		accepted[0].Close()
		p.raft(d, atPort, "")
		for i := range conns {
			conns[i].Close()
			accepted[i].Close()
		}
	})
}

func TestFloodOfRefusedConnectionsIsAFewLines(t *testing.T) {
	var log bytes.Buffer
	opts := rpc.ListenerOptions{Identity: us, Knows: func(string, string) bool { return false }, Logger: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Warn})}
	withPortOf(t, opts, func(t *testing.T, p *port) {
		p.Limit(1, 5*time.Second)
		first := p.dial("10.0.0.2", rpc.RPCByte)
		accepted := accept(t, p.RPC())
		for range 1000 {
			wantClosed(t, p.dial("10.0.0.2"), 0)
			wantClosed(t, p.dial("10.0.0.3", rpc.RaftByte, 3), 0)
		}
		pass(2 * time.Second)
		wantClosed(t, p.dial("10.0.0.2"), 0)
		first.Close()
		accepted.Close()
		synctest.Wait()
		if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "others_not_logged=1999") {
			t.Errorf("%d lines:\n%s", lines, log.String())
		}
	})
}

func TestUnprovenPeersLetInAreOneWarning(t *testing.T) {
	var log bytes.Buffer
	here := us
	here.Keys, here.AcceptUnproven = ring(keyA), true
	opts := rpc.ListenerOptions{Identity: here, Logger: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Warn})}
	withPortOf(t, opts, func(t *testing.T, p *port) {
		for range 10 {
			p.raft(p.dialer(them(nil)), atPort, "")
			pass(time.Minute)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "encrypt_verify_incoming") {
			t.Errorf("%d lines:\n%s", lines, log.String())
		}
	})
}

// TestHandlersKnowWhoAsks asks with and without a key, and between datacenters,
// whose servers share another one.
func TestHandlersKnowWhoAsks(t *testing.T) {
	for _, encrypted := range []bool{true, false} {
		inBubble(t, func(t *testing.T, w *world) {
			if encrypted {
				w.keys = func(of, datacenter string) [][]byte {
					switch own := strings.Contains(of, "10.1."); {
					case own != (datacenter == "dc1"):
						return [][]byte{keyC}
					case own:
						return [][]byte{keyA}
					}
					return [][]byte{keyB}
				}
			}
			a, b := w.server("dc1", "10.1.0.1"), w.server("dc2", "10.2.0.1")
			w.elect("dc1", a)
			w.elect("dc2", b)
			w.tellAll()
			var met rpc.Peer
			var sent bool
			b.read = func(ctx context.Context, _ *rpc.ReadOptions) (*rpc.ReadMeta, error) {
				met, sent = rpc.PeerOf(ctx)
				return &rpc.ReadMeta{Consistency: b.name}, nil
			}
			got, err := a.doRead(rpc.ReadOptions{Datacenter: "dc2"})
			wantBy(t, b, got, err)
			if want := (rpc.Peer{ID: a.name, Datacenter: "dc1", Proven: encrypted}); !sent || met != want {
				t.Errorf("the handler met %+v, want %+v", met, want)
			}
			got, err = b.doRead(rpc.ReadOptions{})
			wantBy(t, b, got, err)
			if sent {
				t.Errorf("a request made here came from %+v", met)
			}
		})
	}
}

func FuzzHello(f *testing.F) {
	f.Add(them(nil).Hello(rpc.RaftByte, "s1")[1:])
	f.Add(them(nil).Hello(rpc.RPCByte, "")[1:])
	f.Add([]byte{0, 0})
	f.Add([]byte{255, 255, 1})
	f.Add([]byte{4, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		again, id, datacenter, want, err := rpc.ReadHello(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(again) > 3+1024 || again[0] != rpc.HelloByte {
			t.Fatalf("accepted %d bytes", len(again))
		}
		_, id2, datacenter2, want2, err := rpc.ReadHello(bytes.NewReader(again[1:]))
		if err != nil || id2 != id || datacenter2 != datacenter || want2 != want {
			t.Errorf("%q read again: %q %q %q, %v", b, id2, datacenter2, want2, err)
		}
	})
}

// TestClientAgentMovesOnlyToServersThatProveTheKey has a server in gossip that
// takes every connection and says nothing. No request may wait for it.
func TestClientAgentMovesOnlyToServersThatProveTheKey(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.keys = func(string, string) [][]byte { return [][]byte{keyA} }
		a, b := w.server("dc1", "10.0.0.1"), w.server("dc1", "10.0.0.2")
		forged, err := w.net.Host("10.0.0.3").Listen(8300)
		if err != nil {
			t.Fatal(err)
		}
		defer forged.Close()
		w.servers = append(w.servers, rpc.Server{ID: "s3", Datacenter: "dc1", Address: "10.0.0.3:8300"})
		agent := w.client("dc1", "10.0.1.1")
		agent.doAny() // it may have begun with the forged one
		by := map[string]int{}
		for range 3600 {
			pass(time.Second)
			start := time.Now()
			who, err := agent.doAny()
			if err != nil || time.Since(start) > 0 {
				t.Fatalf("after %s: %q, %v", time.Since(start), who, err)
			}
			by[who]++
		}
		if by[a.name] == 0 || by[b.name] == 0 {
			t.Errorf("answered by %v, want the load spread", by)
		}
	})
}

// TestBothSidesSayHowFarTheySawTheOther on connections for Raft, and no others.
func TestBothSidesSayHowFarTheySawTheOther(t *testing.T) {
	var here, there []string
	witness := func(id rpc.Identity, seen uint64, told *[]string) rpc.Identity {
		id.Seen = func(of string) (uint64, uint64) { return seen, uint64(len(of)) }
		id.Told = func(by string, term, index uint64) { *told = append(*told, fmt.Sprint(by, " ", term, " ", index)) }
		return id
	}
	withPortOf(t, rpc.ListenerOptions{Identity: witness(us, 7, &here)}, func(t *testing.T, p *port) {
		d := p.dialer(witness(them(nil), 9, &there))
		p.raft(d, atPort, "")
		if _, err := d.Instance(context.Background(), atPort); err != nil {
			t.Error(err)
		}
		p.raft(p.dialer(them(nil)), atPort, "") // one that has seen nothing
	})
	if got := fmt.Sprint(here, there); got != "[s2 9 2] [s1 7 2]" {
		t.Errorf("they heard %s", got)
	}
}

// TestSecondProcessOfAServerSpeaksNoRaft: the listener says which one is the first.
func TestSecondProcessOfAServerSpeaksNoRaft(t *testing.T) {
	isTwin := func(id string, instance uint64) bool { return id == "s2" && instance != 1 }
	here := us
	here.Instance = 5
	withPortOf(t, rpc.ListenerOptions{Identity: here, IsTwin: isTwin}, func(t *testing.T, p *port) {
		for instance, words := range map[uint64]string{0: "", 1: "", 2: "has a copy of its data folder"} {
			id := them(nil)
			id.Instance = instance
			p.raft(p.dialer(id), atPort, words)
			_, err := p.dialer(id).DialRaft(context.Background(), rpc.Server{ID: "s1", Datacenter: "dc1", Address: atPort.Address})
			if is := errors.Is(err, rpc.ErrTwin); is != (instance == 2) {
				t.Errorf("instance %d: %v", instance, err)
			}
			if got, err := p.dialer(id).Instance(context.Background(), atPort); got != 5 || err != nil {
				t.Errorf("it is %d, %v", got, err)
			}
		}
	})
}

// A server learns of agents whose process may have ended: a connection of theirs has, or
// their port refuses one. Not so of strangers, and not when it ends connections itself.
func TestEndedAndRefusedConnectionsAreTold(t *testing.T) {
	var told chan string
	withPortMade(t, func() rpc.ListenerOptions {
		told = make(chan string, 10)
		return rpc.ListenerOptions{Identity: us, Gone: func(id string) { told <- id }}
	}, func(t *testing.T, p *port) {
		want := func(what string) {
			t.Helper()
			synctest.Wait()
			got := ""
			for len(told) > 0 {
				got += <-told
			}
			if got != what {
				t.Errorf("told %q, want %q", got, what)
			}
		}
		d := p.dialer(them(nil))
		d.Refused = func(id string) { told <- "refused " + id }
		open := func() (theirs, ours net.Conn) {
			theirs, err := d.DialRaft(t.Context(), atPort)
			if err != nil {
				t.Fatal(err)
			}
			return theirs, accept(t, p.Raft())
		}
		theirs, ours := open()
		want("")
		theirs.Close()
		ours.Close()
		ours.Close()
		want("s2")
		p.dial("10.0.0.3").Close() // he said nothing
		want("")
		if _, err := d.DialRaft(t.Context(), rpc.Server{ID: "s3", Datacenter: "dc1", Address: "10.0.0.1:8301"}); err == nil {
			t.Error("reached a server where nobody listens")
		}
		want("refused s3")
		theirs, ours = open()
		defer theirs.Close()
		p.Close()
		ours.Close()
		want("")
	})
}
