package testcluster_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/memnet"
	"praetor/internal/testcluster"
)

// sites are three datacenters of three servers and two clients each.
type sites struct {
	*testing.T
	c   *testcluster.Cluster
	all [3][]*testcluster.Node // servers first
}

const (
	lanDelay = 500 * time.Microsecond
	wanDelay = 40 * time.Millisecond
)

// ways sets the ways between two datacenters, or within one.
func (s *sites) ways(a, b int, w memnet.Way) {
	for _, from := range s.all[a] {
		for _, to := range s.all[b] {
			if from != to {
				s.c.Net().Set(from.IP(), to.IP(), w)
				s.c.Net().Set(to.IP(), from.IP(), w)
			}
		}
	}
}

// client is one of a datacenter.
func (s *sites) client(dc int) *testcluster.Node { return s.all[dc][3] }

// ask makes a request at the client of one datacenter, about one.
func (s *sites) ask(at, about int, method, path, body string) testcluster.Answer {
	return s.client(at).Ask("", method, fmt.Sprintf("%s?dc=dc%d", path, about+1), body)
}

func (s *sites) wantKV(at, about int, key, value string) error {
	a := s.ask(at, about, http.MethodGet, "/v1/kv/"+key, "")
	if value == "" && a.Status == http.StatusNotFound && a.Body == "" || a.Status == http.StatusOK && strings.Contains(a.Body, `"Key":"`+key+`"`) && value != "" {
		return nil
	}
	return fmt.Errorf("dc%d about dc%d: %s is %d %s, want %q", at+1, about+1, key, a.Status, a.Body, value)
}

// reach waits until some datacenters write and read each other's keys.
func (s *sites) reach(key string, dcs ...int) (took time.Duration) {
	s.Helper()
	begin := time.Now()
	for _, at := range dcs {
		for _, about := range dcs {
			name := fmt.Sprintf("%s-%d", key, at+1)
			s.c.WaitFor(fmt.Sprintf("a write of dc%d in dc%d", at+1, about+1), func() error {
				if a := s.ask(at, about, http.MethodPut, "/v1/kv/"+name, "x"); a.Status != http.StatusOK {
					return fmt.Errorf("%d %s", a.Status, a.Body)
				}
				return s.wantKV(at, about, name, "x")
			})
		}
	}
	return time.Since(begin)
}

// slowest is what the slowest of forty writes and reads within a datacenter took.
func (s *sites) slowest(dc int) (most time.Duration) {
	s.Helper()
	for i := range 40 {
		begin := time.Now()
		put := s.client(dc).Ask("", http.MethodPut, "/v1/kv/lan", fmt.Sprint(i))
		get := s.client(dc).Ask("", http.MethodGet, "/v1/kv/lan?consistent", "")
		list := s.client(dc).Ask("", http.MethodGet, "/v1/health/service/web?consistent", "")
		most = max(most, time.Since(begin))
		if put.Status != http.StatusOK || get.Status != http.StatusOK || list.Status != http.StatusOK {
			s.Fatalf("within dc%d: %d %s, %d %s, %d %s", dc+1, put.Status, put.Body, get.Status, get.Body, list.Status, list.Body)
		}
		time.Sleep(time.Second)
	}
	return most
}

// wantNoPath wants a clear refusal to speak with a datacenter.
func (s *sites) wantNoPath(at, about int) {
	s.Helper()
	s.c.WaitFor("a clear refusal", func() error {
		begin := time.Now()
		a := s.ask(at, about, http.MethodGet, "/v1/kv/lan", "")
		if a.Status != http.StatusInternalServerError || strings.TrimSpace(a.Body) != "Remote DC has no server currently reachable" {
			return fmt.Errorf("%d %s", a.Status, a.Body)
		}
		s.Logf("dc%d says after %s that it does not reach dc%d", at+1, time.Since(begin), about+1)
		return nil
	})
}

