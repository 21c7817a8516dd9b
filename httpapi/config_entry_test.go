package httpapi_test

import (
	"context"
	"fmt"
	"testing"

	"praetor/catalog"
	"praetor/internal/ops"
)

// TestWhatIsAskedAboutConfigEntries: what the endpoints make of paths and parameters.
func TestWhatIsAskedAboutConfigEntries(t *testing.T) {
	f := newFixture(t, nil)
	var asked string
	on(f.caller, ops.ConfigApply, func(_ context.Context, req *ops.ConfigApplyRequest) (*ops.ConfigApplyReply, error) {
		asked = fmt.Sprintf("%d %s/%s at %d in %q", req.Write.Verb, req.Write.Entry.Kind, req.Write.Entry.Name, req.Write.Entry.ModifyIndex, req.Datacenter)
		return &ops.ConfigApplyReply{Done: true}, nil
	})
	on(f.caller, ops.ConfigGet, func(_ context.Context, req *ops.ConfigGetRequest) (*ops.ConfigGetReply, error) {
		asked = fmt.Sprintf("%s/%s in %q", req.Kind, req.Name, req.Datacenter)
		return &ops.ConfigGetReply{}, nil
	})
	on(f.caller, ops.ConfigList, func(_ context.Context, req *ops.ConfigListRequest) (*ops.ConfigListReply, error) {
		asked = fmt.Sprintf("list %q by %q", req.Kind, req.Filter)
		return &ops.ConfigListReply{Entries: []*catalog.ConfigEntry{}}, nil
	})
	const (
		web        = `{"Kind":"service-defaults","Name":"web"}`
		namespaces = `Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature`
		partitions = `Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature`
		notNumber  = `strconv.ParseUint: parsing "x": invalid syntax`
		noName     = "Must provide both a kind and name to delete"
	)
	set, cas := catalog.ConfigSet, catalog.ConfigCAS
	del, delCAS := catalog.ConfigDelete, catalog.ConfigDeleteCAS
	for _, row := range []struct {
		method, target, body string
		status               int
		answer, asked        string
	}{
		{"PUT", "/v1/config", web, 200, "true", fmt.Sprint(set, ` service-defaults/web at 0 in ""`)},
		{"PUT", "/v1/config?dc=nope", web, 200, "true", fmt.Sprint(set, ` service-defaults/web at 0 in ""`)},
		{"PUT", "/v1/config?cas=", web, 200, "true", fmt.Sprint(set, ` service-defaults/web at 0 in ""`)},
		{"PUT", "/v1/config?cas=7", web, 200, "true", fmt.Sprint(cas, ` service-defaults/web at 7 in ""`)},
		{"PUT", "/v1/config?cas=0", web, 200, "true", fmt.Sprint(cas, ` service-defaults/web at 0 in ""`)},
		{"PUT", "/v1/config?cas=x", web, 500, notNumber, ""},
		{"PUT", "/v1/config?cas=x", "{", 400, "Request decoding failed: unexpected EOF", ""},
		{"PUT", "/v1/config?ns=default", "{", 400, namespaces, ""},
		{"PUT", "/v1/config?partition=default", web, 400, partitions, ""},
		{"GET", "/v1/config/bogus?partition=default", "", 400, partitions, ""},
		{"GET", "/v1/config/service-defaults/web?ns=x", "", 400, namespaces, ""},
		{"GET", "/v1/config/service-defaults/web?dc=dc2", "", 404, `Config entry not found for "service-defaults" / "web"`, `service-defaults/web in "dc2"`},
		{"GET", "/v1/config/service-defaults/a/b", "", 404, `Config entry not found for "service-defaults" / "a/b"`, `service-defaults/a/b in ""`},
		{"GET", "/v1/config/service-defaults/", "", 404, `Config entry not found for "service-defaults" / ""`, `service-defaults/ in ""`},
		{"GET", "/v1/config/service-defaults?filter=Name==web", "", 200, "[]", `list "service-defaults" by "Name==web"`},
		{"GET", "/v1/config/", "", 200, "[]", `list "" by ""`},
		{"DELETE", "/v1/config/", "", 404, noName, ""},
		{"DELETE", "/v1/config/service-defaults", "", 404, noName, ""},
		{"DELETE", "/v1/config/service-defaults/", "", 200, "{}", fmt.Sprint(del, ` service-defaults/ at 0 in ""`)},
		{"DELETE", "/v1/config/bogus/", "", 400, "invalid config entry kind: bogus", ""},
		{"DELETE", "/v1/config/service-defaults/web?cas=&dc=nope", "", 200, "{}", fmt.Sprint(del, ` service-defaults/web at 0 in ""`)},
		{"DELETE", "/v1/config/service-defaults/web?cas=9", "", 200, "true", fmt.Sprint(delCAS, ` service-defaults/web at 9 in ""`)},
		{"DELETE", "/v1/config/service-defaults/web?cas=x", "", 500, notNumber, ""},
	} {
		asked = ""
		f.want(row.method, row.target, row.body, row.status, row.answer)
		if asked != row.asked {
			t.Errorf("%s %s: asked for %q, want %q", row.method, row.target, asked, row.asked)
		}
	}
}
