package top_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"praetor/internal/top"
)

// styles are the only sequences that may be on a screen.
var styles = regexp.MustCompile("\x1b\\[[0-9;]*m")

var logTitle = regexp.MustCompile(`Log +[0-9]+`)

// askUntil asks until a text is on the screen.
func askUntil(t *testing.T, s *top.Screen, text string) {
	t.Helper()
	for range 5000 {
		if strings.Contains(s.Text(), text) {
			return
		}
		s.Ask(t.Context())
	}
	t.Fatalf("no %q in\n%s", text, s.Text())
}

// cursorLine is the row that the marker stands at.
func cursorLine(s *top.Screen) string {
	for l := range strings.SplitSeq(s.Text(), "\n") {
		if strings.HasPrefix(l, "> ") {
			return strings.Join(strings.Fields(l), " ")
		}
	}
	return ""
}

func wantHas(t *testing.T, s *top.Screen, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(s.Text(), text) {
			t.Errorf("no %q in\n%s", text, s.Text())
		}
	}
}

func wantHasNot(t *testing.T, s *top.Screen, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(s.Text(), text) {
			t.Errorf("%q in\n%s", text, s.Text())
		}
	}
}

func TestKeysMoveOpenAndGoBack(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s, "2")
	for _, row := range []struct{ key, at string }{
		{"j", "> critical billing"}, {"down", "> critical consul"}, {"k", "> critical billing"}, {"up", "> critical a-name"},
		{"k", "> critical a-name"}, {"G", "> no check cron"}, {"j", "> no check cron"}, {"pgup", "> critical a-name"}, {"pgdown", "> no check cron"}, {"g", "> critical a-name"},
	} {
		if s.Press(row.key); !strings.HasPrefix(cursorLine(s), row.at) {
			t.Errorf("after %s the cursor is at %q, want %q", row.key, cursorLine(s), row.at)
		}
	}
	s.Press("j", "j", "j", "enter")
	open(t, s)
	wantHas(t, s, "Service web", "10.0.0.9:8080")
	s.Press("esc")
	open(t, s)
	wantHas(t, s, "[2 Services]")
	if got := cursorLine(s); !strings.HasPrefix(got, "> warning web") {
		t.Errorf("back, the cursor is at %q", got)
	}
	for _, row := range []struct{ key, page string }{{"1", "[1 Overview]"}, {"tab", "[2 Services]"}, {"tab", "[3 Nodes]"}, {"4", "[4 Keys]"}, {"5", "[5 Log]"}, {"tab", "[1 Overview]"}, {"9", "[1 Overview]"}} {
		s.Press(row.key)
		wantHas(t, s, row.page)
	}
	for _, key := range []string{"q", "ctrl+c"} {
		s := a.screen(t, 80, 24)
		s.Press("?", key)
		if !s.Quit {
			t.Errorf("%s does not quit from the help", key)
		}
		s = a.screen(t, 80, 24)
		if s.Press(key); !s.Quit {
			t.Errorf("%s does not quit", key)
		}
	}
}

// TestPageAgainIsItsFirstView: from wherever it is in the keys, 4 is their root.
func TestPageAgainIsItsFirstView(t *testing.T) {
	s := newAgent(t, cluster).screen(t, 80, 24)
	open(t, s, "4", "enter", "enter")
	wantHas(t, s, "Keys below app/limits/")
	s.Press("1", "4")
	wantHas(t, s, "Keys below app/limits/")
	s.Press("4")
	wantHasNot(t, s, "below")
}

func TestFilterFindsWhatIsShownAndTags(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s, "2")
	s.Press("/")
	s.Type("PRIM")
	wantHas(t, s, `1 of 6 match "PRIM"`, " db ")
	wantHasNot(t, s, "billing")
	s.Type("q1?")
	if s.Quit {
		t.Fatal("letters of a filter are taken for keys")
	}
	wantHas(t, s, `0 of 6 match "PRIMq1?"`)
	s.Press("backspace", "backspace", "backspace", "enter", "j")
	wantHas(t, s, `1 of 6 match "PRIM"`)
	open(t, s) // a filter stays when the page changes
	wantHas(t, s, `1 of 6 match "PRIM"`)
	s.Press("esc")
	wantHas(t, s, "billing", "web")
	s.Press("/")
	s.Paste("we\x1b[2Jb\n" + strings.Repeat("x", 1000))
	wantScreen(t, s.Raw(), 80, 24)
	s.Press("esc")
	wantHas(t, s, "billing")

	open(t, s, "3")
	s.Press("/")
	s.Type("billing") // a service on the node
	wantHas(t, s, "1 of 5", "client-1")
}

