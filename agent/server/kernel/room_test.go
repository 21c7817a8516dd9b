package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
	"praetor/raftstore"
)

// leads runs a test of a server that leads.
func leads(t *testing.T, test func(s *testkernel.Server)) {
	t.Helper()
	testkernel.Run(t, testkernel.Options{}, test)
}

func put(s *testkernel.Server, key, value string) {
	s.T.Helper()
	s.Log(catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: key, Value: []byte(value)}})
}

// getting reads a key; runs counts how often that is done.
func getting(key string, got *string, runs *int) kernel.Query {
	return func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		*runs++
		index, entry := tx.KVGet(ws, key)
		if *got = ""; entry != nil {
			*got = string(entry.Value)
		}
		return index, nil
	}
}

func refused(t testing.TB, name string, err error, kind fault.Kind, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || err.Error() != want:
		t.Errorf("%s: %v, want %q", name, err, want)
	case fault.KindOf(err) != kind:
		t.Errorf("%s: %v is a fault of kind %v, want %v", name, err, fault.KindOf(err), kind)
	}
}

const noLeader, notReady = "No cluster leader", "Not ready to serve consistent reads"

// TestWhoAnswersReads is the table of internals.md §12.
func TestWhoAnswersReads(t *testing.T) {
	plain, stale, consistent := rpc.ReadOptions{}, rpc.ReadOptions{Stale: true}, rpc.ReadOptions{Consistent: true}
	for name, c := range map[string]struct {
		o                        testkernel.Options
		before                   func(s *testkernel.Server)
		plain, stale, consistent string
		leads                    bool
	}{
		"a leader":                      {testkernel.Options{}, nil, "", "", "", true},
		"one that is not ready":         {testkernel.Options{Unready: true}, nil, notReady, "", notReady, false},
		"one that was ready last term":  {testkernel.Options{Unready: true}, func(s *testkernel.Server) { s.MakeReady(s.Raft.Raft().CurrentTerm() - 1) }, notReady, "", notReady, false},
		"one that goes":                 {testkernel.Options{}, func(s *testkernel.Server) { s.Retire() }, noLeader, noLeader, noLeader, true},
		"one that never heard a leader": {testkernel.Options{Stateless: true}, nil, noLeader, noLeader, noLeader, false},
	} {
		testkernel.Run(t, c.o, func(s *testkernel.Server) {
			if c.before != nil {
				c.before(s)
			}
			for _, r := range []struct {
				opts rpc.ReadOptions
				want string
				word string
			}{{plain, c.plain, "leader"}, {stale, c.stale, "stale"}, {consistent, c.consistent, "consistent"}} {
				var meta rpc.ReadMeta
				var got string
				runs := 0
				err := s.Read(s.T.Context(), &r.opts, &meta, getting("a", &got, &runs))
				refused(t, name+" "+r.word, err, fault.NoLeader, r.want)
				if err == nil && (meta.Consistency != r.word || meta.Index == 0 || meta.KnownLeader != c.leads || runs != 1) {
					t.Errorf("%s %s: %+v after %d runs", name, r.word, meta, runs)
				}
			}
			retired := s.Retired()
			if s.IsLeader() != c.leads || (s.MustLead() == nil) != (c.leads && !retired) || (s.Leader().Address != "") != c.leads {
				t.Errorf("%s: leads %t, must lead %v, the leader is %+v", name, s.IsLeader(), s.MustLead(), s.Leader())
			}
			if err := s.Current(s.T.Context()); (err == nil) != (c.plain == "") {
				t.Errorf("%s: current: %v", name, err)
			}
		})
	}
}

func TestTheLeaderIsKnownByItsIDAndAddress(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		if got, want := s.Leader(), (rpc.Server{ID: testkernel.ID(1), Datacenter: "dc1", Address: "10.0.0.1:8300"}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if s.Secondary() || s.Primary != "dc1" || s.FromPrimary().Token != "" {
			t.Errorf("primary %q", s.Primary)
		}
	})
	k := testkernel.Options{}
	k.Primary, k.ReplicationToken = "dc0", func() string { return "secret" }
	testkernel.Run(t, k, func(s *testkernel.Server) {
		if got := s.FromPrimary(); !s.Secondary() || got.Datacenter != "dc0" || got.Token != "secret" {
			t.Errorf("%+v", got)
		}
	})
}

