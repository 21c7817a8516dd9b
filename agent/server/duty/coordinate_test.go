package duty_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/serf/coordinate"

	"praetor/agent/server/duty"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/testkernel"
)

func place(node, segment string, seconds float64) catalog.Coordinate {
	return catalog.Coordinate{Node: node, Segment: segment, Coord: catalog.Coord{Vec: []float64{seconds, 0, 0, 0, 0, 0, 0, 0}}}
}

func (r room) report(token string, c catalog.Coordinate) error {
	req := &ops.CoordinateUpdateRequest{Coordinate: c}
	req.Token = token
	_, err := ops.CoordinateUpdate.Call(r.T.Context(), r.Router, req)
	return err
}

// storing stores coordinates until the end of the test.
func (r room) storing() {
	ctx, cancel := context.WithCancel(r.T.Context())
	var done sync.WaitGroup
	done.Go(func() { r.duties.StoreCoordinates(ctx) })
	r.T.Cleanup(func() { cancel(); done.Wait() })
	time.Sleep(time.Millisecond)
}

func (r room) places() string {
	_, list := r.Store.Read().Coordinates(nil)
	var words []string
	for _, c := range list {
		words = append(words, fmt.Sprint(c.Node, "/", c.Segment, "=", c.Coord.Vec[0]))
	}
	return strings.Join(words, " ")
}

func TestCoordinatesAreStoredEveryFiveSeconds(t *testing.T) {
	for period, dev := range map[time.Duration]bool{5 * time.Second: false, 100 * time.Millisecond: true} {
		within(t, duty.Options{Dev: dev}, testkernel.Options{}, func(r room) {
			for i, name := range []string{"a", "b"} {
				r.Log(catalog.RegisterCommand, &catalog.Register{Node: name, Address: fmt.Sprint("10.0.1.", i)})
			}
			if err := r.report("", place("a", "", 9)); err != nil { // in an earlier term
				t.Fatal(err)
			}
			r.storing()
			for _, c := range []catalog.Coordinate{place("a", "", 1), place("A", "", 2), place("a", "x", 3)} {
				if err := r.report("", c); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(period - 2*time.Millisecond)
			if got := r.places(); got != "" {
				t.Errorf("%s: %q too early", period, got)
			}
			time.Sleep(2 * time.Millisecond)
			if got := strings.ToLower(r.places()); got != "a/=2 a/x=3" {
				t.Errorf("%s: %q", period, got)
			}
			if err := r.report("", place("b", "", 5)); err != nil {
				t.Fatal(err)
			}
			before := r.Store.Read().LastIndex()
			time.Sleep(3 * period)
			if got := r.Store.Read().LastIndex() - before; got != 1 {
				t.Errorf("%s: %d writes for one report", period, got)
			}
		})
	}
}

// TestAFlushHasFiveBatchesOf128: what does not fit is dropped and told, what is there
// already is replaced.
func TestAFlushHasFiveBatchesOf128(t *testing.T) {
	var said log
	k := testkernel.Options{}
	k.Logger = said.logger()
	within(t, dutyOptions, k, func(r room) {
		r.storing()
		for i := range 643 {
			if err := r.report("", place(fmt.Sprint("n", i), "", 1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.report("", place("n0", "", 2)); err != nil {
			t.Fatal(err)
		}
		before := r.Raft.LastIndex()
		time.Sleep(5 * time.Second)
		if got := r.Raft.LastIndex() - before; got != 5 {
			t.Errorf("%d writes, want 5", got)
		}
		time.Sleep(5 * time.Second)
	})
	if said.count("Discarded coordinate updates: number_discarded=3") != 1 || said.count("Discarded") != 1 {
		t.Error(said.String())
	}
}

func TestWhoseCoordinatesAreTaken(t *testing.T) {
	leading(t, func(r room) {
		r.ACL = testkernel.Rights{acl.Node.Write("a"), acl.Node.Read("b")}
		short := place("a", "", 1)
		short.Coord.Vec = short.Coord.Vec[:7]
		for _, c := range []struct {
			token string
			c     catalog.Coordinate
			kind  fault.Kind
			ok    bool
		}{
			{"t", place("a", "", 1), 0, true}, {"t", place("b", "", 1), fault.Denied, false}, {"t", place("c", "", 1), fault.Denied, false}, {"", short, fault.Rejected, false},
		} {
			if err := r.report(c.token, c.c); (err == nil) != c.ok || err != nil && fault.KindOf(err) != c.kind {
				t.Errorf("%s: %v", c.c.Node, err)
			}
		}
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "b", Address: "10.0.1.1"})
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "c", Address: "10.0.1.2"})
		var batch catalog.CoordinateBatch
		for _, c := range []catalog.Coordinate{place("b", "", 1), place("b", "x", 2), place("c", "", 3)} {
			batch.Coordinates = append(batch.Coordinates, &c)
		}
		r.Log(catalog.CoordinateCommand, &batch)
		for _, c := range []struct {
			node, segment string
			any           bool
			want          string
			absent        bool
		}{
			{"b", "", false, "b/=1", false}, {"B", "x", false, "B/x=2", false}, {"b", "", true, "b/=1 b/x=2", false}, {"b", "y", false, "", false}, {"none", "", true, "", true},
		} {
			rep, err := ops.CoordinateNode.Call(r.T.Context(), r.Router, &ops.CoordinateNodeRequest{Node: c.node, Segment: c.segment, AnySegment: c.any})
			if err != nil || words(rep.Coordinates) != c.want || rep.Absent != c.absent || rep.Coordinates == nil {
				t.Errorf("%s in %q: %+v, %v; want %s", c.node, c.segment, rep, err, c.want)
			}
		}
		for _, c := range []struct {
			token, segment string
			any            bool
			want           string
		}{{"", "", false, "b/=1 c/=3"}, {"", "x", false, "b/x=2"}, {"", "", true, "b/=1 b/x=2 c/=3"}, {"t", "", true, "b/=1 b/x=2"}} {
			req := &ops.CoordinateNodesRequest{Segment: c.segment, AnySegment: c.any}
			req.Token = c.token
			rep, err := ops.CoordinateNodes.Call(r.T.Context(), r.Router, req)
			if err != nil || words(rep.Coordinates) != c.want {
				t.Errorf("nodes in %q: %s, %v; want %s", c.segment, words(rep.Coordinates), err, c.want)
			}
		}
		req := &ops.CoordinateNodeRequest{Node: "c"}
		req.Token = "t"
		if _, err := ops.CoordinateNode.Call(r.T.Context(), r.Router, req); fault.KindOf(err) != fault.Denied {
			t.Errorf("a node without the right to it: %v", err)
		}
	})
}

