package top_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"praetor/internal/top"
)

var update = flag.Bool("update", false, "write the screens in testdata")

// open asks for what is shown, after each key that opens something.
func open(t *testing.T, s *top.Screen, keys ...string) {
	t.Helper()
	s.Ask(t.Context())
	for _, k := range keys {
		s.Press(k)
		s.Ask(t.Context())
	}
}

// screens are what a person sees, and how they came there.
var screens = []struct {
	name string
	show func(t *testing.T, a *agent, s *top.Screen)
}{
	{"overview", func(t *testing.T, a *agent, s *top.Screen) { open(t, s) }},
	{"services", func(t *testing.T, a *agent, s *top.Screen) { open(t, s, "2") }},
	{"service", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "2")
		s.Press("j", "j", "j")
		open(t, s, "enter")
	}},
	{"nodes", func(t *testing.T, a *agent, s *top.Screen) { open(t, s, "3") }},
	{"node", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "3")
		s.Press("j")
		open(t, s, "enter")
	}},
	{"node-gone", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "3")
		s.Press("G")
		open(t, s, "enter")
	}},
	{"keys", func(t *testing.T, a *agent, s *top.Screen) { open(t, s, "4") }},
	{"folder", func(t *testing.T, a *agent, s *top.Screen) { open(t, s, "4", "enter") }},
	{"key", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "4", "enter")
		s.Press("j", "j")
		open(t, s, "enter")
	}},
	{"key-binary", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "4", "enter")
		s.Press("G")
		open(t, s, "enter")
	}},
	{"log", func(t *testing.T, a *agent, s *top.Screen) { openLog(t, s) }},
	{"log-line", func(t *testing.T, a *agent, s *top.Screen) {
		openLog(t, s)
		s.Press("k", "enter")
	}},
	{"filter", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "2")
		s.Press("/")
		s.Type("B")
	}},
	{"filter-nothing", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "3")
		s.Press("/")
		s.Type("none such")
		s.Press("enter")
	}},
	{"help", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s)
		s.Press("?")
	}},
	{"connecting", func(t *testing.T, a *agent, s *top.Screen) {}},
	{"no-leader", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s)
		a.leader = false
		a.set("/v1/status/leader", `""`)
		s.Now = s.Now.Add(4 * time.Second)
		open(t, s)
	}},
	{"no-leader-refused", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "4")
		a.set("/v1/kv/", "500 No cluster leader")
		s.Now = s.Now.Add(4 * time.Second)
		open(t, s)
	}},
	{"reconnecting", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "2")
		s.Now = s.Now.Add(4 * time.Second)
		a.server.Close()
		s.Fail()
		s.Now = s.Now.Add(time.Hour) // it began at the first failure
		s.Fail()
	}},
	{"reconnecting-unseen", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s)
		s.Fail()
		s.Press("3")
	}},
	{"empty", func(t *testing.T, a *agent, s *top.Screen) {
		a.set("/v1/internal/ui/nodes", "[]")
		a.set("/v1/operator/autopilot/health", `{"Healthy":true,"FailureTolerance":1,"Servers":[]}`)
		open(t, s)
	}},
	{"empty-services", func(t *testing.T, a *agent, s *top.Screen) {
		a.set("/v1/internal/ui/services", "[]")
		open(t, s, "2")
	}},
	{"denied", func(t *testing.T, a *agent, s *top.Screen) {
		a.set("/v1/kv/", "403 Permission denied: token with AccessorID 'anonymous' lacks permission 'key:list'")
		open(t, s, "4")
	}},
	{"filtered", func(t *testing.T, a *agent, s *top.Screen) {
		a.part = true
		open(t, s, "2")
	}},
	{"anonymous", func(t *testing.T, a *agent, s *top.Screen) {
		a.deny = true
		a.set("/v1/agent/self", "403 Permission denied")
		a.set("/v1/operator/autopilot/health", "403 Permission denied: anonymous token lacks permission 'operator:read'. The anonymous token is used implicitly when a request does not specify a token.")
		a.set("/v1/internal/ui/nodes", "[]")
		open(t, s)
	}},
	{"denied-partly", func(t *testing.T, a *agent, s *top.Screen) {
		a.set("/v1/agent/self", "403 Permission denied: token lacks permission 'agent:read' on \"client-1\"")
		a.set("/v1/operator/autopilot/health", "403 Permission denied: token lacks permission 'operator:read'")
		open(t, s)
	}},
	{"denied-later", func(t *testing.T, a *agent, s *top.Screen) {
		open(t, s, "2")
		a.set("/v1/internal/ui/services", "403 token does not exist: ACL not found")
		open(t, s)
	}},
}

// openLog turns to the log and reads it until all lines are there.
func openLog(t *testing.T, s *top.Screen) {
	t.Helper()
	open(t, s, "5")
	askUntil(t, s, "end")
}

// TestScreens compares each with a file, in a small window and in a large one.
func TestScreens(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, row := range screens {
			name := fmt.Sprintf("%s-%dx%d", row.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				a := newAgent(t, cluster)
				s := a.screen(t, size[0], size[1])
				row.show(t, a, s)
				wantScreen(t, s.Raw(), size[0], size[1])
				var got strings.Builder
				for l := range strings.SplitSeq(s.Text(), "\n") {
					got.WriteString(strings.TrimRight(l, " ") + "\n")
				}
				file := filepath.Join("testdata", name+".golden")
				if *update {
					if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				kept, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got.String() != string(kept) {
					t.Errorf("got\n%s\nwant\n%s", got.String(), kept)
				}
			})
		}
	}
}

// wantScreen wants as many lines as the window has, none wider, and no order to the
// terminal but styles.
func wantScreen(t *testing.T, raw string, width, height int) {
	t.Helper()
	lines := strings.Split(raw, "\n")
	if len(lines) != height {
		t.Errorf("%d lines, want %d", len(lines), height)
	}
	for i, l := range lines {
		if w := ansi.StringWidth(l); w > width {
			t.Errorf("line %d has %d columns, want %d: %q", i+1, w, width, l)
		}
		for _, r := range ansi.Strip(l) {
			if !unicode.IsPrint(r) {
				t.Errorf("line %d has %q in it: %q", i+1, r, l)
			}
		}
		if rest := styles.ReplaceAllString(l, ""); strings.ContainsRune(rest, '\x1b') {
			t.Errorf("line %d gives orders: %q", i+1, l)
		}
	}
}

// TestEverySizeHoldsEveryScreen: no window is too small, and none makes a line wrap.
func TestEverySizeHoldsEveryScreen(t *testing.T) {
	for _, row := range screens {
		a := newAgent(t, cluster)
		s := a.screen(t, 80, 24)
		row.show(t, a, s)
		for _, size := range [][2]int{{1, 1}, {10, 40}, {29, 8}, {30, 7}, {30, 8}, {31, 9}, {40, 12}, {79, 23}, {200, 10}, {400, 100}} {
			s.Resize(size[0], size[1])
			wantScreen(t, s.Raw(), size[0], size[1])
			s.Press("G", "j", "pgdown", "k", "pgup", "g")
			wantScreen(t, s.Raw(), size[0], size[1])
		}
	}
}