func TestCommandsThatAreRefused(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		apply := func(cmd *catalog.Register) error {
			_, _, err := s.Apply(s.T.Context(), catalog.RegisterCommand, cmd)
			return err
		}
		put(s, "a", "1") // what a new leader logs comes before
		before := s.Raft.LastIndex()
		err := apply(&catalog.Register{Node: "n", Address: "10.0.0.1", Checks: make([]*catalog.Check, 70_000)})
		if err == nil || s.Raft.LastIndex() != before {
			t.Errorf("what cannot be encoded: %v, %d entries", err, s.Raft.LastIndex()-before)
		}
		_, _, err = s.Apply(s.T.Context(), catalog.KVWriteCommand, &catalog.KVWrite{Verb: catalog.KVLock, Entry: catalog.KVEntry{Key: "a", Session: testkernel.ID(9)}})
		refused(t, "a session that is not", kernel.ApplyFailed("raft apply failed", err), fault.Rejected, fmt.Sprintf("raft apply failed: invalid session %q", testkernel.ID(9)))
		for _, other := range []error{nil, errors.New("x"), fault.New(fault.Denied, "x")} {
			if got := kernel.ApplyFailed("words", other); got != other {
				t.Errorf("%v becomes %v", other, got)
			}
		}
		data, err := catalog.Encode(catalog.RegisterCommand, &catalog.Register{Node: "x", Address: "10.0.0.3"})
		if err != nil {
			t.Fatal(err)
		}
		if results, err := s.ApplyAll(s.T.Context(), [][]byte{data, data}); err != nil || len(results) != 2 || results[0] != nil {
			t.Errorf("two at once: %v, %v", results, err)
		}
		s.Retire()
		refused(t, "one that goes", apply(&catalog.Register{Node: "y", Address: "10.0.0.4"}), fault.NoLeader, noLeader)
		_, err = s.ApplyAll(s.T.Context(), [][]byte{data})
		refused(t, "one that goes, two at once", err, fault.NoLeader, noLeader)
	})
}

// blocked starts a read that waits, and gives its outcome.
func blocked(s *testkernel.Server, ctx context.Context, opts rpc.ReadOptions, q kernel.Query) func() (rpc.ReadMeta, time.Duration, error) {
	var meta rpc.ReadMeta
	var err error
	var took time.Duration
	var done sync.WaitGroup
	done.Go(func() {
		began := time.Now()
		err = s.Read(ctx, &opts, &meta, q)
		took = time.Since(began)
	})
	synctest.Wait()
	return func() (rpc.ReadMeta, time.Duration, error) {
		done.Wait()
		return meta, took, err
	}
}

func TestBlockingReadsWakeForWhatTheyRead(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		put(s, "a", "1")
		var got string
		runs := 0
		outcome := blocked(s, s.T.Context(), rpc.ReadOptions{MinIndex: s.Store.Read().LastIndex()}, getting("a", &got, &runs))
		if s.Blocking() != 1 || runs != 1 {
			t.Errorf("%d reads wait, after %d runs", s.Blocking(), runs)
		}
		for range 10 {
			put(s, "b", "1") // another key
		}
		synctest.Wait()
		if runs != 1 {
			t.Errorf("it was woken %d times for nothing", runs-1)
		}
		time.Sleep(time.Minute)
		put(s, "a", "2")
		meta, took, err := outcome()
		if err != nil || got != "2" || meta.Expired || took != time.Minute || meta.Index != s.Store.Read().LastIndex() || s.Blocking() != 0 {
			t.Errorf("%+v, %v: %q after %s; %d wait", meta, err, got, took, s.Blocking())
		}
		outcome = blocked(s, s.T.Context(), rpc.ReadOptions{MinIndex: meta.Index - 1}, getting("a", &got, &runs))
		if _, took, err := outcome(); err != nil || took != 0 {
			t.Errorf("a read behind is answered after %s, %v", took, err)
		}
	})
}

func TestBlockingReadsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration
		stale  bool
		after  time.Duration // at least
		before func(s *testkernel.Server)
		want   string
	}{
		"when their time is up":   {time.Minute, false, time.Minute, nil, ""},
		"by default":              {0, false, 5 * time.Minute, nil, ""},
		"at the latest":           {time.Hour, false, 10 * time.Minute, nil, ""},
		"on one that goes":        {time.Minute, false, time.Minute, func(s *testkernel.Server) { s.Retire() }, noLeader},
		"on one that goes, stale": {time.Minute, true, time.Minute, func(s *testkernel.Server) { s.Retire() }, noLeader},
	} {
		leads(t, func(s *testkernel.Server) {
			put(s, "a", "1")
			var got string
			runs := 0
			outcome := blocked(s, s.T.Context(), rpc.ReadOptions{MinIndex: 1 << 40, MaxWait: c.wait, Stale: c.stale}, getting("a", &got, &runs))
			put(s, "b", "1")
			if c.before != nil {
				c.before(s)
			}
			meta, took, err := outcome()
			refused(t, name, err, fault.NoLeader, c.want)
			if took < c.after || took > c.after+c.after/16 || err == nil && (!meta.Expired || got != "1") {
				t.Errorf("%s: %+v, %v after %s", name, meta, err, took)
			}
		})
	}
	leads(t, func(s *testkernel.Server) {
		var got string
		runs := 0
		ctx, cancel := context.WithTimeout(s.T.Context(), time.Second)
		defer cancel()
		if _, took, err := blocked(s, ctx, rpc.ReadOptions{MinIndex: 1 << 40}, getting("a", &got, &runs))(); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("with their caller: %v after %s", err, took)
		}
		failing := func(*catalog.Tx, catalog.WatchSet) (uint64, error) { return 0, errors.New("no") }
		if _, took, err := blocked(s, s.T.Context(), rpc.ReadOptions{MinIndex: 1 << 40}, failing)(); fmt.Sprint(err) != "no" || took != 0 {
			t.Errorf("with an error: %v after %s", err, took)
		}
	})
}

// TestWhatIsAbsentIsWaitedFor, however its index moves.
func TestWhatIsAbsentIsWaitedFor(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		put(s, "b", "1")
		there := false
		var meta rpc.ReadMeta
		opts := rpc.ReadOptions{MinIndex: s.Store.Read().LastIndex()}
		var done sync.WaitGroup
		done.Go(func() {
			if err := s.Read(s.T.Context(), &opts, &meta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
				index, entry := tx.KVGet(ws, "b")
				there = string(entry.Value) == "3"
				meta.Absent = !there
				return index, nil
			}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		put(s, "b", "2")
		synctest.Wait()
		if there || s.Blocking() != 1 {
			t.Error("it ended though it is absent still")
		}
		put(s, "b", "3")
		done.Wait()
		if !there || meta.Absent || meta.Expired {
			t.Errorf("%+v", meta)
		}
	})
}

// TestARestoredStateWakesReads: its indexes start over.
func TestARestoredStateWakesReads(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		var state strings.Builder
		put(s, "a", "old")
		if err := s.Store.Read().WriteSnapshot(&state); err != nil {
			t.Fatal(err)
		}
		put(s, "a", "new")
		var got string
		runs := 0
		outcome := blocked(s, s.T.Context(), rpc.ReadOptions{MinIndex: s.Store.Read().LastIndex()}, getting("a", &got, &runs))
		if err := s.Store.Restore(strings.NewReader(state.String())); err != nil {
			t.Fatal(err)
		}
		if meta, took, err := outcome(); err != nil || took != 0 || got != "old" || meta.Expired {
			t.Errorf("%+v, %v: %q after %s", meta, err, got, took)
		}
	})
}

// TestALiveAnswerHoldsUntilItChanges, or rules do.
func TestALiveAnswerHoldsUntilItChanges(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		put(s, "a", "1")
		live := func() *rpc.Live {
			t.Helper()
			var meta rpc.ReadMeta
			var got string
			runs := 0
			if err := s.Read(s.T.Context(), &rpc.ReadOptions{Live: true}, &meta, getting("a", &got, &runs)); err != nil || meta.Live == nil {
				t.Fatalf("%+v, %v", meta, err)
			}
			return meta.Live
		}
		for name, c := range map[string]struct {
			change func()
			holds  bool
		}{
			"nothing":     {func() {}, true},
			"another key": {func() { put(s, "b", "1") }, true},
			"the key":     {func() { put(s, "a", "2") }, false},
			"a rule": {func() {
				s.Log(catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLCreate, Policies: []*catalog.ACLPolicy{{ID: testkernel.ID(77), Name: "p"}}})
			}, false},
		} {
			answer := live()
			c.change()
			if got := answer.Holds(time.Hour); got != c.holds {
				t.Errorf("after a change of %s it holds: %t", name, got)
			}
		}
	})
}

