package memnet_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"praetor/internal/memnet"
)

// heard is what arrives at a connection, and when.
func heard(t *testing.T, c net.Conn, bytes int) string {
	t.Helper()
	begin, buf := time.Now(), make([]byte, bytes)
	if _, err := io.ReadFull(c, buf); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(string(buf), " after ", time.Since(begin))
}

func TestBytesTakeTheirTimeAndKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		d, s := pair(t, n)
		n.Set(b, a, memnet.Way{Delay: 100 * time.Millisecond, Jitter: 50 * time.Millisecond, Loss: 0.5})
		var want string
		for i := range 100 {
			text := fmt.Sprintf("%02d", i)
			want += text
			io.WriteString(d, text)
		}
		d.Close()
		begin := time.Now()
		got, err := io.ReadAll(s)
		if took := time.Since(begin); err != nil || string(got) != want || took < 300*time.Millisecond || took > 350*time.Millisecond {
			t.Errorf("%q after %s, %v; want all in order, the last sent twice", got, took, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		d, s := pair(t, n)
		n.Set(b, a, memnet.Way{Delay: time.Second})
		n.Set(b, a, memnet.Way{})
		io.WriteString(d, "y")
		if got := heard(t, s, 1); got != "y after 0s" {
			t.Errorf("a way without faults: %s", got)
		}
	})
}

func TestABlockedWayKeepsBytesAndTellsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		d, s := pair(t, n)
		n.Set(b, a, memnet.Way{Blocked: true})
		io.WriteString(d, "late")
		io.WriteString(s, "reply")
		if got := heard(t, d, 5); got != "reply after 0s" {
			t.Errorf("the open way: %s", got)
		}
		time.AfterFunc(time.Minute, func() { n.Set(b, a, memnet.Way{Delay: time.Second}) })
		if got := heard(t, s, 4); got != "late after 1m1s" {
			t.Errorf("the blocked way: %s", got)
		}
		n.Set(a, b, memnet.Way{Blocked: true})
		time.AfterFunc(time.Minute, func() { n.Set(a, b, memnet.Way{}) })
		begin := time.Now()
		c, err := n.Host(b).Dial(t.Context(), a+":80")
		if took := time.Since(begin); err != nil || took != time.Minute {
			t.Errorf("a dial whose answer is blocked: %v after %s", err, took)
		} else {
			c.Close()
		}
	})
}

func TestPacketsAreLostAndOvertakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		n.Seed(1)
		gossip := func(ip string) memberlist.Transport {
			g, err := n.Host(ip).Gossip(7946)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { g.Shutdown() })
			return g
		}
		from, to := gossip(b), gossip(a)
		n.Set(b, a, memnet.Way{Jitter: time.Second, Loss: 0.25})
		for i := range 100 {
			if _, err := from.WriteTo([]byte{byte(i)}, a+":7946"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		arrived, overtaken, last := 0, 0, byte(0)
		for len(to.PacketCh()) > 0 {
			p := <-to.PacketCh()
			if arrived++; p.Buf[0] < last {
				overtaken++
			}
			last = p.Buf[0]
		}
		if arrived < 60 || arrived > 90 || overtaken < 20 {
			t.Errorf("%d arrived, %d after one that was sent later; want about 75, and many", arrived, overtaken)
		}
		n.Set(b, a, memnet.Way{Blocked: true})
		before := n.Dropped()
		from.WriteTo([]byte{1}, a+":7946")
		if n.Dropped() != before+1 {
			t.Error("a packet went a blocked way")
		}
	})
}
