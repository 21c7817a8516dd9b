package gossip_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"praetor/gossip"
)

// listener is a serf that writes down what it hears.
type listener struct{ heard []string }

func (l *listener) NotifyMsg(b []byte) {
	verb := "stays"
	leaves, name := gossip.ReadWord(b)
	if leaves {
		verb = "leaves"
	}
	l.heard = append(l.heard, name+" "+verb)
}
func (l *listener) NotifyJoin(n *memberlist.Node)   { l.heard = append(l.heard, n.Name+" is alive") }
func (l *listener) NotifyUpdate(n *memberlist.Node) { l.heard = append(l.heard, n.Name+" has changed") }
func (l *listener) NotifyLeave(n *memberlist.Node)  { l.heard = append(l.heard, n.Name+" is gone") }
func (l *listener) NodeMeta(int) []byte             { return nil }
func (l *listener) GetBroadcasts(int, int) [][]byte { return nil }
func (l *listener) LocalState(bool) []byte          { return nil }
func (l *listener) MergeRemoteState([]byte, bool)   {}

// TestSerfHearsThatAMemberLeavesWhenItIsGone, and before it hears that it is gone: only
// then has it left, and has not failed. Word that nobody confirms is forgotten.
func TestSerfHearsThatAMemberLeavesWhenItIsGone(t *testing.T) {
	leaves := func(ltime uint64, name string) func(*gossip.Intents) {
		return func(i *gossip.Intents) { i.NotifyMsg(gossip.Word(true, ltime, name)) }
	}
	stays := func(ltime uint64) func(*gossip.Intents) {
		return func(i *gossip.Intents) { i.NotifyMsg(gossip.Word(false, ltime, "m")) }
	}
	node := &memberlist.Node{Name: "m"}
	gone := func(i *gossip.Intents) { i.NotifyLeave(node) }
	alive := func(i *gossip.Intents) { i.NotifyJoin(node) }
	for name, c := range map[string]struct {
		steps []any // what is said, or a time.Duration that passes
		want  string
	}{
		"it says goodbye":                 {[]any{alive, leaves(5, "m"), gone}, "m is alive, m leaves, m is gone"},
		"somebody lies":                   {[]any{alive, leaves(5, "m")}, "m is alive"},
		"five minutes later":              {[]any{alive, leaves(5, "m"), 5 * time.Minute, gone}, "m is alive, m leaves, m is gone"},
		"it fails long after a lie":       {[]any{alive, leaves(5, "m"), 5*time.Minute + 1, gone}, "m is alive, m is gone"},
		"it denies that":                  {[]any{alive, leaves(5, "m"), stays(6), gone}, "m is alive, m stays, m is gone"},
		"an older denial":                 {[]any{alive, leaves(5, "m"), stays(5), gone}, "m is alive, m stays, m leaves, m is gone"},
		"an older word":                   {[]any{alive, stays(5), leaves(5, "m"), gone}, "m is alive, m stays, m is gone"},
		"one that failed is made to":      {[]any{alive, gone, leaves(5, "m")}, "m is alive, m is gone, m leaves"},
		"the word comes before its birth": {[]any{leaves(5, "m"), alive, gone}, "m is alive, m leaves, m is gone"},
		"of this agent itself":            {[]any{leaves(5, "self")}, "self leaves"},
		"at a time that cannot be":        {[]any{alive, gone, leaves(1<<33, "m")}, "m is alive, m is gone"},
	} {
		synctest.Test(t, func(t *testing.T) {
			serf := &listener{}
			i := gossip.NewIntents("self", serf)
			for _, step := range c.steps {
				if pass, is := step.(time.Duration); is {
					time.Sleep(pass)
					continue
				}
				step.(func(*gossip.Intents))(i)
			}
			if got := strings.Join(serf.heard, ", "); got != c.want {
				t.Errorf("%s: serf heard %s; want %s", name, got, c.want)
			}
		})
	}
}

// TestWordAboutStrangersIsBounded: who makes names up fills a fixed room, in which members
// that are known have their own place, and which is swept.
func TestWordAboutStrangersIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 4096
		serf := &listener{}
		i := gossip.NewIntents("self", serf)
		say := func(from, to int) {
			for n := from; n < to; n++ {
				i.NotifyMsg(gossip.Word(true, 1, fmt.Sprint("stranger", n)))
			}
		}
		say(0, most+100)
		if got := i.Heard(); got != most {
			t.Errorf("%d are remembered, want %d", got, most)
		}
		node := &memberlist.Node{Name: "known"}
		i.NotifyJoin(node)
		i.NotifyMsg(gossip.Word(true, 1, "known"))
		i.NotifyLeave(node)
		if got := strings.Join(serf.heard, ", "); got != "known is alive, known leaves, known is gone" {
			t.Errorf("of a member among strangers serf hears %s", got)
		}
		time.Sleep(5*time.Minute + time.Second)
		say(most+200, most+300)
		if got := i.Heard(); got != 100+1 {
			t.Errorf("%d are remembered when the others are old, want the new ones and the member", got)
		}
	})
}

// TestTheLastWordAboutEachMemberIsPassedOn: none is lost to another one that is repeated,
// and none is passed on twice.
func TestTheLastWordAboutEachMemberIsPassedOn(t *testing.T) {
	for _, said := range []string{"a", "a b", "a a b", "a a b c", "a a a b", "a a b b c c", "b a a c c c d"} {
		i := gossip.NewIntents("self", &listener{})
		want := map[string]int{}
		for n, name := range strings.Fields(said) {
			if want[name] == 0 {
				i.NotifyJoin(&memberlist.Node{Name: name})
			}
			want[name] = 1
			i.NotifyMsg(gossip.Word(true, uint64(n)+1, name))
			i.NotifyMsg(gossip.Word(true, uint64(n)+1, name)) // as others pass it on
		}
		got := map[string]int{}
		for _, b := range i.GetBroadcasts(3, 1400) {
			_, name := gossip.ReadWord(b)
			got[name]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("of %s is passed on: %v", said, got)
		}
		for range 100 {
			i.GetBroadcasts(3, 1400)
		}
		if rest := i.GetBroadcasts(3, 1400); len(rest) > 0 {
			t.Errorf("of %s is passed on for ever: %q", said, rest)
		}
	}
}
