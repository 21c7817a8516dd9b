package rpc_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"praetor/internal/rpc"
	"praetor/internal/tlsconf"
)

// TestWithoutACertificateThereIsOneHalf: whatever is said behind the byte that announces
// TLS without a certificate, it never gets to Raft or to RPC.
func TestWithoutACertificateThereIsOneHalf(t *testing.T) {
	var ours *authority
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		ours = newAuthority(t, dir)
		here := us
		here.Keys = ring(keyA)
		return rpc.ListenerOptions{Identity: here, Uncertified: true, TLS: ours.source("server.dc1.consul", incoming, names)}
	}, func(t *testing.T, p *port) {
		got := make(chan string, 10)
		for name, l := range map[string]net.Listener{"raft": p.Raft(), "rpc": p.RPC(), "uncertified": p.Uncertified()} {
			go func() { // ends with the port
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					got <- name
					conn.Close()
				}
			}()
		}
		bare := ours.source("", names)
		// A session of such a connection is no way into the others.
		sessions := tls.NewLRUClientSessionCache(8)
		secure := func(first byte) net.Conn {
			conf := bare.Uncertified("dc1")
			conf.ClientSessionCache = sessions
			return tls.Client(p.dial("10.0.0.2", first), conf)
		}
		other := us
		other.ID = "other"
		for _, said := range [][]byte{{rpc.RaftByte}, {rpc.RPCByte}, {rpc.TLSByte}, {rpc.UncertifiedByte}, other.Hello(rpc.RaftByte, ""), other.Hello(rpc.RPCByte, "")} {
			conn := secure(rpc.UncertifiedByte)
			if _, err := conn.Write(said); err != nil {
				t.Error(err)
			}
			_, _ = conn.Write(make([]byte, rpc.ProofBytes)) // of no key
			pass(10 * time.Second)
			conn.Close()
		}
		for _, plain := range [][]byte{{rpc.UncertifiedByte, rpc.RPCByte}, append([]byte{rpc.UncertifiedByte}, other.Hello(rpc.RPCByte, "")...)} {
			conn := p.dial("10.0.0.2", plain...)
			pass(10 * time.Second)
			conn.Close()
		}
		conn := secure(rpc.TLSByte)
		_, _ = conn.Write(other.Hello(rpc.RPCByte, ""))
		pass(10 * time.Second)
		conn.Close()
		if len(got) > 0 {
			t.Fatalf("somebody got to %s", <-got)
		}

		op := rpc.Uncertified{Server: atPort, Dialer: *p.dialer(them(ring(keyA)))}
		op.Dialer.TLS = func(srv rpc.Server) *tls.Config { return bare.Uncertified(srv.Datacenter) }
		_, _ = op.Do(context.Background(), opFire.Desc, opFire.NewRequest()) // nobody answers
		if half := <-got; half != "uncertified" {
			t.Errorf("a right hello got to %s", half)
		}
		op.Dialer.TLS = rpc.Outgoing((*tlsconf.Source)(nil))
		if _, err := op.Do(context.Background(), opFire.Desc, opFire.NewRequest()); err == nil {
			t.Error("a token goes over a plain connection")
		}
	})
}

// TestNobodyComesWithoutACertificateUninvited: that there is such a way is an option.
func TestNobodyComesWithoutACertificateUninvited(t *testing.T) {
	var ours *authority
	dir := t.TempDir()
	withPortMade(t, func() rpc.ListenerOptions {
		ours = newAuthority(t, dir)
		return rpc.ListenerOptions{Identity: us, TLS: ours.source("server.dc1.consul", incoming)}
	}, func(t *testing.T, p *port) {
		if p.Uncertified() != nil {
			t.Error("there is a half for them")
		}
		wantClosed(t, p.dial("10.0.0.2", rpc.UncertifiedByte), 0)
	})
}