// switching is a resolver whose rights a test exchanges.
type switching struct {
	mu     sync.Mutex
	rights []acl.Need
	err    error
}

func (w *switching) Resolve(context.Context, string) (*acl.Authorizer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rights := w.rights
	return acl.NewFrom("acc", fmt.Sprint(rights), func(n acl.Need) bool { return slices.Contains(rights, n) }), w.err
}

func (w *switching) become(err error, rights ...acl.Need) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rights, w.err = rights, err
}

// TestAReadThatWaitsFollowsTheRules: with the same rights it waits on, with others it is
// answered, without a token it ends.
func TestAReadThatWaitsFollowsTheRules(t *testing.T) {
	for name, c := range map[string]struct {
		then   func(w *switching)
		answer bool
		nodes  int
		want   string
	}{
		"the same":  {func(w *switching) { w.become(nil, acl.Node.Read("a")) }, false, 1, ""},
		"more":      {func(w *switching) { w.become(nil, acl.Node.Read("a"), acl.Node.Read("b")) }, true, 2, ""},
		"none":      {func(w *switching) { w.become(nil) }, true, 0, ""},
		"not there": {func(w *switching) { w.become(fault.New(fault.Denied, "ACL not found")) }, true, 0, "ACL not found"},
	} {
		who := &switching{rights: []acl.Need{acl.Node.Read("a")}}
		k := testkernel.Options{Register: func(s *testkernel.Server, m *kernel.Mux) {
			kernel.HandleList(m, s.Kernel, ops.CatalogNodes, kernel.Nodes, func(_ *ops.CatalogNodesRequest, rep *ops.CatalogNodesReply) kernel.List[*catalog.Node] {
				return kernel.List[*catalog.Node]{Rows: (*catalog.Tx).Nodes, Into: &rep.Nodes}
			})
		}}
		k.ACL = who
		testkernel.Run(t, k, func(s *testkernel.Server) {
			for _, node := range []string{"a", "b"} {
				s.Log(catalog.RegisterCommand, &catalog.Register{Node: node, Address: "10.0.1.1"})
			}
			req := &ops.CatalogNodesRequest{}
			req.MinIndex, req.MaxWait = s.Store.Read().LastIndex(), time.Minute
			var rep *ops.CatalogNodesReply
			var err error
			began := time.Now()
			var done sync.WaitGroup
			done.Go(func() { rep, err = ops.CatalogNodes.Call(s.T.Context(), s.Router, req) })
			synctest.Wait()
			c.then(who)
			s.Log(catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: catalog.ACLCreate, Policies: []*catalog.ACLPolicy{{ID: testkernel.ID(77), Name: "p"}}})
			done.Wait()
			refused(t, name, err, fault.Denied, c.want)
			if took := time.Since(began); (took == 0) != c.answer {
				t.Errorf("%s: took %s", name, took)
			}
			if err == nil && len(rep.Nodes) != c.nodes {
				t.Errorf("%s: %d nodes, want %d", name, len(rep.Nodes), c.nodes)
			}
		})
	}
}