// TestFilterOfATextShowsWholeInstances: what it says of an instance stays together.
func TestFilterOfATextShowsWholeInstances(t *testing.T) {
	s := newAgent(t, cluster).screen(t, 80, 24)
	open(t, s, "2")
	s.Press("j", "j", "j")
	open(t, s, "enter")
	s.Press("/")
	s.Type("10.0.0.10:8081")
	wantHas(t, s, "1 of 2 match", "web-2", "Serf Health Status")
	wantHasNot(t, s, "web-1")
}

// TestCursorStaysAtItsRowWhenOthersCome: a list that changes under the fingers opens what
// the person saw.
func TestCursorStaysAtItsRowWhenOthersCome(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s, "2")
	s.Press("j")
	before := cursorLine(s)
	a.set("/v1/internal/ui/services", strings.Replace(cluster["/v1/internal/ui/services"], "[", `[{"Name":"aaa","InstanceCount":1,"ChecksCritical":1},`, 1))
	open(t, s)
	if after := cursorLine(s); after != before || !strings.Contains(s.Text(), "aaa") {
		t.Errorf("the cursor went from %q to %q", before, after)
	}
	a.set("/v1/internal/ui/services", `[{"Name":"only","InstanceCount":1}]`)
	open(t, s)
	if got := cursorLine(s); !strings.Contains(got, "only") {
		t.Errorf("the cursor is at %q", got)
	}
}

// TestQuestionsWaitForChanges: each asks from the index of the answer before it, once a
// second at most, and begins again when the index goes backwards or an answer failed.
func TestQuestionsWaitForChanges(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s, "2")
	want := func(index uint64, after time.Duration) {
		t.Helper()
		if i, d := s.Next(); i != index || d != after {
			t.Errorf("asks from index %d after %s, want %d, %s", i, d, index, after)
		}
	}
	want(7, top.Least)
	open(t, s)
	if got := a.lastAsked(); got != "/v1/internal/ui/services?index=7&wait=10000ms" {
		t.Errorf("asked %s", got)
	}
	a.index = 5
	open(t, s)
	want(0, top.Least)
	open(t, s)
	want(5, top.Least)
	for _, pause := range []time.Duration{1, 2, 4, 8, 10, 10} {
		s.Fail()
		want(0, pause*time.Second)
	}
	open(t, s)
	want(5, top.Least)
	wantHas(t, s, " live")
	a.leader = false // no change would wake it when there is one again
	open(t, s)
	want(0, 2*time.Second)
}

// TestAnswerToAnotherViewIsTooLate: what was asked before a key was pressed changes nothing.
func TestAnswerToAnotherViewIsTooLate(t *testing.T) {
	s := newAgent(t, cluster).screen(t, 80, 24)
	open(t, s)
	late := s.Late(t.Context())
	s.Press("3")
	late()
	wantHas(t, s, "Waiting for an answer")
	open(t, s)
	wantHas(t, s, "client-1")
}

// TestStatusSaysSinceWhen: the time is that of the first failure, and goes with the first answer.
func TestStatusSaysSinceWhen(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s)
	wantHas(t, s, "  live\n")
	s.Now = s.Now.Add(time.Minute)
	s.Fail()
	s.Now = s.Now.Add(time.Minute)
	s.Fail()
	wantHas(t, s, "reconnecting since 14:04:01", "STALE: this is what there was at 14:03:01", "Datacenter   dc1")
	a.leader = false
	open(t, s)
	wantHas(t, s, "no leader since 14:05:01")
	a.leader = true
	open(t, s)
	wantHas(t, s, "  live\n")
	wantHasNot(t, s, "STALE")
}

