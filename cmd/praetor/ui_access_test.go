package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const uiManager = "6d5c2a0e-0000-4000-8000-0000000000aa"

// guarded is a node with access rules, and something to see.
func guarded(t *testing.T, name, ip string) *node {
	t.Helper()
	n := newNode(t, name, ip, "-dev", fmt.Sprintf(`-hcl=acl { enabled = true default_policy = "deny" tokens { initial_management = %q agent = %q } }`, uiManager, uiManager)).start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	waitFor(t, "node in the catalog", 20*time.Second, func() error {
		if code, text := asked(t, n, uiManager, "GET", "/v1/health/node/"+name, ""); code != 200 || !strings.Contains(text, "passing") {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
	for path, body := range map[string]string{
		"/v1/agent/service/register?1": `{"name": "web", "port": 80}`, "/v1/agent/service/register?2": `{"name": "db", "port": 81}`,
		"/v1/kv/app/color": "blue", "/v1/kv/secret": "s", "/v1/kv/seen": "but not written",
	} {
		if code, text := asked(t, n, uiManager, "PUT", path, body); code != 200 {
			t.Fatalf("%s: %d %s", path, code, text)
		}
	}
	return n
}

// weak makes a token with rules, and returns how to change them and the token's accessor.
func weak(t *testing.T, n *node, rules string) (secret, accessor string, change func(rules string)) {
	t.Helper()
	body := func(rules string) string {
		text, err := json.Marshal(map[string]string{"Name": "weak", "Rules": rules})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	code, text := asked(t, n, uiManager, "PUT", "/v1/acl/policy", body(rules))
	var policy struct{ ID string }
	if err := json.Unmarshal([]byte(text), &policy); code != 200 || err != nil {
		t.Fatalf("%d %s", code, text)
	}
	secret, accessor = newToken(t, n, uiManager, `{"Policies": [{"Name": "weak"}]}`)
	return secret, accessor, func(rules string) {
		t.Helper()
		if code, text := asked(t, n, uiManager, "PUT", "/v1/acl/policy/"+policy.ID, body(rules)); code != 200 {
			t.Fatalf("%d %s", code, text)
		}
	}
}

// login gives the tab a token by the form.
func login(t *testing.T, ctx context.Context, button, secret string) {
	t.Helper()
	do(t, ctx, press(button), chromedp.SendKeys("#token", secret), press("Use"))
	waitFor(t, "the page with a token", 10*time.Second, func() error {
		set, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("header .token.set") !== null && sessionStorage.getItem("praetor-token") === "`+secret+`"`))
		if err == nil && !set {
			err = errors.New("the tab has not got it")
		}
		return err
	})
}

// hides wants a page to come to show none of some texts.
func hides(t *testing.T, ctx context.Context, page string, texts ...string) {
	t.Helper()
	waitFor(t, "page "+page, 15*time.Second, func() error {
		html, err := chromedp.Run(ctx, chromedp.InnerHTML("#app"))
		if err != nil {
			return err
		}
		for _, text := range texts {
			if strings.Contains(html, text) {
				return fmt.Errorf("it shows %q:\n%s", text, html)
			}
		}
		return nil
	})
}

// knowsRights waits until a page was told what its token may do: before, it has no buttons
// at all.
func knowsRights(t *testing.T, ctx context.Context) {
	t.Helper()
	waitFor(t, "rights", 10*time.Second, func() error {
		if asks(t, ctx, "/v1/internal/acl/authorize") == 0 {
			return errors.New("not asked for yet")
		}
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))`, chromedp.EvalAwaitPromise))
		return err
	})
}

const weakRules = `agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" } service_prefix "" { policy = "read" } service "web" { policy = "write" }
	key_prefix "app/" { policy = "write" } key "seen" { policy = "read" } session_prefix "" { policy = "read" } event "deploy" { policy = "write" }`

// A token sees the buttons that it may press, and no other.
func TestUIHasNoButtonThatATokenMayNotPress(t *testing.T) {
	t.Parallel()
	n := guarded(t, "ui-rights", "127.77.133.1")
	secret, _, _ := weak(t, n, weakRules)
	pages := []struct {
		path, shows  string
		may, mayNot  []string // buttons of the weak token, and those of the manager only
		managerShows string
	}{
		{"/ui/", "Nothing is critical", nil, []string{"Download snapshot …", "Restore snapshot …", "Examine again"}, "in term"},
		{"/ui/services/web", "web.service.consul", []string{"Deregister …", "Maintenance …"}, nil, "web"},
		{"/ui/services/db", "db.service.consul", nil, []string{"Deregister …", "Maintenance …"}, "db"},
		{"/ui/nodes/ui-rights", "Serf Health Status", nil, []string{"Maintenance …"}, "Serf Health Status"},
		{"/ui/kv", "seen", nil, []string{"New key"}, "secret"},
		{"/ui/kv?prefix=app/", "color", []string{"New key", "Delete folder …"}, nil, "color"},
		{"/ui/kv?key=app/color", "4 bytes", []string{"Edit", "Rename …", "Upload …", "Delete …"}, nil, "4 bytes"},
		{"/ui/kv?key=seen", "15 bytes", nil, []string{">Edit<", "Rename …", "Upload …", "Delete …"}, "15 bytes"},
		{"/ui/queries", "There are no prepared queries", nil, []string{">New query<"}, "There are no prepared queries"},
		{"/ui/access", "This token may not see them", nil, nil, "Search by name, ID, policy or role"},
	}
	ctx := browser(t)
	open(t, ctx, n, "/ui/services")
	shows(t, ctx, "services for everybody", "Access rules are on, and this tab has no token")
	login(t, ctx, "Log in with a token", secret)
	for _, p := range pages {
		open(t, ctx, n, p.path)
		knowsRights(t, ctx)
		shows(t, ctx, p.path, append([]string{p.shows}, p.may...)...)
		hides(t, ctx, p.path, append([]string{"Not permitted", "this tab has no token"}, p.mayNot...)...)
	}
	open(t, ctx, n, "/ui/kv?key=secret")
	shows(t, ctx, "a key that it may not read", "Not permitted")
	open(t, ctx, n, "/ui/kv?q=s")
	shows(t, ctx, "a search", "In all folders", "<mark>s</mark>een")
	hides(t, ctx, "a search", "ecret")
	open(t, ctx, n, "/ui/events")
	do(t, ctx, chromedp.SendKeys("#event-name", "restart"))
	shows(t, ctx, "events", "This token may not fire restart.")
	do(t, ctx, chromedp.SendKeys("#event-name", "\b\b\b\b\b\b\bdeploy"), press("Fire"))
	shows(t, ctx, "events", "deploy is fired.")

	login(t, ctx, "Token", uiManager)
	for _, p := range pages {
		open(t, ctx, n, p.path)
		shows(t, ctx, p.path, append(append([]string{p.managerShows}, p.may...), p.mayNot...)...)
	}
}

// What a token may see changes on the page as its rules change, and ends with the token.
func TestUIFollowsTheRightsOfItsToken(t *testing.T) {
	t.Parallel()
	n := guarded(t, "ui-revoked", "127.77.133.2")
	secret, accessor, change := weak(t, n, weakRules)
	ctx := browser(t)
	open(t, ctx, n, "/ui/services")
	login(t, ctx, "Log in with a token", "6d5c2a0e-0000-4000-8000-0000000000bb")
	shows(t, ctx, "services with an unknown token", "Not permitted", "ACL not found", "Give a token")
	login(t, ctx, "Give a token", secret)
	shows(t, ctx, "services", ">db<", ">web<", ">live")
	change(strings.Replace(weakRules, `service_prefix "" { policy = "read" }`, "", 1))
	hides(t, ctx, "services of fewer rights", ">db<")
	shows(t, ctx, "services of fewer rights", ">web<", ">live")
	change(weakRules)
	shows(t, ctx, "services of the old rights", ">db<")
	if code, text := asked(t, n, uiManager, "DELETE", "/v1/acl/token/"+accessor, ""); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	shows(t, ctx, "services without a token", "Not permitted", "ACL not found", "stale since")
}

// The switcher leads to the other datacenter, and what is shown and changed there is its own.
func TestUIShowsTwoDatacenters(t *testing.T) {
	t.Parallel()
	here := newNode(t, "ui-dc1", "127.77.134.1", "-server", "-bootstrap-expect=1", "-ui").start()
	there := newNode(t, "ui-dc2", "127.77.134.2", "-server", "-bootstrap-expect=1", "-datacenter=dc2", "-retry-join-wan=127.77.134.1").start()
	waitFor(t, "node in dc1", 30*time.Second, func() error { return wantSerfHealth(here, "ui-dc1", "passing") })
	waitFor(t, "node in dc2", 30*time.Second, func() error { return wantSerfHealth(there, "ui-dc2", "passing") })
	waitFor(t, "dc2, seen from dc1", 30*time.Second, func() error { return here.get("/v1/health/service/consul?dc=dc2", &[]struct{}{}) })
	if err := here.put("/v1/agent/service/register", `{"name": "only-here"}`); err != nil {
		t.Fatal(err)
	}
	if err := there.put("/v1/agent/service/register", `{"name": "only-there"}`); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	open(t, ctx, here, "/ui/services")
	shows(t, ctx, "services of dc1", "only-here", `aria-label="Datacenter"`)
	chosen := func(dc string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(() => { const box = document.querySelector(".where select"); box.value = "`+dc+`"; box.dispatchEvent(new Event("change", { bubbles: true })); return true; })()`)); err != nil {
			t.Fatal(err)
		}
	}
	chosen("dc2")
	shows(t, ctx, "services of dc2", "only-there", ">live")
	hides(t, ctx, "services of dc2", "only-here")
	if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || !strings.HasSuffix(at, "/ui/dc2/services") {
		t.Errorf("at %s, %v", at, err)
	}
	if err := there.put("/v1/agent/service/register", `{"name": "later-there"}`); err != nil {
		t.Fatal(err)
	}
	shows(t, ctx, "a change in dc2", "later-there")
	open(t, ctx, here, "/ui/dc2/kv")
	shows(t, ctx, "keys of dc2", "There are no keys")
	do(t, ctx, press("New key"), chromedp.SendKeys("#new-name", "color"), chromedp.SendKeys("#new-value", "red"), press("Create"))
	shows(t, ctx, "the new key", "3 bytes")
	keyHolds(t, there, "color", "red")
	if status, text, err := here.request("POST", "/v1/query", `{"Name": "far", "Service": {"Service": "only-there", "Failover": {"Datacenters": ["dc2"]}}}`); err != nil || status != 200 {
		t.Fatal(status, text, err)
	}
	open(t, ctx, here, "/ui/queries")
	do(t, ctx, press("far"), press("Run"))
	shows(t, ctx, "a query that fails over", "<b>1</b> instance of only-there in <b>dc2</b>, after 1 that had none.", "only-there on ui-dc2")
	open(t, ctx, here, "/ui/dc2/kv")
	shows(t, ctx, "keys of dc2", "color")
	chosen("dc1")
	shows(t, ctx, "keys of dc1", "There are no keys")
	there.kill()
	open(t, ctx, here, "/ui/dc2/services")
	shows(t, ctx, "a datacenter that is lost", "Remote DC has no server currently reachable")
}

// choose sets a select or a checkbox, as one who clicks.
func choose(t *testing.T, ctx context.Context, selector, value string) {
	t.Helper()
	script := fmt.Sprintf(`(() => { const box = document.querySelector(%q); box.value = %q; box.dispatchEvent(new Event("change", { bubbles: true })); return box.value === %[2]q; })()`, selector, value)
	if done, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err != nil || !done {
		t.Fatalf("%s has no %s, %v", selector, value, err)
	}
}

// Rules are checked while they are written, and a token's page says what it may do and why.
func TestUIWritesPoliciesAndExplainsTokens(t *testing.T) {
	t.Parallel()
	n := guarded(t, "ui-explain", "127.77.152.1")
	_, accessor, _ := weak(t, n, weakRules)
	ctx := browser(t)
	faults := consoleFaults(t, ctx)
	open(t, ctx, n, "/ui/services")
	login(t, ctx, "Log in with a token", uiManager)
	open(t, ctx, n, "/ui/access/tokens/"+accessor)
	shows(t, ctx, "the token", "What may it do?")
	choose(t, ctx, "#resource", "key")
	choose(t, ctx, "#access", "write")
	do(t, ctx, chromedp.SendKeys("#segment", "seen"), press("Ask"))
	shows(t, ctx, "an answer", "✗ Denied", `key "seen" {`, ">weak</a>", "Requests are told", "lacks permission")
	inLooks(t, ctx, "explain")
	do(t, ctx, chromedp.SendKeys("#segment", "\b\b\b\bapp/x"))
	hides(t, ctx, "an answer to another question", "✗ Denied")
	do(t, ctx, press("Ask"))
	shows(t, ctx, "an answer", "✓ Allowed", `key_prefix "app/" {`)
	choose(t, ctx, "#resource", "operator")
	do(t, ctx, press("Ask"))
	shows(t, ctx, "an answer", "✗ Denied", "No rule is about it: the default policy, <b>deny</b>, decides.")

	open(t, ctx, n, "/ui/access/policies")
	do(t, ctx, press("New policy"), chromedp.SendKeys("#policy-name", "deploys"))
	write(t, ctx, "#new-rules", `event "deploy" { policy = "rite" }`)
	shows(t, ctx, "wrong rules", "Not valid rules</b>", "Invalid event policy")
	do(t, ctx, press("Create"))
	shows(t, ctx, "rules that are refused", `class="fault"`)
	inLooks(t, ctx, "policy-new")
	write(t, ctx, "#new-rules", `event "deploy" { policy = "write" }`)
	hides(t, ctx, "rules that are right", "Not valid rules")
	do(t, ctx, press("Create"))
	shows(t, ctx, "the policy", "deploys is created.", "praetor acl token create -policy-name=deploys")
	write(t, ctx, "#rules", "event \"deploy\" {\n  policy = \n}")
	shows(t, ctx, "broken rules", "Not valid rules</b>, near line 3")
	inLooks(t, ctx, "policy")
	write(t, ctx, "#rules", `event "" { policy = "read" }`)
	do(t, ctx, press("Save"))
	shows(t, ctx, "the policy", "Saved.")
	if code, text := asked(t, n, uiManager, "GET", "/v1/acl/policy/name/deploys", ""); code != 200 || !strings.Contains(text, `policy = \"read\"`) {
		t.Errorf("%d %s", code, text)
	}
	open(t, ctx, n, "/ui/access/policies/00000000-0000-0000-0000-000000000001")
	shows(t, ctx, "the rules of global-management", `class="is-name">acl</span>`)
	if got := faults(); len(got) > 0 {
		t.Errorf("on the console: %q", got)
	}
}