// TestListsHideBeforeTheyPick: no filter tells of what is hidden.
func TestListsHideBeforeTheyPick(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		for _, node := range []string{"a", "b", "c"} {
			s.Log(catalog.RegisterCommand, &catalog.Register{Node: node, Address: "10.0.1.1", NodeMeta: map[string]string{"x": node}})
		}
		az := testkernel.Rights{acl.Node.Read("a"), acl.Node.Read("b")}.Authorizer()
		read := func(az *acl.Authorizer, change func(l *kernel.List[*catalog.Node])) (string, rpc.ReadMeta, error) {
			var meta rpc.ReadMeta
			var rows []*catalog.Node
			l := kernel.List[*catalog.Node]{Rows: (*catalog.Tx).Nodes, Into: &rows}
			change(&l)
			err := kernel.ReadList(s.T.Context(), s.Kernel, az, &rpc.ReadOptions{}, &meta, kernel.Nodes, l)
			var names []string
			for _, n := range rows {
				names = append(names, n.Node)
			}
			return strings.Join(names, " "), meta, err
		}
		var seen []string
		keeping := func(rows []*catalog.Node) ([]*catalog.Node, error) {
			for _, n := range rows {
				seen = append(seen, n.Node)
			}
			return rows[1:], nil
		}
		for name, c := range map[string]struct {
			az       *acl.Authorizer
			change   func(l *kernel.List[*catalog.Node])
			rows     string
			filtered bool
			absent   bool
			err      string
		}{
			"all":             {acl.Unrestricted, func(*kernel.List[*catalog.Node]) {}, "a b c", false, false, ""},
			"some":            {az, func(*kernel.List[*catalog.Node]) {}, "a b", true, false, ""},
			"some, quietly":   {az, func(l *kernel.List[*catalog.Node]) { l.Quiet = true }, "a b", false, false, ""},
			"with a right":    {az, func(l *kernel.List[*catalog.Node]) { l.Needs = acl.Node.Read("b") }, "a b", true, false, ""},
			"without a right": {az, func(l *kernel.List[*catalog.Node]) { l.Needs = acl.Node.Read("c") }, "", false, false, "Permission denied: token with AccessorID 'acc' lacks permission 'node:read' on \"c\""},
			"wanted": {az, func(l *kernel.List[*catalog.Node]) {
				l.Wanted = func(_ *catalog.Tx, n *catalog.Node) bool { return n.Node != "a" }
			}, "b", true, false, ""},
			"picked": {az, func(l *kernel.List[*catalog.Node]) {
				l.Pick = kernel.Keeping(func(_ context.Context, rows []*catalog.Node) ([]*catalog.Node, error) { return keeping(rows) }, nil)
			}, "b", true, false, ""},
			"picked by an error": {az, func(l *kernel.List[*catalog.Node]) { l.Pick = kernel.Keeping[*catalog.Node](nil, errors.New("no")) }, "", false, false, "no"},
			"picked with an error": {az, func(l *kernel.List[*catalog.Node]) {
				l.Pick = kernel.Keeping(func(context.Context, []*catalog.Node) ([]*catalog.Node, error) { return nil, errors.New("cost") }, nil)
			}, "", true, false, "cost"},
			"absent": {acl.Unrestricted, func(l *kernel.List[*catalog.Node]) {
				l.Absent, l.Rows = true, func(*catalog.Tx, catalog.WatchSet) (uint64, []*catalog.Node) { return 7, nil }
			}, "", false, true, ""},
			"hidden is not absent": {testkernel.Rights{}.Authorizer(), func(l *kernel.List[*catalog.Node]) { l.Absent = true }, "", true, false, ""},
		} {
			rows, meta, err := read(c.az, c.change)
			if got := fmt.Sprint(err); err != nil && got != c.err || err == nil && c.err != "" {
				t.Errorf("%s: %v, want %q", name, err, c.err)
			}
			if rows != c.rows || meta.Filtered != c.filtered || meta.Absent != c.absent {
				t.Errorf("%s: %q, %+v", name, rows, meta)
			}
		}
		if !slices.Equal(seen, []string{"a", "b"}) {
			t.Errorf("the filter saw %q", seen)
		}
		thens := 0
		if _, _, err := read(az, func(l *kernel.List[*catalog.Node]) { l.Then = func() { thens++ } }); err != nil || thens != 1 {
			t.Errorf("then was done %d times, %v", thens, err)
		}
	})
}

