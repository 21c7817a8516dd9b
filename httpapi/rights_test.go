package httpapi_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/httpapi"
	"praetor/internal/testcluster"
)

// TestEveryRouteStatesItsRights keeps the table complete: a method without a row
// fails the build.
func TestEveryRouteStatesItsRights(t *testing.T) {
	stated := map[string]bool{}
	routes := httpapi.Routes()
	for _, r := range rights {
		method, path, _ := strings.Cut(r.request, " ")
		path, _, _ = strings.Cut(path, "?")
		best := ""
		for _, route := range routes {
			if fits := route.Pattern == path || strings.HasSuffix(route.Pattern, "/") && strings.HasPrefix(path, route.Pattern); fits && len(route.Pattern) > len(best) {
				best = route.Pattern
			}
		}
		stated[method+" "+best] = true
	}
	for _, route := range routes {
		for _, method := range route.Methods {
			if !stated[method+" "+route.Pattern] {
				t.Errorf("%s %s has no row in rights: say what it takes to make the request, and what becomes of it without", method, route.Pattern)
			}
		}
	}
}

const metricsProxy = `ui_config { enabled = true metrics_proxy { base_url = "http://127.0.0.1:1" } }`

// TestRights makes every request of the table with tokens that may, with tokens that
// lack one right each, with none and with some that do not exist, of a server that
// leads, of one that follows and of a client agent, plain, from the cache and blocking,
// and plain of a server of another datacenter.
func TestRights(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 2, Clients: 1, Abroad: []testcluster.Site{{Servers: 1}}, Config: testcluster.LockedDown + metricsProxy + "\nhistory { kv = true }"}, func(c *testcluster.Cluster) {
		m := &matrix{t: t, c: c, tokens: map[string]string{}}
		m.prepare()
		for _, n := range []*testcluster.Node{m.leader, m.follower, c.Clients()[0]} {
			m.askAll(n, rights)
		}
		m.abroad(c.Abroad(0)[0])
		t.Logf("%d requests, %d of them refused or without the rows", m.made, m.kept)
	})
}

// matrix is one run of TestRights.
type matrix struct {
	t                *testing.T
	c                *testcluster.Cluster
	leader, follower *testcluster.Node
	expired          string
	query, session   string
	tokens           map[string]string // by their rules
	newest           string            // of them
	names            int
	made, kept       int
}

func (m *matrix) prepare() {
	m.leader = m.c.Leader()
	m.follower = m.c.Servers()[0]
	if m.follower == m.leader {
		m.follower = m.c.Servers()[1]
	}
	all := slices.Concat(m.c.Servers(), m.c.Clients(), m.c.Abroad(0))
	for _, n := range all {
		n.WaitForToken(testcluster.Manager)
	}
	m.leader.Must(standing...)
	time.Sleep(3 * time.Second) // tokens may come to dc2 before their policies
	for _, n := range all {
		n.Must(onAgents...)
	}
	m.query = m.leader.Must(`POST /v1/query {"Name":"named","Service":{"Service":"web"}}`).Member("ID")
	m.expired = m.leader.GrantForAMinute()
	time.Sleep(61 * time.Second)
}

