package telemetry

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-metrics"
	"github.com/shirou/gopsutil/v4/cpu"
)

var noon = time.Unix(1_700_000_000, 0).Truncate(Interval)

func TestValuesFallIntoTheirIntervals(t *testing.T) {
	s := &series{}
	s.take(noon, 4)
	s.take(noon.Add(Interval-1), 2)
	s.take(noon.Add(Interval), 7)
	for _, c := range []struct {
		name string
		at   time.Time
		want window
	}{
		{"the first", noon, window{start: noon.Unix(), count: 2, sum: 6, sumSquares: 20, min: 2, max: 4}},
		{"the next", noon.Add(Interval), window{start: noon.Add(Interval).Unix(), count: 1, sum: 7, sumSquares: 49, min: 7, max: 7}},
		{"the one before", noon.Add(-Interval), window{}},
		{"one that is to come", noon.Add(2 * Interval), window{}},
	} {
		if got := s.in(windowStart(c.at)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestAnIntervalIsForgottenWhenItsPlaceIsNeeded(t *testing.T) {
	s := &series{}
	for i := range keptWindows + 1 {
		s.take(noon.Add(time.Duration(i)*Interval), float64(i))
	}
	if got := s.in(noon.Unix()); got.count != 0 {
		t.Errorf("the oldest is still there: %+v", got)
	}
	for i := int64(1); i <= keptWindows; i++ {
		start := noon.Add(time.Duration(i) * Interval)
		if got := s.in(start.Unix()); got.count != 1 || got.sum != float64(i) {
			t.Errorf("interval %d: %+v", i, got)
		}
	}
	if s.count != uint64(keptWindows+1) {
		t.Errorf("of all values %d are counted", s.count)
	}
}

func TestOnlyTimersRememberValuesAndOnlyTheLast(t *testing.T) {
	counter, timer := &series{}, &series{timed: true}
	for i := range recentValues + 3 {
		counter.take(noon, float64(i))
		timer.take(noon, float64(i))
	}
	if len(counter.recent) != 0 {
		t.Errorf("a counter remembers %d values", len(counter.recent))
	}
	if len(timer.recent) != recentValues || slices.Contains(timer.recent, 2) || !slices.Contains(timer.recent, 3) || !slices.Contains(timer.recent, recentValues+2) {
		t.Errorf("a timer remembers %d values, from %v", len(timer.recent), slices.Min(timer.recent))
	}
}

func TestASinkIsToldWhatCameSinceItLooked(t *testing.T) {
	s := &series{timed: true}
	n, sum, values, m := s.since(mark{})
	if n != 0 || sum != 0 || values != nil {
		t.Errorf("of nothing it is told %d, %v, %v", n, sum, values)
	}
	for i := range 3 {
		s.take(noon, float64(i+1))
	}
	n, sum, values, m = s.since(m)
	if n != 3 || sum != 6 || !slices.Equal(values, []float64{3, 2, 1}) {
		t.Errorf("of three it is told %d, %v, %v", n, sum, values)
	}
	if n, sum, values, _ = s.since(m); n != 0 || sum != 0 || values != nil {
		t.Errorf("again it is told %d, %v, %v", n, sum, values)
	}
	for i := range 2 * recentValues {
		s.take(noon, float64(i))
	}
	n, _, values, _ = s.since(m)
	if n != 2*recentValues || len(values) != pushedValues || values[0] != 2*recentValues-1 || values[pushedValues-1] != 2*recentValues-pushedValues {
		t.Errorf("of many it is told %d, %v", n, values)
	}
	counter := &series{}
	counter.take(noon, 5)
	if n, sum, values, _ := counter.since(mark{}); n != 1 || sum != 5 || values != nil {
		t.Errorf("of a counter it is told %d, %v, %v", n, sum, values)
	}
}

func TestWhichTotalsAreShown(t *testing.T) {
	labelled, plain := &series{labels: []Label{{Name: "a", Value: "b"}}}, &series{}
	if _, _, _, ok := labelled.totals(time.Now()); ok {
		t.Error("a value of a label that never came is shown")
	}
	if _, _, _, ok := plain.totals(time.Now()); !ok {
		t.Error("a figure without labels is not shown from zero")
	}
	labelled.take(noon, 2)
	if count, sum, _, ok := labelled.totals(time.Now()); !ok || count != 1 || sum != 2 {
		t.Errorf("count %d, sum %v, shown %t", count, sum, ok)
	}
	fleeting := &series{fleeting: time.Hour}
	fleeting.take(noon, 2)
	for after, want := range map[time.Duration]bool{0: true, time.Hour: true, time.Hour + 2*Interval: false} {
		if _, _, _, ok := fleeting.totals(noon.Add(after)); ok != want {
			t.Errorf("what is shown for an hour, %s after its last value: shown %t", after, ok)
		}
	}
}

func TestWhatLibrariesMeasureBecomesSeries(t *testing.T) {
	m, err := New(Options{Prefix: "p"})
	if err != nil {
		t.Fatal(err)
	}
	l := &libraries{m: m, byKey: map[string]*series{}}
	key, label := []string{"p", "raft", "commitTime"}, []Label{{Name: "peer_id", Value: "s1"}}
	l.AddSample(key, 3)
	l.AddSampleWithLabels(key, 5, label)
	l.IncrCounter([]string{"p", "raft", "apply"}, 2)
	l.AddSample(key, float32(math.NaN()))
	for _, s := range m.shown() {
		got := fmt.Sprint(s.name, s.labels, s.count, s.sum, s.timed)
		if want := map[string]bool{"p.raft.commitTime[] 1 3 true": true, "p.raft.commitTime[{peer_id s1}] 1 5 true": true, "p.raft.apply[] 1 2 false": true}; !want[got] {
			t.Error("a series", got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { l.AddSampleWithLabels(key, 5, label) }); n > 0 {
		t.Errorf("%v allocations a value", n)
	}
	for i := range maxLibrarySeries + 10 {
		l.IncrCounter([]string{"p", fmt.Sprint(i)}, 1)
	}
	if len(l.byKey) > maxLibrarySeries {
		t.Errorf("%d series, want at most %d", len(l.byKey), maxLibrarySeries)
	}
}

func TestDeviationOfASample(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{7}, 0}, {[]float64{2, 4}, math.Sqrt2}, {[]float64{3, 3, 3}, 0}, {[]float64{1, 2, 3, 4, 5}, math.Sqrt(2.5)}, {[]float64{0.1, 0.1, 0.1}, 0},
	} {
		sum, squares := 0.0, 0.0
		for _, v := range c.values {
			sum, squares = sum+v, squares+v*v
		}
		if got := deviation(len(c.values), sum, squares); math.Abs(got-c.want) > 1e-7 {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestQuantilesOfSortedValues(t *testing.T) {
	hundred := make([]float64, 101)
	for i := range hundred {
		hundred[i] = float64(i)
	}
	for _, c := range []struct {
		sorted []float64
		q      float64
		want   float64
	}{
		{[]float64{7}, 0, 7}, {[]float64{7}, 0.5, 7}, {[]float64{7}, 1, 7}, {[]float64{1, 2}, 0, 1}, {[]float64{1, 2}, 0.5, 2}, {[]float64{1, 2}, 0.49, 1}, {[]float64{1, 2}, 1, 2},
		{hundred, 0.5, 50}, {hundred, 0.9, 90}, {hundred, 0.99, 99}, {hundred, 1, 100},
	} {
		if got := quantile(c.sorted, c.q); got != c.want {
			t.Errorf("%v of %v: %v, want %v", c.q, c.sorted, got, c.want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("there is a quantile of nothing")
	}
}

func TestFiltersFollowTheLongestPrefix(t *testing.T) {
	for _, c := range []struct {
		name             string
		allowed, blocked []string
		dropUnnamed      bool
		shown, hidden    []string
	}{
		{"no rules", nil, nil, false, []string{"consul.rpc", ""}, nil},
		{"nothing unnamed", nil, nil, true, nil, []string{"consul.rpc", ""}},
		{"one allowed", []string{"consul.rpc"}, nil, true, []string{"consul.rpc", "consul.rpc.query", "consul.rpcx"}, []string{"consul.raft", "consul.rp"}},
		{"one blocked", nil, []string{"consul.rpc"}, false, []string{"consul.raft", "consul.rp"}, []string{"consul.rpc", "consul.rpc.query"}},
		{"an exception", []string{"consul.rpc.query"}, []string{"consul.rpc"}, false, []string{"consul.rpc.query", "consul.rpc.query.x"}, []string{"consul.rpc.request"}},
		{"an exception of an exception", []string{"a", "a.b.c"}, []string{"a.b"}, true, []string{"a", "a.c", "a.b.c", "a.b.c.d"}, []string{"a.b", "a.b.d", "b"}},
		{"blocked wins over the same", []string{"a"}, []string{"a"}, false, nil, []string{"a"}},
		{"the empty prefix", nil, []string{""}, false, nil, []string{"a", ""}},
	} {
		f := newFilter(c.allowed, c.blocked, c.dropUnnamed)
		for _, name := range c.shown {
			if !f.allows(name) {
				t.Errorf("%s: %q is hidden", c.name, name)
			}
		}
		for _, name := range c.hidden {
			if f.allows(name) {
				t.Errorf("%s: %q is shown", c.name, name)
			}
		}
	}
}

// TestSharesOfProcessors: what a processor did since the last round, in percent.
func TestSharesOfProcessors(t *testing.T) {
	m, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	gauges := func() map[string]float64 {
		got := map[string]float64{}
		for _, i := range m.sink.Data() {
			i.RLock()
			for _, g := range i.Gauges {
				if cpu := labelOf(g, "cpu"); cpu != "" {
					got[cpu+" "+g.Name] = float64(g.Value)
				}
			}
			i.RUnlock()
		}
		return got
	}
	m.measureCPUs([]cpu.TimesStat{{CPU: "cpu0", User: 10, Idle: 90}, {CPU: "cpu1", Idle: 5}})
	if got := gauges(); len(got) > 0 {
		t.Errorf("after one round there are shares: %v", got)
	}
	m.measureCPUs([]cpu.TimesStat{{CPU: "cpu0", User: 14, System: 2, Iowait: 1, Steal: 1, Idle: 92}, {CPU: "cpu1", Idle: 5}, {CPU: "cpu2", Idle: 1}})
	got := gauges()
	for name, want := range map[string]float64{
		"cpu0 consul.host.cpu.user": 40, "cpu0 consul.host.cpu.system": 20, "cpu0 consul.host.cpu.iowait": 10, "cpu0 consul.host.cpu.idle": 20, "cpu0 consul.host.cpu.total": 80,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v of %v", name, got[name], want, got)
		}
	}
	if len(got) != 5 {
		t.Errorf("a processor that stood still, or is new, has shares: %v", got)
	}
}

func labelOf(g metrics.GaugeValue, name string) string {
	for _, l := range g.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}
