package duty_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/testkernel"
)

// TestALeaderIsReadyOnceItHasTakenUpItsDuties: by then it is in the catalog, with what is
// replicated and the timers of all sessions.
func TestALeaderIsReadyOnceItHasTakenUpItsDuties(t *testing.T) {
	o := dutyOptions
	o.Entries = []configentry.Entry{serviceDefaults(t, "web", "http")}
	var r room
	var steps []string
	began := false
	o.Establish = []func(context.Context) error{
		func(context.Context) error {
			steps = append(steps, "first")
			if r.IsLeader() || r.Store.Read().Autopilot() == nil || r.entry("web") == "" || r.node("s1") != nil || began {
				t.Error("it is established in another order")
			}
			return nil
		},
		func(context.Context) error { steps = append(steps, "second"); return nil },
	}
	o.Others = []func(context.Context){func(ctx context.Context) { began = true; <-ctx.Done() }}
	within(t, o, testkernel.Options{Unready: true}, func(served room) {
		r = served
		r.Log(catalog.RegisterCommand, &catalog.Register{Node: "n", Address: "10.0.1.1"})
		for id, ttl := range map[string]string{testkernel.ID(500): "10s", testkernel.ID(501): ""} {
			r.Log(catalog.SessionCommand, &catalog.SessionWrite{Verb: catalog.SessionCreate, Session: catalog.Session{ID: id, Node: "n", TTL: ttl, Behavior: "release"}})
		}
		if r.duties.Timers.Active() != 0 || r.duties.Pilot() != nil {
			t.Error("there are timers or an autopilot before it leads")
		}
		r.serving()
		if got := r.Pool.Did(); !slices.Equal(got, []string{"fire consul:new-leader s1"}) {
			t.Errorf("told the pool %q", got)
		}
		if !slices.Equal(steps, []string{"first", "second"}) || !began || r.serf("s1") != catalog.Passing || r.duties.Timers.Active() != 1 || r.duties.Pilot() == nil {
			t.Errorf("steps %q, others %t, serfHealth %q, %d timers, pilot %v", steps, began, r.serf("s1"), r.duties.Timers.Active(), r.duties.Pilot())
		}
		if got := r.Store.Read().Autopilot(); got.MaxTrailingLogs != 250 {
			t.Errorf("autopilot's configuration %+v", got)
		}
		time.Sleep(21 * time.Second)
		if _, list := r.Store.Read().Sessions(nil); len(list) != 1 || list[0].ID != testkernel.ID(501) {
			t.Errorf("sessions after two TTLs: %+v", list)
		}
	})
	if r.duties.Pilot() != nil || r.duties.Timers.Active() != 0 {
		t.Error("timers or an autopilot are left after the term")
	}
}

// TestTheReplicatedConfigurationOfAutopilotStays when another leads.
func TestTheReplicatedConfigurationOfAutopilotStays(t *testing.T) {
	leading(t, func(r room) {
		r.Log(catalog.AutopilotCommand, &catalog.Autopilot{MaxTrailingLogs: 9})
		r.serving()
		if got := r.Store.Read().Autopilot(); got.MaxTrailingLogs != 9 {
			t.Errorf("%+v", got)
		}
	})
}

// TestALeaderThatCannotTakeUpItsDutiesTriesAgainEveryFiveSeconds if nobody takes over.
func TestALeaderThatCannotTakeUpItsDutiesTriesAgainEveryFiveSeconds(t *testing.T) {
	var said log
	o, k := dutyOptions, testkernel.Options{Unready: true}
	k.Logger = said.logger()
	var tries []time.Duration
	began := time.Now()
	o.Establish = []func(context.Context) error{func(context.Context) error {
		if len(tries) == 0 {
			began = time.Now()
		}
		if tries = append(tries, time.Since(began)); len(tries) < 4 {
			return errors.New("not yet")
		}
		return nil
	}}
	within(t, o, k, func(r room) {
		r.serving()
		if want := []time.Duration{0, 5 * time.Second, 10 * time.Second, 15 * time.Second}; !slices.Equal(tries, want) {
			t.Errorf("tried after %s", tries)
		}
		if said.count("hand leadership on:") != 9 || said.count(`take up leadership: handing it on: error="not yet"`) != 3 {
			t.Errorf("nobody to hand on to:\n%s", said.String())
		}
	})
}

// TestARestoredStateIsTakenUp: timers, lock-delays and members' health are of the old one.
func TestARestoredStateIsTakenUp(t *testing.T) {
	o := dutyOptions
	established := 0
	o.Establish = []func(context.Context) error{func(context.Context) error { established++; return nil }}
	within(t, o, testkernel.Options{Unready: true}, func(r room) {
		r.serving()
		r.duties.Delays.Begin([]catalog.FreedLock{{Key: "k", Delay: time.Hour, Index: 1}}, oneEntry, time.Now())
		r.Log(catalog.DeregisterCommand, &catalog.Deregister{Node: "s1"}) // as if the other state did not have it
		began := time.Now()
		r.duties.TakeUpAgain(r.T.Context())
		if took := time.Since(began); took > time.Second {
			t.Errorf("waited %s", took)
		}
		if established != 2 || !r.IsLeader() || r.serf("s1") != catalog.Passing || r.duties.Delays.Holds("k", time.Now()) {
			t.Errorf("established %d times, serfHealth %q, delay %t", established, r.serf("s1"), r.duties.Delays.Holds("k", time.Now()))
		}
		synctest.Wait()
		if r.duties.Pilot() == nil {
			t.Error("no autopilot afterwards")
		}
	})
}

