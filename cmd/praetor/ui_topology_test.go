package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A service's page shows who calls it and whom it calls, and what intentions say to that.
func TestUIShowsTheTopologyOfAService(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-topology", "127.77.186.1", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-topology", "passing") })
	put := func(path, body string) {
		t.Helper()
		if err := n.put(path, body); err != nil {
			t.Fatalf("%s %s: %v", path, body, err)
		}
	}
	for service, upstreams := range map[string]string{
		"web": `{"DestinationName": "api", "LocalBindPort": 1}, {"DestinationName": "db", "LocalBindPort": 2}, {"DestinationName": "cache", "LocalBindPort": 3}`,
		"api": "", "db": "", "cache": "", "edge": `{"DestinationName": "web", "LocalBindPort": 1}`,
	} {
		put("/v1/catalog/register", fmt.Sprintf(`{"Node": "n-%s", "Address": "10.1.0.1", "Service": {"Service": %q}}`, service, service))
		put("/v1/catalog/register", fmt.Sprintf(`{"Node": "n-%s", "Address": "10.1.0.1", "Service": {"Service": "%s-proxy", "Kind": "connect-proxy", "Port": 20000,
			"Proxy": {"DestinationServiceName": %q, "Upstreams": [%s]}}, "Check": {"Name": "c", "ServiceID": "%s-proxy", "Status": "warning"}}`, service, service, service, upstreams, service))
	}
	put("/v1/config", `{"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "http"}}`)
	put("/v1/config", `{"Kind": "service-intentions", "Name": "db", "Sources": [{"Name": "web", "Action": "deny"}]}`)
	put("/v1/config", `{"Kind": "service-intentions", "Name": "cache", "Sources": [{"Name": "web", "Permissions": [{"Action": "allow", "HTTP": {"PathPrefix": "/"}}]}]}`)

	ctx := browser(t)
	faults := consoleFaults(t, ctx)
	open(t, ctx, n, "/ui/services/web")
	shows(t, ctx, "the service", `aria-label="Topology"`, "some requests", "an intention about these two")
	const words = `
		const side = (title) => [...document.querySelectorAll(".topology h2")].find((h) => h.textContent === title).parentElement;
		const lines = (title) => [...side(title).querySelectorAll("li")].map((li) => li.querySelector("a").innerText.trim() + " " + li.querySelector(".verdict").innerText).join(", ");
		const got = lines("Called by") + " | " + lines("Calls");
		return got === %q || got;`
	answers(t, ctx, "the neighbours", fmt.Sprintf(words, "edge allowed | api allowed, cache some requests, db denied"))
	sameElsewhere(t, ctx, n, "topology")
	inLooks(t, ctx, "topology")
	put("/v1/connect/intentions/exact?source=web&destination=db", `{"Action": "allow"}`)
	hides(t, ctx, "what is allowed by now", "denied")
	answers(t, ctx, "a change of intentions", fmt.Sprintf(words, "edge allowed | api allowed, cache some requests, db allowed"))
	do(t, ctx, chromedp.Click(`.topology a[href$="/services/edge"]`))
	shows(t, ctx, "the neighbour", "<b>edge</b>", "no service that is known")
	if got := faults(); len(got) > 0 {
		t.Errorf("on the console: %q", got)
	}
}
