package checks_test

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

	"praetor/agent/checks"
	"praetor/catalog"
	"praetor/internal/fault"
)

// here answers about the services of this agent.
type here struct {
	mu sync.Mutex

	checks  []*catalog.Check
	exists  bool
	changed chan struct{}
	asked   string
}

func (h *here) ServiceHealth(id string) ([]*catalog.Check, bool, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = id
	return h.checks, h.exists, h.changed
}

// answer is one of a node elsewhere, after a time.
type answer struct {
	index    uint64
	checks   []*catalog.Check
	services []string
	err      error
	after    time.Duration
}

// elsewhere gives answers in their order, and then none any more.
type elsewhere struct {
	answers []answer
	asked   []string // node and index, and when
	began   time.Time
}

func (e *elsewhere) NodeHealth(ctx context.Context, node string, index uint64) (uint64, []*catalog.Check, []string, error) {
	e.asked = append(e.asked, fmt.Sprintf("%s>%d at %s", node, index, time.Since(e.began)))
	if len(e.answers) == 0 {
		<-ctx.Done()
		return 0, nil, nil, ctx.Err()
	}
	a := e.answers[0]
	e.answers = e.answers[1:]
	time.Sleep(a.after)
	return a.index, a.checks, a.services, a.err
}

// follow runs an alias check for a time, and returns what it said.
func follow(t *testing.T, d catalog.CheckDefinition, o checks.Options, span time.Duration, meanwhile func()) (said []string) {
	t.Helper()
	o.Notify = func(id, status, output string) {
		said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s: %s", id, status, output)))
	}
	r, err := checks.New(&catalog.Check{CheckID: "alias", Definition: d}, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }() // waited for below
	if meanwhile != nil {
		meanwhile()
	}
	<-done
	return said
}

// TestAliasMirrorsTheWorstCheck (reference/http-agent.md §6).
func TestAliasMirrorsTheWorstCheck(t *testing.T) {
	check := func(name, status, output string) *catalog.Check {
		return &catalog.Check{CheckID: name, Name: name, Status: status, Output: output}
	}
	for name, c := range map[string]struct {
		checks []*catalog.Check
		exists bool
		want   string
	}{
		"no service":              {nil, false, "alias critical: Service web could not be found on node"},
		"no service, though bad":  {[]*catalog.Check{check("a", "warning", "w")}, false, "alias critical: Service web could not be found on node"},
		"no checks":               {nil, true, "alias passing: No checks found."},
		"all pass":                {[]*catalog.Check{check("a", "passing", "x"), check("b", "passing", "y")}, true, "alias passing: All checks passing."},
		"a warning":               {[]*catalog.Check{check("a", "passing", "x"), check("b", "warning", "y")}, true, `alias warning: Aliased check "b" failing: y`},
		"the first of warnings":   {[]*catalog.Check{check("a", "warning", "x"), check("b", "warning", "y")}, true, `alias warning: Aliased check "a" failing: x`},
		"one critical":            {[]*catalog.Check{check("a", "critical", "x")}, true, `alias critical: Aliased check "a" failing: x`},
		"critical after warnings": {[]*catalog.Check{check("a", "warning", "x"), check("b", "critical", "y"), check("c", "critical", "z")}, true, `alias critical: Aliased check "b" failing: y`},
		"itself":                  {[]*catalog.Check{check("alias", "critical", "Aliased check failing: Aliased check failing: x")}, true, `alias critical: Aliased check "alias" failing:`},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := &here{checks: c.checks, exists: c.exists}
			said := follow(t, catalog.CheckDefinition{AliasService: "web"}, checks.Options{Local: h, OutputMax: 4096}, time.Second, nil)
			if len(said) != 1 || said[0] != c.want || h.asked != "web" {
				t.Errorf("%s: of %s it says %q, want %s", name, h.asked, said, c.want)
			}
		})
	}
}

func TestAliasOfWhatIsHereLooksAgainWhenThatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &here{exists: true, changed: make(chan struct{})}
		said := follow(t, catalog.CheckDefinition{AliasService: "web"}, checks.Options{Local: h, OutputMax: 10}, 65*time.Second, func() {
			time.Sleep(2 * time.Second)
			h.mu.Lock()
			h.checks = []*catalog.Check{{Name: "a", Status: "critical", Output: "x"}}
			changed := h.changed
			h.changed = nil // from here on it looks by the clock alone
			h.mu.Unlock()
			close(changed)
			synctest.Wait()
			h.mu.Lock()
			h.checks = nil
			h.mu.Unlock()
		})
		if want := []string{"alias passing: No checks found.", `alias critical: Aliased ch ... (captured 10 of 28 bytes)`, "alias passing: No checks found."}; !slices.Equal(said, want) {
			t.Errorf("it says %q, want %q", said, want)
		}
	})
}