// TestCopiesOfThePrimary: a second apart at least, after errors twice as long each time up to
// a minute, and from the start if its indexes start over.
func TestCopiesOfThePrimary(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		type attempt struct {
			after time.Duration
			at    uint64
		}
		var got []attempt
		var noted []string
		ctx, cancel := context.WithCancel(s.T.Context())
		began := time.Now()
		answers := []struct {
			index uint64
			err   error
		}{{10, nil}, {15, nil}, {7, nil}, {9, nil}, {0, errors.New("a")}, {0, errors.New("b")}, {20, nil}}
		for range 7 {
			answers = append(answers, struct {
				index uint64
				err   error
			}{0, errors.New("c")})
		}
		s.CopyPrimary(ctx, func(_ context.Context, at uint64) (uint64, error) {
			got = append(got, attempt{time.Since(began), at})
			if len(got) > len(answers) {
				cancel()
				return 0, errors.New("not noted")
			}
			return answers[len(got)-1].index, answers[len(got)-1].err
		}, func(index uint64, err error) { noted = append(noted, fmt.Sprint(index, err)) })
		want := []attempt{{0, 0}, {1, 10}, {2, 15}, {3, 0}, {4, 9}, {6, 0}, {10, 0}, {11, 20}, {13, 0}, {17, 0}, {25, 0}, {41, 0}, {73, 0}, {133, 0}, {193, 0}}
		for i := range want {
			want[i].after *= time.Second
		}
		if !slices.Equal(got, want) {
			t.Errorf("attempts %v\nwant %v", got, want)
		}
		if len(noted) != 14 || !slices.Equal(noted[:6], []string{"10 <nil>", "15 <nil>", "0 <nil>", "9 <nil>", "0 a", "0 b"}) {
			t.Errorf("noted %q", noted)
		}
	})
}

// TestRulesAreAskedBeforeHandlers, once, and say what they are.
func TestRulesAreAskedBeforeHandlers(t *testing.T) {
	rules := map[string]kernel.Rule{
		"needs":        kernel.Needs(func(r *ops.KVGetRequest) acl.Need { return acl.Key.Read(r.Key) }),
		"needs always": kernel.NeedsAlways(acl.Operator.Read()),
		"filtered":     kernel.FilteredBy("node:read"),
		"decides":      kernel.Decides("its right"),
		"known":        kernel.Known("for all"),
		"open":         kernel.Open("for nobody"),
	}
	for name, c := range map[string]struct {
		described      string
		without, known bool // who gets to the handler: a token without rights, one that exists
	}{
		"needs": {"needs key:read", false, false}, "needs always": {"needs operator:read", false, false}, "filtered": {"filtered by: node:read", true, false},
		"decides": {"decides by: its right", true, false}, "known": {"known token: for all", true, false}, "open": {"open: for nobody", true, true},
	} {
		rule := rules[name]
		if got := rule.Describe(&ops.KVGetRequest{Key: "a"}); got != c.described || rule.IsOpen() != (name == "open") {
			t.Errorf("%s is described as %q, open %t", name, got, rule.IsOpen())
		}
		reached := 0
		k := testkernel.Options{Register: func(s *testkernel.Server, m *kernel.Mux) {
			kernel.Handle(m, ops.KVGet, rule, func(_ context.Context, az *acl.Authorizer, _ *ops.KVGetRequest) (*ops.KVGetReply, error) {
				reached++
				if name == "open" && az != nil {
					t.Error("an open operation looks at the token")
				}
				return &ops.KVGetReply{}, nil
			})
			if len(m.Rules()) != 1 || m.Rules()["KV.Get"].Describe(&ops.KVGetRequest{}) == "" {
				t.Errorf("rules %v", m.Rules())
			}
		}}
		k.ACL = testkernel.Rights{}
		testkernel.Run(t, k, func(s *testkernel.Server) {
			for token, want := range map[string]bool{"": true, "t": c.without, "unknown": c.known} {
				reached = 0
				req := &ops.KVGetRequest{Key: "a"}
				req.Token = token
				if _, err := ops.KVGet.Call(s.T.Context(), s.Router, req); (err == nil) != want || (reached == 1) != want {
					t.Errorf("%s with token %q: %v, reached %d times", name, token, err, reached)
				}
			}
		})
	}
	defer func() {
		if recover() == nil {
			t.Error("an operation without a rule is taken")
		}
	}()
	kernel.Handle(kernel.NewMux(acl.AllowAll{}), ops.KVGet, kernel.Rule{}, func(context.Context, *acl.Authorizer, *ops.KVGetRequest) (*ops.KVGetReply, error) { return nil, nil })
}

