package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Round trips are a map on which near is quick, and a table of the same numbers.
func TestUIDrawsAMapOfRoundTrips(t *testing.T) {
	t.Parallel()
	n := newNode(t, "ui-map", "127.77.151.1", "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "ui-map", "passing") })
	ctx := browser(t)
	open(t, ctx, n, "/ui/nodes?view=map")
	shows(t, ctx, "a map of nothing", "There is no map yet", "disable_coordinates")

	// Two sites of 2 nodes, 80 ms apart, and a third that is 30 ms beside the way.
	places := []struct {
		name string
		x, y float64 // s
	}{{"east-1", 0, 0}, {"east-2", 0.001, 0}, {"west-1", 0.080, 0}, {"west-2", 0.080, 0.001}, {"south-1", 0.040, 0.030}}
	for i, p := range places {
		status := "passing"
		if p.name == "west-2" {
			status = "critical"
		}
		if err := n.put("/v1/catalog/register", fmt.Sprintf(`{"Node": %q, "Address": "10.1.0.%d", "Check": {"CheckID": "disk", "Name": "disk", "Status": %q}}`, p.name, i+1, status)); err != nil {
			t.Fatal(err)
		}
		if err := n.put("/v1/coordinate/update", fmt.Sprintf(`{"Node": %q, "Coord": {"Vec": [0, %g, 0, 0, %g, 0, 0, 0], "Error": 0.1, "Adjustment": 0, "Height": 0.0001}}`, p.name, p.x, p.y)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "coordinates", 30*time.Second, func() error {
		var list []struct{ Node string }
		if err := n.get("/v1/coordinate/nodes", &list); err != nil || len(list) < len(places) {
			return fmt.Errorf("%v, %v", list, err)
		}
		return nil
	})
	faults := consoleFaults(t, ctx)
	open(t, ctx, n, "/ui/nodes?view=map&from=east-1")
	shows(t, ctx, "the map", "east-2", "1.20 ms", "80.20 ms", "50.20 ms", "20 ms</text>", "Half of the nodes are within", `class="node critical"`)
	sameElsewhere(t, ctx, n, "map")
	answers(t, ctx, "the map's distances", `
		const at = (name) => { const dot = document.querySelector('circle[data-node="' + name + '"]'); return [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))]; };
		const apart = (a, b) => Math.hypot(at(a)[0] - at(b)[0], at(a)[1] - at(b)[1]);
		const unit = apart("east-1", "west-1") / 80;
		for (const [a, b, ms] of [["east-1", "east-2", 1], ["west-1", "west-2", 1], ["east-1", "south-1", 50], ["west-1", "south-1", 50]]) {
			if (Math.abs(apart(a, b) / unit - ms) > 0.5) return a + " is " + apart(a, b) / unit + " ms from " + b;
		}
		return true;`)
	inLooks(t, ctx, "map")
	do(t, ctx, chromedp.Click(`circle[data-node="south-1"]`))
	shows(t, ctx, "the map from elsewhere", "<b>south-1</b>")
	answers(t, ctx, "the address", `return location.search === "?view=map&from=south-1"`)
	open(t, ctx, n, "/ui/nodes/west-1")
	shows(t, ctx, "a node", "Map of the network")
	do(t, ctx, chromedp.Click(".aside a"))
	shows(t, ctx, "the map from there", "<b>west-1</b>")
	if got := faults(); len(got) > 0 {
		t.Errorf("on the console: %q", got)
	}
	// Points that are no plane, on one spot, or none.
	answers(t, ctx, "axes", `
		const { principal } = await import("/ui/map.js");
		const flat = principal([[1, 1, 1], [2, 2, 2], [4, 4, 4]]);
		if (flat.some(([, y]) => Math.abs(y) > 1e-9) || Math.abs(Math.abs(flat[2][0] - flat[0][0]) - Math.sqrt(27)) > 1e-9) return JSON.stringify(flat);
		if (JSON.stringify(principal([[3, 3], [3, 3]])) !== "[[0,0],[0,0]]") return "one spot";
		return JSON.stringify(principal([])) === "[]";`)
}