// TestAliasOfAnotherNodeFollowsIt by blocking queries, each past the index of the one before.
func TestAliasOfAnotherNodeFollowsIt(t *testing.T) {
	serf := &catalog.Check{CheckID: "serfHealth", Name: "Serf", Status: "passing"}
	web := &catalog.Check{CheckID: "w", Name: "web", ServiceID: "web", Status: "warning", Output: "slow"}
	db := &catalog.Check{CheckID: "d", Name: "db", ServiceID: "db", Status: "critical", Output: "down"}
	dead := &catalog.Check{CheckID: "serfHealth", Name: "Serf", Status: "critical", Output: "gone"}
	for name, c := range map[string]struct {
		service string
		answers []answer
		said    []string
		asked   []string
	}{
		"a service": {"web", []answer{{index: 5, checks: []*catalog.Check{serf, web, db}, services: []string{"web", "db"}}, {index: 6, checks: []*catalog.Check{serf}, services: []string{"web"}, after: time.Minute}},
			[]string{`alias warning: Aliased check "web" failing: slow`, "alias passing: All checks passing."}, []string{"n2>0 at 0s", "n2>5 at 0s", "n2>6 at 1m0s"}},
		"the node of a service": {"web", []answer{{index: 5, checks: []*catalog.Check{dead, web}, services: []string{"web"}}}, []string{`alias critical: Aliased check "Serf" failing: gone`}, []string{"n2>0 at 0s", "n2>5 at 0s"}},
		"a node":                {"", []answer{{index: 5, checks: []*catalog.Check{serf, db}, services: []string{"db"}}}, []string{"alias passing: All checks passing."}, []string{"n2>0 at 0s", "n2>5 at 0s"}},
		"a service that left":   {"web", []answer{{index: 5, checks: []*catalog.Check{serf, db}, services: []string{"db"}}}, []string{"alias critical: Service web could not be found on node n2"}, []string{"n2>0 at 0s", "n2>5 at 0s"}},
		"nothing new": {"web", []answer{{index: 5, checks: []*catalog.Check{web}, services: []string{"web"}}, {index: 5, checks: []*catalog.Check{web}, services: []string{"web"}, after: time.Minute}},
			[]string{`alias warning: Aliased check "web" failing: slow`}, []string{"n2>0 at 0s", "n2>5 at 0s", "n2>5 at 1m0s"}},
		"an index that went back": {"web", []answer{{index: 9, services: []string{"web"}}, {index: 5, checks: []*catalog.Check{web}, services: []string{"web"}}, {index: 5, checks: []*catalog.Check{web}, services: []string{"web"}}},
			[]string{"alias passing: No checks found.", `alias warning: Aliased check "web" failing: slow`, `alias warning: Aliased check "web" failing: slow`}, []string{"n2>0 at 0s", "n2>9 at 0s", "n2>0 at 0s", "n2>5 at 0s"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &elsewhere{answers: c.answers, began: time.Now()}
			said := follow(t, catalog.CheckDefinition{AliasNode: "n2", AliasService: c.service}, checks.Options{Remote: e, OutputMax: 4096}, 10*time.Minute, nil)
			if !slices.Equal(said, c.said) {
				t.Errorf("%s: it says %q, want %q", name, said, c.said)
			}
			if !slices.Equal(e.asked, c.asked) {
				t.Errorf("%s: it asks %q, want %q", name, e.asked, c.asked)
			}
		})
	}
}

// TestAliasOfAnotherNodeWhileServersAreAway: one error is none yet, more are said, and asking
// slows down to once a minute.
func TestAliasOfAnotherNodeWhileServersAreAway(t *testing.T) {
	broken := answer{err: errors.New("No cluster leader")}
	for failures, asked := range map[int][]time.Duration{
		1: {0, 2 * time.Second},
		3: {0, 2 * time.Second, 4 * time.Second, 6 * time.Second},
		9: {0, 2 * time.Second, 4 * time.Second, 6 * time.Second, 10 * time.Second, 18 * time.Second, 34 * time.Second, 66 * time.Second, 126 * time.Second, 186 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &elsewhere{answers: append(slices.Repeat([]answer{broken}, failures), answer{index: 5, services: []string{"web"}}), began: time.Now()}
			said := follow(t, catalog.CheckDefinition{AliasNode: "n2", AliasService: "web"}, checks.Options{Remote: e, OutputMax: 4096}, 10*time.Minute, nil)
			var want, lines []string
			for range failures - 1 {
				want = append(want, "alias critical: Failure checking aliased node or service: No cluster leader")
			}
			if want = append(want, "alias passing: No checks found."); !slices.Equal(said, want) {
				t.Errorf("after %d errors it says %q, want %q", failures, said, want)
			}
			for _, at := range asked {
				lines = append(lines, fmt.Sprintf("n2>0 at %s", at))
			}
			if lines = append(lines, fmt.Sprintf("n2>5 at %s", asked[failures])); !slices.Equal(e.asked, lines) {
				t.Errorf("after %d errors it asks %q, want %q", failures, e.asked, lines)
			}
		})
	}
}

func TestAliasNeedsSomebodyToAsk(t *testing.T) {
	for name, c := range map[string]struct {
		d checks.Options
		c catalog.CheckDefinition
	}{
		"a service, nobody local": {checks.Options{Remote: &elsewhere{}}, catalog.CheckDefinition{AliasService: "web"}},
		"a node, nobody remote":   {checks.Options{Local: &here{}}, catalog.CheckDefinition{AliasNode: "n2"}},
	} {
		if _, err := checks.New(&catalog.Check{CheckID: "alias", Definition: c.c}, c.d); err == nil || err.Error() != `alias check "alias" has nobody to ask` || fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