// TestDatacentersOutliveWhatHappensToTheOthers cuts the WAN for minutes, without anybody
// being told, and loses a datacenter whole, which is restored from a backup.
func TestDatacentersOutliveWhatHappensToTheOthers(t *testing.T) {
	inMemory(t)
	site := testcluster.Site{Servers: 3, Clients: 2}
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 2, Abroad: []testcluster.Site{site, site}}, func(c *testcluster.Cluster) {
		s := &sites{T: t, c: c, all: [3][]*testcluster.Node{slices.Concat(c.Servers(), c.Clients()), c.Abroad(0), c.Abroad(1)}}
		for a := range 3 {
			s.ways(a, a, memnet.Way{Delay: lanDelay})
			for b := range a {
				s.ways(a, b, memnet.Way{Delay: wanDelay})
			}
			register(t, s.client(a), "web")
		}
		s.reach("before", 0, 1, 2)
		whole := s.slowest(0)
		// Each of the three takes at most three round trips: to a server, from there to the
		// leader, and from there to another server.
		const most = 9*2*lanDelay + time.Millisecond

		// The way from dc1 to the others swallows everything.
		dead := memnet.Way{Blocked: true}
		s.ways(0, 1, dead)
		s.ways(0, 2, dead)
		first := s.slowest(0) // begins before anybody noticed
		s.wantNoPath(0, 1)
		s.wantNoPath(1, 0)
		s.reach("cut", 1, 2)
		time.Sleep(5 * time.Minute)
		later := s.slowest(0)
		t.Logf("a write and two reads within dc1 took at most %s before the cut, %s at its begin, %s after minutes", whole, first, later)
		if max(whole, first, later) > most {
			t.Errorf("want at most %s: a dead WAN costs the LAN something", most)
		}
		s.ways(0, 1, memnet.Way{Delay: wanDelay})
		s.ways(0, 2, memnet.Way{Delay: wanDelay})
		t.Logf("all datacenters reach each other %s after the WAN is back", s.reach("healed", 0, 1, 2))

		// dc2 loses all its servers, and their disks.
		archive := s.ask(0, 1, http.MethodGet, "/v1/snapshot", "")
		if archive.Status != http.StatusOK {
			t.Fatalf("backup: %d %s", archive.Status, archive.Body)
		}
		s.reach("after-the-backup", 0, 1)
		for _, n := range s.all[1][:3] {
			n.Kill()
			n.Wipe()
		}
		s.reach("without-dc2", 0, 2)
		if lost := s.slowest(0); lost > most {
			t.Errorf("without dc2 a write and two reads within dc1 take %s, want at most %s", lost, most)
		}
		begin := time.Now()
		for _, n := range s.all[1][:3] {
			n.Start()
		}
		c.WaitFor("the restore", func() error {
			if a := s.ask(0, 1, http.MethodPut, "/v1/snapshot", archive.Body); a.Status != http.StatusOK {
				return fmt.Errorf("%d %s", a.Status, a.Body)
			}
			return nil
		})
		for _, at := range []int{0, 1, 2} {
			c.WaitFor("what the backup holds", func() error { return s.wantKV(at, 1, "healed-1", "x") })
			if err := s.wantKV(at, 1, "after-the-backup-1", ""); err != nil {
				t.Errorf("written after the backup: %v", err)
			}
		}
		c.WaitFor("the services of dc2", func() error {
			a := s.ask(2, 1, http.MethodGet, "/v1/health/service/web", "")
			if a.Status != http.StatusOK || !strings.Contains(a.Body, `"Node":"`+s.client(1).Name()+`"`) || strings.Contains(a.Body, "critical") {
				return fmt.Errorf("%d %s", a.Status, a.Body)
			}
			return nil
		})
		t.Logf("dc2 is back %s after its servers started on empty disks", time.Since(begin))
		s.reach("restored", 0, 1, 2)
	})
}
