package gossip_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"go.uber.org/goleak"

	"praetor/gossip"
)

// openReal opens a pool on a real socket at a free port.
func openReal(t *testing.T, opts gossip.Options) *gossip.Pool {
	t.Helper()
	opts.EncryptVerifyIncoming, opts.EncryptVerifyOutgoing = true, true
	p, err := gossip.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
	return p
}

func address(p *gossip.Pool) string {
	m := p.Local()
	return net.JoinHostPort(m.Addr.String(), strconv.Itoa(int(m.Port)))
}

// noLeaks ends a real test: nothing may run on. Probes end by their timeout,
// for which goleak waits.
func noLeaks(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, ignore) })
}

func TestRealSocketsJoinAndLeave(t *testing.T) {
	noLeaks(t)
	a := openReal(t, gossip.Options{Name: "a", BindAddr: "127.0.0.1", EncryptKey: key32})
	b := openReal(t, gossip.Options{Name: "b", BindAddr: "127.0.0.2", EncryptKey: key32})
	events := make(chan gossip.Event, 100)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error)
	go func() { done <- a.Run(ctx, func(e gossip.Event) { events <- e }) }() // waited for below
	if n, err := b.Join([]string{address(a)}); n != 1 || err != nil {
		t.Fatalf("join: %d, %v", n, err)
	}
	if err := b.Fire("hello", []byte("world")); err != nil {
		t.Fatal(err)
	}
	if err := b.Leave(); err != nil {
		t.Fatal(err)
	}
	var joined, greeted bool
	for left := false; !left; {
		select {
		case e := <-events:
			switch {
			case e.Type == gossip.Joined && e.Members[0].Name == "b":
				joined = true
			case e.Type == gossip.User:
				greeted = e.User.Name == "hello" && string(e.User.Payload) == "world"
			case e.Type == gossip.HasLeft:
				left = true
			}
		case <-ctx.Done():
			t.Fatalf("b did not leave; joined %v, greeted %v", joined, greeted)
		}
	}
	if !joined || !greeted {
		t.Errorf("joined %v, greeted %v, want both", joined, greeted)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestPortInUseSaysWhichWhyAndWhatToDo(t *testing.T) {
	noLeaks(t)
	p := openReal(t, gossip.Options{Name: "a", BindAddr: "127.0.0.1"})
	_, err := gossip.Open(gossip.Options{Name: "b", BindAddr: "127.0.0.1", BindPort: int(p.Local().Port)})
	want := "gossip cannot listen on TCP " + address(p) + ": another program uses this port. Stop it, or set another port in ports.serf_lan"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestForeignAddressSaysWhatToDo(t *testing.T) {
	noLeaks(t)
	_, err := gossip.Open(gossip.Options{Name: "b", BindAddr: "192.0.2.1", BindPort: 8302, WAN: true})
	want := "gossip cannot listen on TCP 192.0.2.1:8302: no interface of this machine has this address. Set bind_addr or serf_wan to one that `ip addr` lists"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAdvertisedAddressIsTheOneOthersSee(t *testing.T) {
	noLeaks(t)
	p := openReal(t, gossip.Options{Name: "a", BindAddr: "127.0.0.1", AdvertiseAddr: "198.51.100.7", AdvertisePort: 9301})
	if got := address(p); got != "198.51.100.7:9301" {
		t.Errorf("advertised %s", got)
	}
}

func TestIPv6AddressesWork(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skip("no IPv6 on this machine")
	}
	l.Close()
	noLeaks(t)
	a := openReal(t, gossip.Options{Name: "a", BindAddr: "::1"})
	b := openReal(t, gossip.Options{Name: "b", BindAddr: "::1"})
	if n, err := b.Join([]string{address(a)}); n != 1 || err != nil {
		t.Errorf("join %s: %d, %v", address(a), n, err)
	}
}

func TestBadOptionsAreAllReportedAtOnce(t *testing.T) {
	_, err := gossip.Open(gossip.Options{BindAddr: "localhost", BindPort: -1, AdvertiseAddr: "::", AdvertisePort: 70000})
	want := strings.Join([]string{
		`gossip: member name is empty`,
		`gossip: bind address "localhost" is not an IP address`,
		`gossip: bind port -1 is not between 0 and 65535`,
		`gossip: advertise address cannot be ::: others could not reach it`,
		`gossip: advertise port 70000 is not between 0 and 65535`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestUnspecifiedIPv6BindNeedsAnAddressToAdvertise(t *testing.T) {
	noLeaks(t)
	_, err := gossip.Open(gossip.Options{Name: "a", BindAddr: "::"})
	want := "gossip is bound to ::, which others cannot reach. Set advertise_addr to the address others shall use"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGivenTransportOnEveryInterfaceNeedsNoPrivateAddress(t *testing.T) {
	noLeaks(t)
	transport, err := gossip.Listen(gossip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := openReal(t, gossip.Options{Name: "a", Transport: transport, AdvertiseAddr: "127.0.0.1"})
	if got, want := int(p.Local().Port), transport.(*memberlist.NetTransport).GetAutoBindPort(); got != want {
		t.Errorf("advertised port %d, want %d", got, want)
	}
}

func TestOwnAddressIsAlwaysAmongTheAllowedNetworks(t *testing.T) {
	for _, bind := range []string{"127.0.0.1", "::1"} {
		for _, list := range [][]string{{"10.0.0.0/8"}, {"fd00::/8"}, {"10.0.0.0/8", "127.0.0.1/32"}} {
			var allowed []net.IPNet
			for _, cidr := range list {
				_, n, err := net.ParseCIDR(cidr)
				if err != nil {
					t.Fatal(err)
				}
				allowed = append(allowed, *n)
			}
			p, err := gossip.Open(gossip.Options{Name: "m1", BindAddr: bind, AllowedCIDRs: allowed})
			if err != nil {
				t.Errorf("%s, %v: %v", bind, list, err)
				continue
			}
			if got := p.Local(); got.Name != "m1" || got.Status != gossip.Alive {
				t.Errorf("%s, %v: got %+v", bind, list, got)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
