package kernel_test

import (
	"slices"
	"testing"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
)

// holding is a token with some rights.
func holding(rights ...acl.Need) *acl.Authorizer {
	return acl.New("acc", func(n acl.Need) bool { return slices.Contains(rights, n) })
}

// shown reports whether a row is shown with the rights given, and with each of them
// alone.
func shown[Row any](v kernel.Visibility[Row], row Row, rights ...acl.Need) (together bool, alone int) {
	_, together, _ = v.See(holding(rights...), row)
	for _, r := range rights {
		if _, ok, filtered := v.See(holding(r), row); ok && !filtered {
			alone++
		}
	}
	return together, alone
}

func TestRowsAreSeenWithAllTheirRights(t *testing.T) {
	node, web := &catalog.Node{Node: "n"}, &catalog.Service{Node: "n", Service: "web"}
	check := &catalog.Check{Node: "n", ServiceName: "web"}
	onNode, onWeb := acl.Node.Read("n"), acl.Service.Read("web")
	for name, row := range map[string]struct {
		show func(rights ...acl.Need) (bool, int)
		with []acl.Need
	}{
		"node":    {func(r ...acl.Need) (bool, int) { return shown(kernel.Nodes, node, r...) }, []acl.Need{onNode}},
		"service": {func(r ...acl.Need) (bool, int) { return shown(kernel.Services, web, r...) }, []acl.Need{onWeb}},
		"instance": {func(r ...acl.Need) (bool, int) {
			return shown(kernel.Instances, &catalog.Instance{Node: node, Service: web}, r...)
		}, []acl.Need{onNode, onWeb}},
		"health": {func(r ...acl.Need) (bool, int) {
			return shown(kernel.Health, &catalog.InstanceHealth{Node: node, Service: web}, r...)
		}, []acl.Need{onNode, onWeb}},
		"check":        {func(r ...acl.Need) (bool, int) { return shown(kernel.Checks, check, r...) }, []acl.Need{onNode, onWeb}},
		"node's check": {func(r ...acl.Need) (bool, int) { return shown(kernel.Checks, &catalog.Check{Node: "n"}, r...) }, []acl.Need{onNode}},
		"coordinate": {func(r ...acl.Need) (bool, int) {
			return shown(kernel.Coordinates, &catalog.Coordinate{Node: "n"}, r...)
		}, []acl.Need{onNode}},
		"session": {func(r ...acl.Need) (bool, int) { return shown(kernel.Sessions, &catalog.Session{Node: "n"}, r...) }, []acl.Need{acl.Session.Read("n")}},
		"key":     {func(r ...acl.Need) (bool, int) { return shown(kernel.Keys, "a", r...) }, []acl.Need{acl.Key.Read("a")}},
		"entry":   {func(r ...acl.Need) (bool, int) { return shown(kernel.Entries, &catalog.KVEntry{Key: "a"}, r...) }, []acl.Need{acl.Key.Read("a")}},
		"result":  {func(r ...acl.Need) (bool, int) { return shown(kernel.Results, catalog.TxnResult{Check: check}, r...) }, []acl.Need{onNode, onWeb}},
		"detail": {func(r ...acl.Need) (bool, int) {
			return shown(kernel.Details, &catalog.NodeDetail{Node: node, Services: []*catalog.Service{web}}, r...)
		}, []acl.Need{onNode, onWeb}},
	} {
		together, alone := row.show(row.with...)
		if want := map[bool]int{true: 1, false: 0}[len(row.with) == 1]; !together || alone != want {
			t.Errorf("%s: shown with all rights %v, with one of them %d times, want %d", name, together, alone, want)
		}
	}
}

func TestWhoSeesAllGetsTheRowsThemselves(t *testing.T) {
	rows := []string{"a", "b"}
	for name, az := range map[string]*acl.Authorizer{"no rules": acl.Unrestricted, "all rights": holding(acl.Key.Read("a"), acl.Key.Read("b"))} {
		if seen, filtered := kernel.Keys.Show(az, rows); filtered || &seen[0] != &rows[0] {
			t.Errorf("%s: %v, filtered %v", name, seen, filtered)
		}
	}
	seen, filtered := kernel.Keys.Show(holding(acl.Key.Read("b")), rows)
	if !filtered || !slices.Equal(seen, []string{"b"}) || rows[0] != "a" {
		t.Errorf("one right: %v, filtered %v, of %v", seen, filtered, rows)
	}
	if seen, filtered = kernel.Keys.Show(nil, rows); !filtered || seen == nil || len(seen) != 0 {
		t.Errorf("nobody: %v, filtered %v", seen, filtered)
	}
}