func TestWhoDoesNotLeadTakesNothingUpAgain(t *testing.T) {
	within(t, dutyOptions, testkernel.Options{Stateless: true}, func(r room) {
		began := time.Now()
		r.duties.TakeUpAgain(r.T.Context())
		if took := time.Since(began); took > 0 {
			t.Errorf("waited %s", took)
		}
	})
}

// TestALonelyServerLeavesWithoutHandingOn, after it has drained.
func TestALonelyServerLeavesWithoutHandingOn(t *testing.T) {
	leading(t, func(r room) {
		if err := r.duties.PrepareLeave(r.T.Context()); err != nil || !slices.Equal(r.peers(), []string{"1 10.0.0.1:8300*"}) || !r.Raft.IsLeader() {
			t.Errorf("%v, peers %q, leads %t", err, r.peers(), r.Raft.IsLeader())
		}
		began := time.Now()
		var after time.Duration
		done := make(chan error)
		go func() {
			err := r.duties.FinishLeave(r.T.Context())
			after = time.Since(began)
			done <- err
		}()
		synctest.Wait()
		if _, _, err := r.Apply(r.T.Context(), catalog.DeregisterCommand, &catalog.Deregister{Node: "x"}); fault.KindOf(err) != fault.NoLeader {
			t.Errorf("a write while it leaves: %v", err)
		}
		if err := <-done; err != nil || after != 5*time.Second {
			t.Errorf("%v after %s", err, after)
		}
		ctx, cancel := context.WithTimeout(r.T.Context(), time.Second)
		defer cancel()
		if err := r.duties.FinishLeave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut short: %v", err)
		}
	})
}

