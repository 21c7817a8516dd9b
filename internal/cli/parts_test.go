package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/serf/coordinate"
	"github.com/spf13/cobra"
)

func TestRoundTripsWithinAnArea(t *testing.T) {
	at := func(seconds float64) *coordinate.Coordinate {
		c := coordinate.NewCoordinate(coordinate.DefaultConfig())
		c.Vec[0], c.Height = seconds, 0
		return c
	}
	all := coordinates{}
	all.add("", "A", at(0))
	all.add("", "b", at(0.01))
	all.add("other", "c", at(0.02))
	all.add("", "nowhere", nil)
	odd := at(0)
	odd.Vec = odd.Vec[:3]
	all.add("", "odd", odd)
	for _, c := range []struct{ a, b, want string }{
		{"a", "b", "10ms"}, {"B", "A", "10ms"}, {"a", "a", "0s"}, {"a", "c", `The coordinates of "a" and "c" have nothing to do with each other`}, {"a", "odd", `The coordinates of "a" and "odd" have nothing to do with each other`},
		{"a", "gone", `Could not find a coordinate for node "gone"`}, {"gone", "a", `Could not find a coordinate for node "gone"`}, {"a", "nowhere", `Could not find a coordinate for node "nowhere"`}, {"c", "c", "0s"},
	} {
		rtt, err := all.between(c.a, c.b)
		got := rtt.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s and %s: %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

func TestUsageIsAddedUp(t *testing.T) {
	u := usageTables{datacenters: []string{"dc1", "dc2"}, all: true, usage: map[string]api.ServiceUsage{
		"dc1": {Nodes: 3, Services: 2, BillableServiceInstances: 5, ConnectServiceInstances: map[string]int{"connect-proxy": 2, "api-gateway": 1}},
		"dc2": {Nodes: 1, Services: 1, BillableServiceInstances: 1},
	}}
	text := func(rows [][]string) string {
		var lines []string
		for _, row := range rows {
			lines = append(lines, strings.Join(row, "|"))
		}
		return strings.Join(lines, "\n")
	}
	for want, rows := range map[string][][]string{
		"Datacenter|Services|Service instances\ndc1|2|5\ndc2|1|1\n|\nTotal|3|6":                  u.billable(),
		"Datacenter|Count|\ndc1|3\ndc2|1\n|\nTotal|4":                                            u.nodes(),
		"Datacenter|Type|Service instances\ndc1|api-gateway|1\ndc1|connect-proxy|2\n|\nTotal||3": u.connect(),
	} {
		if got := text(rows); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
	u.all, u.datacenters = false, u.datacenters[:1]
	for want, rows := range map[string][][]string{
		"Services|Service instances\n2|5": u.billable(), "Type|Service instances\napi-gateway|1\nconnect-proxy|2": u.connect(),
	} {
		if got := text(rows); got != want {
			t.Errorf("alone %q\nwant %q", got, want)
		}
	}
	cmd, out := &cobra.Command{}, &bytes.Buffer{}
	cmd.SetOut(out)
	u.printTotals(cmd)
	if got := out.String(); got != "Billable Service Instances Total: 5\ndc1 Billable Service Instances: 5\n\n" {
		t.Errorf("totals %q", got)
	}
}

func TestWhatExecRuns(t *testing.T) {
	for _, c := range []struct {
		name  string
		opts  execOptions
		args  string
		stdin string
		want  string // command|args|script, or how the refusal starts
	}{
		{"a line", execOptions{prefix: "p", shell: true}, "echo a b", "", "echo a b||"},
		{"words", execOptions{prefix: "p"}, "echo a b", "", "|echo a b|"},
		{"a script", execOptions{prefix: "p", shell: true}, "-", "echo a\n", "||echo a\n"},
		{"a dash and more", execOptions{prefix: "p", shell: true}, "- x", "", "- x||"},
		{"nothing", execOptions{prefix: "p", shell: true}, "", "", "Must specify a command to execute"},
		{"an empty script", execOptions{prefix: "p", shell: true}, "-", "", "Must specify a command to execute"},
		{"a script without a shell", execOptions{prefix: "p"}, "-", "echo", "Cannot configure -shell=false when reading from stdin"},
		{"no prefix", execOptions{shell: true}, "echo", "", "The prefix must not be empty"},
	} {
		cmd := newExecCommand()
		cmd.SetIn(strings.NewReader(c.stdin))
		spec, err := c.opts.spec(cmd, strings.Fields(c.args))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = spec.Command + "|" + strings.Join(spec.Args, " ") + "|" + string(spec.Script)
		}
		if !strings.HasPrefix(got, c.want) || got == "" {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParametersAreAddedToRequests(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.RequestURI()) }))
	defer s.Close()
	client := http.Client{Transport: adding{http.DefaultTransport, url.Values{"all": {"x y"}}}}
	for _, path := range []string{"/a", "/a?b=c"} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		before := req.URL.String()
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if req.URL.String() != before {
			t.Errorf("the request itself became %s", req.URL)
		}
	}
	if got := strings.Join(asked, " "); got != "/a?all=x+y /a?b=c&all=x+y" {
		t.Errorf("asked %s", got)
	}
}

// answering is a client of an API with canned answers.
func answering(t *testing.T, answers map[string]string) *api.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := answers[r.URL.Path]
		if refusal, refused := strings.CutPrefix(text, "!"); refused || !known {
			http.Error(w, refusal, http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(s.Close)
	cl, err := api.NewClient(&api.Config{Address: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}