func words(list []*catalog.Coordinate) string {
	var words []string
	for _, c := range list {
		words = append(words, fmt.Sprint(c.Node, "/", c.Segment, "=", c.Coord.Vec[0]))
	}
	return strings.Join(words, " ")
}

// TestDatacentersWhosePlaceIsNotKnownAreNotListed, and the rest by distance.
func TestDatacentersWhosePlaceIsNotKnownAreNotListed(t *testing.T) {
	here := func(seconds float64) *coordinate.Coordinate {
		c := coordinate.NewCoordinate(coordinate.DefaultConfig())
		c.Vec[0] = seconds
		return c
	}
	wan := testkernel.NewPool()
	k := testkernel.Options{}
	k.WAN = wan
	within(t, dutyOptions, k, func(r room) {
		in := func(i int, dc string) {
			m := server(i, nil)
			m.Tags["dc"], m.Name = dc, fmt.Sprint("s", i, ".", dc)
			delete(m.Tags, "wan_join_port")
			wan.Set(append(wan.Members(), m)...)
		}
		in(1, "dc1")
		in(2, "near")
		in(3, "far")
		in(4, "unknown")
		wan.Places = map[string]*coordinate.Coordinate{"": here(0), "s1.dc1": here(0), "s2.near": here(0.01), "s3.far": here(0.5)}
		rep, err := ops.CoordinateDatacenters.Call(r.T.Context(), r.Router, &ops.CoordinateDatacentersRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, dc := range rep.Datacenters {
			got = append(got, dc.Datacenter+":"+words(dc.Coordinates))
		}
		if want := "dc1:s1/=0 near:s2/=0.01 far:s3/=0.5"; strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	})
}