// elsewhere is a request as it is made in dc2 about dc1; none if agents answer it by
// themselves. Registrations name their datacenter in the body.
func elsewhere(r right) right {
	method, target, _ := strings.Cut(r.request, " ")
	if strings.HasPrefix(target, "/v1/agent/") || strings.HasPrefix(target, "/v1/event/list") {
		return right{}
	}
	if strings.HasPrefix(target, "/v1/catalog/register") || strings.HasPrefix(target, "/v1/catalog/deregister") {
		r.body = strings.Replace(r.body, "{", `{"Datacenter":"dc1",`, 1)
		return r
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	r.request = method + " " + target + separator + "dc=dc1"
	return r
}

// asker is somebody with a token.
type asker struct {
	name, token string
	may         bool // make the request
	exists      bool
	lacks       string // the permission, as refusals name it
	fresh       string // what NEW stands for
}

// abroad makes the requests about dc1 of a server of dc2.
func (m *matrix) abroad(n *testcluster.Node) {
	var rows []right
	for _, r := range rights {
		if there := elsewhere(r); there.request != "" {
			rows = append(rows, there)
		}
	}
	m.askAll(n, rows)
}

// askAll makes requests of one agent. All tokens are made before: each of them has whoever
// waits for something looked at again, and takes a second to come to dc2, where keyrings
// are asked too.
func (m *matrix) askAll(n *testcluster.Node, rows []right) {
	lists := make([][]asker, len(rows))
	for i, r := range rows {
		lists[i] = m.askers(n, r)
	}
	for _, knows := range []*testcluster.Node{n, m.c.Abroad(0)[0]} {
		knows.WaitForToken(m.newest)
	}
	time.Sleep(3 * time.Second) // tokens may come before their policies
	for i, r := range rows {
		m.row(n, r, lists[i])
	}
}

// row makes one request of one agent with everybody's tokens.
func (m *matrix) row(n *testcluster.Node, r right, list []asker) {
	m.t.Helper()
	ways := []string{""}
	if strings.HasPrefix(r.request, "GET ") && !r.endless && n != m.c.Abroad(0)[0] {
		ways = []string{"", "cached", "index=1&wait=10ms"}
	}
	for _, c := range list {
		if c.may && r.unrun != "" {
			continue
		}
		for _, way := range ways {
			made := n
			if n == m.c.Abroad(0)[0] {
				made = m.leader // what the request is about is of dc1
			}
			for _, request := range r.before {
				if request == "SESSION" {
					m.session = made.Must(`PUT /v1/session/create {"Node":"n1","NodeChecks":[]}`).Member("ID")
				} else {
					made.Must(request)
				}
			}
			method, target, _ := strings.Cut(m.fill(n, c, r.request), " ")
			if way != "" {
				separator := "?"
				if strings.Contains(target, "?") {
					separator = "&"
				}
				target += separator + way
				n.Ask(testcluster.Manager, method, target, "") // fills the caches
			}
			body := m.fill(n, c, r.body)
			got := n.Ask(c.token, method, target, body)
			m.made++
			if fault := m.judge(r, c, m.fill(n, c, r.sees), got); fault != "" {
				m.t.Errorf("%s %s %s of %s with %s: %s\n%d %.300s", method, target, body, n.Name(), c.name, fault, got.Status, got.Body)
			}
		}
	}
}

// fill puts in what stands for names.
func (m *matrix) fill(n *testcluster.Node, c asker, text string) string {
	return strings.NewReplacer("AGENT", n.Name(), "NEW", c.fresh, "QUERY", m.query, "SESSION", m.session).Replace(text)
}

// askers are everybody who may come along.
func (m *matrix) askers(n *testcluster.Node, r right) []asker {
	m.names++
	list := []asker{
		{name: "no token", may: r.verdict == open || r.verdict == unchecked, exists: true},
		{name: "a token that does not exist", token: "c0c0c0c0-0000-0000-0000-000000000001", may: r.verdict == unchecked},
		{name: "a token that expired", token: m.expired, may: r.verdict == unchecked},
		{name: "the manager's token", token: testcluster.Manager, may: true, exists: true},
		{name: "exactly the rights", may: true, exists: true},
	}
	for i := range list {
		list[i].fresh = fmt.Sprintf("new-%d-%d", m.names, i)
	}
	granted := func(c asker) []need {
		all := make([]need, len(r.needs))
		for i, text := range r.needs {
			all[i] = parseNeed(m.fill(n, c, text))
		}
		return all
	}
	list[4].token = m.token(granted(list[4]))
	for i := range r.needs {
		c := asker{exists: true, fresh: fmt.Sprintf("new-%d-lacks-%d", m.names, i)}
		all := granted(c)
		lacking := all[i]
		for _, weaker := range lacking.weaker() {
			all[i] = weaker
			c.name, c.lacks, c.token = weaker.rule()+" where "+lacking.String()+" is needed", lacking.permission(), m.token(all)
			list = append(list, c)
		}
	}
	return list
}

// judge returns what is wrong with an answer, "" for nothing.
func (m *matrix) judge(r right, c asker, sees string, got testcluster.Answer) string {
	status := cmp.Or(r.status, http.StatusOK)
	if c.may {
		if got.Status != status {
			return fmt.Sprintf("want %d", status)
		}
		if sees != "" && !strings.Contains(got.Body, sees) {
			return "want it to hold " + sees
		}
		return ""
	}
	m.kept++
	if !c.exists {
		if got.Status != http.StatusForbidden || !strings.Contains(got.Body, "ACL not found") {
			return "want 403 ACL not found"
		}
		return ""
	}
	want := "lacks permission '" + c.lacks + "'"
	switch r.verdict {
	case owned:
		if got.Status != http.StatusForbidden && (got.Status != http.StatusUnauthorized || c.token != "") {
			return "want 403, or 401 without a token"
		}
		return ""
	case filters:
		if c.token != "" && got.Status == http.StatusForbidden && len(r.needs) > 1 {
			return "" // the right on what was asked for comes first
		}
		if hidden := cmp.Or(r.hidden, status); got.Status != hidden && !strings.Contains(got.Body, "Permission denied") {
			return fmt.Sprintf("want %d", hidden)
		}
		if strings.Contains(got.Body, sees) {
			return "want it without " + sees
		}
		return ""
	case conflicts:
		if got.Status != http.StatusConflict || c.lacks != "" && !strings.Contains(got.Body, want) {
			return "want 409 and " + want
		}
		return ""
	}
	if got.Status != http.StatusForbidden || !strings.Contains(got.Body, "Permission denied") {
		return "want 403"
	}
	if r.verdict == refuses && c.lacks != "" && !strings.Contains(got.Body, want) {
		return "want " + want
	}
	return ""
}

// need is a permission as the table spells it.
type need struct{ resource, access, name string }

// parseNeed reads "key:write k/a".
func parseNeed(text string) need {
	permission, name, _ := strings.Cut(text, " ")
	resource, access, _ := strings.Cut(permission, ":")
	return need{resource, access, name}
}

func (n need) String() string { return n.resource + ":" + n.access + " " + n.name }

func (n need) permission() string { return strings.TrimSuffix(n.resource, "_prefix") + ":" + n.access }

func (n need) scalar() bool { return n.name == "" && !strings.HasSuffix(n.resource, "_prefix") }

// rule grants the need.
func (n need) rule() string {
	switch {
	case n.access == "":
		return "nothing"
	case n.scalar():
		return fmt.Sprintf("%s = %q", n.resource, n.access)
	case n.resource == "intention":
		return fmt.Sprintf("service %q { policy = \"write\" intentions = %q }", n.name, n.access)
	}
	return fmt.Sprintf("%s %q { policy = %q }", n.resource, n.name, n.access)
}

// weaker are grants that do not suffice: less of it, and as much of something else.
func (n need) weaker() []need {
	list := []need{{}}
	if n.access == "write" {
		list = append(list, need{n.resource, "read", n.name})
	}
	if !n.scalar() {
		return append(list, need{n.resource, "write", cmp.Or(n.name, "some") + "-other"}, need{n.resource, "deny", n.name})
	}
	for _, other := range []string{"acl", "keyring", "operator"} {
		if other != n.resource && !(n.resource == "mesh" && other == "operator") {
			list = append(list, need{other, "write", ""})
		}
	}
	return list
}

// token makes a token with the rights, once.
func (m *matrix) token(granted []need) string {
	var rules []string
	for _, n := range granted {
		if n.access != "" {
			rules = append(rules, n.rule())
		}
	}
	text := strings.Join(rules, "\n")
	if m.tokens[text] == "" {
		m.newest = m.leader.Grant(text)
		m.tokens[text] = m.newest
	}
	return m.tokens[text]
}