// TestLogKeepsItsLastLines: the cursor stays at the end, or at the line where it was put.
func TestLogKeepsItsLastLines(t *testing.T) {
	var lines strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&lines, "line %d [INFO]\n", i)
	}
	a := newAgent(t, map[string]string{"/v1/agent/monitor": lines.String()})
	s := a.screen(t, 80, 24)
	s.Press("5")
	open(t, s)
	wantHas(t, s, "No line yet at level INFO")
	for n := 0; n < 600; {
		s.Ask(t.Context())
		fmt.Sscanf(logTitle.FindString(s.Text()), "Log %d", &n)
	}
	s.Press("g")
	s.Press("j", "j", "j", "j", "j")
	at := cursorLine(s)
	askUntil(t, s, "reconnecting")
	if got := cursorLine(s); got != at && got != "> line 500 [INFO]" { // the oldest that is left
		t.Errorf("the cursor went from %q to %q", at, got)
	}
	wantHas(t, s, "the agent ended the log", " 1000\n")
	s.Press("G")
	wantHas(t, s, "> line 1499 [INFO]")
	wantHasNot(t, s, "line 1400 ")
	open(t, s)
	wantHas(t, s, " live", "--- not followed until 14:03:01 ---")
}

// TestLogIsFollowedAtItsEnd: new lines move the screen for who is at the last one.
func TestLogIsFollowedAtItsEnd(t *testing.T) {
	s := newAgent(t, cluster).screen(t, 80, 24)
	openLog(t, s)
	if got := cursorLine(s); !strings.HasSuffix(got, "[DEBUG] agent: red end") {
		t.Errorf("the cursor is at %q", got)
	}
}

func TestBigValuesAreShownInPart(t *testing.T) {
	a := newAgent(t, map[string]string{
		"/v1/kv/":    `["big"]`,
		"/v1/kv/big": `[{"Key":"big","Value":"` + strings.Repeat("YWFh", 10_000) + `"}]`,
	})
	s := a.screen(t, 80, 24)
	open(t, s, "4", "enter")
	wantHas(t, s, "30000 bytes", "lines 1-19 of ")
	s.Press("G")
	wantHas(t, s, "… and 13616 bytes more")
}

// TestColoursAreLeftOut: with NO_COLOR only bold and reverse are left.
func TestColoursAreLeftOut(t *testing.T) {
	colours := regexp.MustCompile("\x1b\\[(?:[0-9;]*;)?(?:2|3[0-9]|4[0-9]|9[0-9]|10[0-7])(?:;[0-9;]*)?m")
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s)
	if !colours.MatchString(s.Raw()) {
		t.Errorf("no colours in %q", s.Raw())
	}
	p := a.screenOf(t, top.Options{NoColor: true}, 80, 24)
	open(t, p)
	if found := colours.FindString(p.Raw()); found != "" {
		t.Errorf("%q in %q", found, p.Raw())
	}
}

func TestOncePrintsTheFirstPage(t *testing.T) {
	a := newAgent(t, cluster)
	var out strings.Builder
	if err := top.Once(t.Context(), top.Options{Client: a.client(t), Output: &out}); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{"Datacenter   dc1, asked at client-1", "Critical (3)\nSERVICE", "dial tcp 127.0.0.1:1: connect: connection refused\n", longName + "  " + longName}, "|")
	for text := range strings.SplitSeq(want, "|") {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %q in\n%s", text, out.String())
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\a\r") || strings.Contains(out.String(), " \n") {
		t.Errorf("orders, or blanks at the end, in %q", out.String())
	}
	out.Reset()
	a.part = true
	if err := top.Once(t.Context(), top.Options{Client: a.client(t), Output: &out}); err != nil || !strings.HasSuffix(out.String(), "\nThe token may see only a part of this.\n") {
		t.Errorf("%v, of a part it prints\n%s", err, out.String())
	}
	a.server.Close()
	if err := top.Once(t.Context(), top.Options{Client: a.client(t), Output: &out}); err == nil {
		t.Error("no error from an agent that is gone")
	}
}