func TestAFollowerKnowsNobodyBeforeAnElection(t *testing.T) {
	two := []raftstore.Peer{{ID: testkernel.ID(1), Address: testkernel.Address(1), Voter: true}, {ID: testkernel.ID(2), Address: testkernel.Address(2), Voter: true}}
	testkernel.Run(t, testkernel.Options{Peers: two, Unready: true}, func(s *testkernel.Server) {
		time.Sleep(10 * time.Second)
		if got := s.Leader(); got.Address != "" || s.IsLeader() {
			t.Errorf("%+v leads", got)
		}
	})
}

// TestViewsAnswerWhatTheServiceIsNow, and what did not change with the very same slice.
func TestViewsAnswerWhatTheServiceIsNow(t *testing.T) {
	leads(t, func(s *testkernel.Server) {
		register := func(node, status string) {
			s.Log(catalog.RegisterCommand, &catalog.Register{
				Node: node, Address: "10.0.1.1", NodeMeta: map[string]string{"x": node}, Service: &catalog.Service{ID: "w", Service: "web", Tags: []string{node}},
				Checks: []*catalog.Check{{CheckID: "c", Name: "c", ServiceID: "w", Status: status}},
			})
		}
		register("a", catalog.Passing)
		register("b", catalog.Critical)
		views := kernel.NewViews()
		show := func(az *acl.Authorizer, req *ops.HealthServiceRequest) ([]*catalog.InstanceHealth, bool) {
			t.Helper()
			req.Service = "web"
			_, seen, filtered, err := views.Show(s.T.Context(), az, s.Store.Read(), catalog.WatchSet{}, kernel.NewViewKey(req), req, nil)
			if err != nil {
				t.Fatal(err)
			}
			return seen, filtered
		}
		first, _ := show(acl.Unrestricted, &ops.HealthServiceRequest{})
		again, _ := show(acl.Unrestricted, &ops.HealthServiceRequest{})
		if len(first) != 2 || &first[0] != &again[0] {
			t.Errorf("%d instances, and another slice", len(first))
		}
		put(s, "k", "v")
		if again, _ = show(acl.Unrestricted, &ops.HealthServiceRequest{}); &first[0] != &again[0] {
			t.Error("a change of something else makes another slice")
		}
		for name, c := range map[string]struct {
			req  ops.HealthServiceRequest
			want int
		}{
			"passing": {ops.HealthServiceRequest{PassingOnly: true}, 1}, "by tag": {ops.HealthServiceRequest{Tags: []string{"B"}}, 1}, "by metadata": {ops.HealthServiceRequest{NodeMeta: map[string]string{"x": "a"}}, 1},
			"by both": {ops.HealthServiceRequest{Tags: []string{"b"}, NodeMeta: map[string]string{"x": "a"}}, 0}, "in the mesh": {ops.HealthServiceRequest{Connect: true}, 0},
		} {
			for _, az := range []*acl.Authorizer{acl.Unrestricted, testkernel.Rights{acl.Service.Read("web"), acl.Node.Read("a"), acl.Node.Read("b")}.Authorizer()} {
				if got, filtered := show(az, &c.req); len(got) != c.want || filtered {
					t.Errorf("%s: %d, filtered %t; want %d", name, len(got), filtered, c.want)
				}
			}
		}
		few := testkernel.Rights{acl.Service.Read("web"), acl.Node.Read("b")}.Authorizer()
		if got, filtered := show(few, &ops.HealthServiceRequest{}); len(got) != 1 || !filtered {
			t.Errorf("with fewer rights: %d, filtered %t", len(got), filtered)
		}
		if got, filtered := show(few, &ops.HealthServiceRequest{PassingOnly: true}); len(got) != 0 || !filtered {
			t.Errorf("with fewer rights, passing: %d, filtered %t", len(got), filtered)
		}
		if got, _ := show(acl.Unrestricted, &ops.HealthServiceRequest{}); len(got) != 2 {
			t.Errorf("%d after somebody with fewer rights asked", len(got))
		}
		register("c", catalog.Passing)
		if got, _ := show(acl.Unrestricted, &ops.HealthServiceRequest{}); len(got) != 3 {
			t.Errorf("%d after another was registered", len(got))
		}
		if n, bytes := views.Size(); n < 5 || bytes < 1000 {
			t.Errorf("%d views of %d bytes", n, bytes)
		}
	})
}