func serviceDefaults(t *testing.T, name, protocol string) configentry.Entry {
	t.Helper()
	entry, err := configentry.DecodeJSON(strings.NewReader(`{"Kind":"service-defaults","Name":"` + name + `","Protocol":"` + protocol + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// entry is the body of a service-defaults, "" for none.
func (r room) entry(name string) string {
	_, e := r.Store.Read().ConfigEntry(nil, "service-defaults", name)
	if e == nil {
		return ""
	}
	return string(e.Body)
}

// TestEntriesOfTheConfiguration are written where there are none, at the start of a term
// and after a reload.
func TestEntriesOfTheConfiguration(t *testing.T) {
	var said log
	o, k := dutyOptions, testkernel.Options{}
	k.Logger = said.logger()
	o.Entries = []configentry.Entry{serviceDefaults(t, "web", "http"), serviceDefaults(t, "db", "tcp"), splitter(t, "db"), serviceDefaults(t, "last", "http")}
	within(t, o, k, func(r room) {
		row, err := catalog.NewConfigEntry(serviceDefaults(t, "web", "grpc"))
		if err != nil {
			t.Fatal(err)
		}
		r.Log(catalog.ConfigCommand, &catalog.ConfigWrite{Entry: *row})
		r.serving()
		for name, protocol := range map[string]string{"web": "grpc", "db": "tcp", "last": "http"} {
			if !strings.Contains(r.entry(name), `"`+protocol+`"`) {
				t.Errorf("%s: %s, want protocol %s", name, r.entry(name), protocol)
			}
		}
		if said.count("write config entry of the configuration: kind=service-splitter name=db") != 1 {
			t.Errorf("one that does not fit is not told of:\n%s", said.String())
		}
		r.duties.Reload([]configentry.Entry{serviceDefaults(t, "new", "http2")})
		synctest.Wait()
		if !strings.Contains(r.entry("new"), "http2") || r.entry("db") == "" {
			t.Errorf("after a reload: new %s, db %s", r.entry("new"), r.entry("db"))
		}
	})
	o.Entries = o.Entries[:1]
	k.Primary = "dc0"
	within(t, o, k, func(r room) {
		r.serving()
		if got := r.entry("web"); got != "" {
			t.Errorf("a secondary datacenter writes %s", got)
		}
	})
}

// splitter is one that the protocol tcp does not allow.
func splitter(t *testing.T, name string) configentry.Entry {
	t.Helper()
	entry, err := configentry.DecodeJSON(strings.NewReader(`{"Kind":"service-splitter","Name":"` + name + `","Splits":[{"Weight":100}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// TestWhatMakesOurEntriesTheirs compares entries "kind/name=body".
func TestWhatMakesOurEntriesTheirs(t *testing.T) {
	list := func(text string) (list []*catalog.ConfigEntry) {
		for word := range strings.FieldsSeq(text) {
			kind, rest, _ := strings.Cut(word, "/")
			name, body, _ := strings.Cut(rest, "=")
			list = append(list, &catalog.ConfigEntry{Kind: kind, Name: name, Body: []byte(body), ModifyIndex: uint64(len(list))})
		}
		return list
	}
	for _, c := range []struct{ ours, theirs, want string }{
		{"", "", ""}, {"k/a=1", "k/a=1", ""}, {"", "k/a=1 k/b=2", "set k/a=1, set k/b=2"}, {"k/a=1 k/b=2", "", "delete k/a, delete k/b"},
		{"k/a=1", "k/a=2", "set k/a=2"}, {"k/a=1", "k/A=1", "set k/A=1"}, {"k/a=1", "l/a=1", "set l/a=1, delete k/a"}, {"k/b=1 k/a=1", "k/a=1 k/c=1", "set k/c=1, delete k/b"},
	} {
		var got []string
		for _, w := range duty.EntryChanges(list(c.ours), list(c.theirs)) {
			word := map[catalog.ConfigVerb]string{catalog.ConfigSet: "set ", catalog.ConfigDelete: "delete "}[w.Verb] + w.Entry.Kind + "/" + w.Entry.Name
			if w.Entry.Body != nil {
				word += "=" + string(w.Entry.Body)
			}
			got = append(got, word)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s from %s: %q, want %s", c.theirs, c.ours, got, c.want)
		}
	}
}

// TestEntriesAreCopiedInAnyOrder: a splitter needs its service's protocol, and comes first.
func TestEntriesAreCopiedInAnyOrder(t *testing.T) {
	leading(t, func(r room) {
		set := func(entries ...configentry.Entry) (writes []*catalog.ConfigWrite) {
			for _, e := range entries {
				row, err := catalog.NewConfigEntry(e)
				if err != nil {
					t.Fatal(err)
				}
				writes = append(writes, &catalog.ConfigWrite{Verb: catalog.ConfigSet, Entry: *row})
			}
			return writes
		}
		if err := r.duties.ApplyAll(r.T.Context(), set(splitter(t, "web"), serviceDefaults(t, "web", "http"))); err != nil {
			t.Errorf("in the wrong order: %v", err)
		}
		if _, e := r.Store.Read().ConfigEntry(nil, "service-splitter", "web"); e == nil {
			t.Error("the splitter is not there")
		}
		err := r.duties.ApplyAll(r.T.Context(), set(splitter(t, "db"), serviceDefaults(t, "other", "http")))
		if err == nil || r.entry("other") == "" {
			t.Errorf("one that never fits: %v, and the other is %q", err, r.entry("other"))
		}
	})
}

// TestASecondaryDatacenterHasThePrimarysEntries: all of them and no others.
func TestASecondaryDatacenterHasThePrimarysEntries(t *testing.T) {
	k := testkernel.Options{}
	k.Datacenter, k.Primary = "dc2", "dc1"
	within(t, dutyOptions, k, func(r room) {
		var hidden atomic.Bool
		primary := r.Also(2, testkernel.Options{Register: func(s *testkernel.Server, m *kernel.Mux) {
			kernel.Handle(m, ops.ConfigList, kernel.Known("a test"), func(ctx context.Context, _ *acl.Authorizer, req *ops.ConfigListRequest) (*ops.ConfigListReply, error) {
				rep := &ops.ConfigListReply{}
				err := s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
					index, rep.Entries = tx.ConfigEntries(ws, "")
					rep.Filtered = hidden.Load()
					return index, nil
				})
				return rep, err
			})
		}})
		r.Router.SetServers([]rpc.Server{r.At(), primary.At()}, []string{"dc2", "dc1"})
		set := func(s *testkernel.Server, name, protocol string) {
			row, err := catalog.NewConfigEntry(serviceDefaults(t, name, protocol))
			if err != nil {
				t.Fatal(err)
			}
			s.Log(catalog.ConfigCommand, &catalog.ConfigWrite{Entry: *row})
		}
		set(r.Server, "ours", "http")
		set(primary, "web", "http")
		r.serving()
		time.Sleep(time.Second)
		if r.entry("ours") != "" || !strings.Contains(r.entry("web"), `"http"`) {
			t.Errorf("ours %q, web %q", r.entry("ours"), r.entry("web"))
		}
		hidden.Store(true) // what is hidden looks as if it were gone: nothing is copied
		primary.Log(catalog.ConfigCommand, &catalog.ConfigWrite{Verb: catalog.ConfigDelete, Entry: catalog.ConfigEntry{Kind: "service-defaults", Name: "web"}})
		time.Sleep(2 * time.Minute)
		if r.entry("web") == "" {
			t.Error("an entry went though the token does not see all")
		}
		hidden.Store(false)
		set(primary, "db", "tcp")
		time.Sleep(2 * time.Minute)
		if r.entry("web") != "" || r.entry("db") == "" {
			t.Errorf("web %q, db %q", r.entry("web"), r.entry("db"))
		}
	})
}