func TestTextsOfOthersGiveNoOrders(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                              "plain",
		"grün, 名前, 🚀":                        "grün, 名前, 🚀",
		"a\x1b[31mred\x1b[0m":                "ared",
		"a\x1b]0;title\x07b":                 "ab",
		"a\x1b]8;;http://x\x1b\\link":        "alink",
		"a\x1b]0;never ends":                 "a0;never ends",
		"a\x1bPq#0\x1b\\b":                   "ab",
		"a\u009b2Jb\u009d0;t\u009cc":         "abc",
		"a\x1b(0b\x1bcd\x1b7e":               "abde",
		"tab\tline\nreturn\rbell\adel\x7f":   "tab    line returnbelldel",
		"\u202eevil\u202c\u2066\u200b\ufeff": "evil",
		"\xff\xfe":                           "��",
		"e" + strings.Repeat("\u0301", 50):   "e" + strings.Repeat("\u0301", 3),
		"a\u00a0b\u2028c\u3000d":             "a b c d",
		"\U000e0041tag":                      "tag",
	} {
		if got := top.Clean(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func FuzzTextsOfOthersGiveNoOrders(f *testing.F) {
	for _, seed := range []string{"a", "\x1b[2J", "\x1b]0;t\x07", "\u009b1m", "\x1b\x1b[[mm", "\xff\x1b", "e\u0301\u0301\u0301\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := top.Clean(s)
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q becomes %q", s, got)
			}
		}
		if ansi.Strip(got) != got {
			t.Fatalf("%q becomes %q, in which there is an order", s, got)
		}
	})
}

func TestWidestColumnsGiveUpFirst(t *testing.T) {
	for _, row := range []struct {
		want  []int
		total int
		got   string
	}{
		{[]int{7, 10, 100}, 50, "[7 10 29]"},
		{[]int{7, 60, 60}, 51, "[7 20 20]"},
		{[]int{7, 10, 10}, 50, "[7 10 29]"},
		{[]int{20, 20}, 4, "[6 6]"},
		{[]int{9}, 30, "[30]"},
	} {
		if got := fmt.Sprint(top.Share(row.want, row.total)); got != row.got {
			t.Errorf("%v in %d: %s, want %s", row.want, row.total, got, row.got)
		}
	}
}

// TestQuestionEndsWithItsContext: the page that is left stops waiting.
func TestQuestionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newAgent(t, cluster).screen(t, 80, 24)
	s.Ask(ctx)
	wantHas(t, s, "reconnecting")
}

// TestPulseTellsOfALostLeader: it is known before the question that waits is answered, and
// so is that there is one again.
func TestPulseTellsOfALostLeader(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	open(t, s, "2")
	s.Pulse(t.Context())
	wantHas(t, s, " live", "billing")
	a.set("/v1/status/leader", `""`)
	s.Now = s.Now.Add(time.Minute)
	s.Pulse(t.Context())
	wantHas(t, s, "no leader since 14:04:01", "No server leads", "STALE: this is what there was at 14:03:01", "billing")
	s.Now = s.Now.Add(time.Minute)
	s.Pulse(t.Context())
	wantHas(t, s, "no leader since 14:04:01")
	a.set("/v1/status/leader", `500 No cluster leader`)
	s.Pulse(t.Context())
	wantHas(t, s, "no leader since 14:04:01")

	a.set("/v1/status/leader", `"10.0.0.2:8300"`)
	s.Pulse(t.Context())
	if index, after := s.Next(); index != 0 || after != 0 {
		t.Errorf("with a leader again it waits past %d, after %s", index, after)
	}
	s.Ask(t.Context())
	wantHas(t, s, " live")
	wantHasNot(t, s, "STALE")
}

// TestPulseTellsOfALostAgentOnTheLog: a log that says nothing is no sign of life.
func TestPulseTellsOfALostAgentOnTheLog(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	openLog(t, s)
	a.set("/v1/status/leader", frozen)
	s.Now = s.Now.Add(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Pulse(ctx)
	wantHas(t, s, "reconnecting since 14:04:01", "The agent does not answer", "STALE", "agent: started")

	a.set("/v1/status/leader", `""`)
	s.Pulse(t.Context())
	wantHas(t, s, "no leader since 14:04:01")
	askUntil(t, s, "not followed until") // more lines come; they say nothing of leaders
	wantHas(t, s, "no leader since 14:04:01")
	a.set("/v1/status/leader", `"10.0.0.2:8300"`)
	s.Pulse(t.Context())
	s.Ask(t.Context())
	wantHas(t, s, " live")
}

// TestPulseAsksForNothingThatIsNotFollowed: a line of the log is only shown.
func TestPulseAsksForNothingThatIsNotFollowed(t *testing.T) {
	a := newAgent(t, cluster)
	s := a.screen(t, 80, 24)
	openLog(t, s)
	s.Press("enter")
	a.set("/v1/status/leader", `""`)
	s.Pulse(t.Context())
	wantHas(t, s, "no leader since")
	a.set("/v1/status/leader", `"10.0.0.2:8300"`)
	s.Pulse(t.Context())
	wantHas(t, s, " live")
}
