package server_test

import (
	"context"
	"testing"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func TestWhatServersRefuseAboutConfigEntries(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		list := func(kind, filter string) error {
			_, err := ops.ConfigList.Call(context.Background(), s.Router(), &ops.ConfigListRequest{Kind: kind, Filter: filter})
			return err
		}
		apply := func(verb catalog.ConfigVerb, kind, name, body string) error {
			write := catalog.ConfigWrite{Verb: verb, Entry: catalog.ConfigEntry{Kind: kind, Name: name, Body: []byte(body)}}
			_, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: write})
			return err
		}
		const controller = "Permission denied: only writeable by controller"
		for _, row := range []struct {
			what string
			err  error
			kind fault.Kind
			want string // "" for what is done
		}{
			{"filter", list(configentry.KindServiceDefaults, "Name == web"), 0, ""},
			{"filter by what there is not", list(configentry.KindServiceDefaults, "bogus == 1"), fault.Rejected, `Failed to create boolean expression evaluator: Selector "bogus" is not valid`},
			{"filter of another kind", list(configentry.KindTCPRoute, "bogus == 1"), fault.Rejected, "filtering not supported for config entry kind=tcp-route"},
			{"filter of all kinds", list("", "Name == web"), fault.Rejected, "filtering not supported for config entry kind="},
			{"filter of an unknown kind", list("bogus", "Name == web"), fault.Rejected, "invalid config entry kind: bogus"},
			{"list of all kinds", list("", ""), 0, ""},
			{"write what controllers write", apply(catalog.ConfigSet, configentry.KindBoundAPIGateway, "g", `{"Kind":"bound-api-gateway","Name":"g"}`), fault.Denied, controller},
			{"delete what controllers write", apply(catalog.ConfigDelete, configentry.KindBoundAPIGateway, "g", ""), fault.Denied, controller},
			{"a subset by what is no expression", apply(catalog.ConfigSet, configentry.KindServiceResolver, "web", `{"Kind":"service-resolver","Name":"web","Subsets":{"v1":{"Filter":"bad =="}}}`),
				fault.Rejected, "Filter for subset \"v1\" is not a valid expression: 1:7 (6): no match found, expected: \"-\", \"0\", \"\\\"\", \"`\", [ \\t\\r\\n], [1-9] or [a-zA-Z]"},
			{"delete without a name", apply(catalog.ConfigDelete, configentry.KindServiceDefaults, "", ""), 0, ""},
			{"delete without a name at an index", apply(catalog.ConfigDeleteCAS, configentry.KindServiceDefaults, "", ""), 0, ""},
		} {
			switch {
			case row.err == nil && row.want != "":
				t.Errorf("%s: done, want %q", row.what, row.want)
			case row.err != nil && (row.err.Error() != row.want || fault.KindOf(row.err) != row.kind):
				t.Errorf("%s: %v (%s), want %q (%s)", row.what, row.err, fault.KindOf(row.err), row.want, row.kind)
			}
		}
	})
}

// TestFiltersNameWhatAnEntryLacks: such an expression came with a request of a client agent, and
// stopped the server.
func TestFiltersNameWhatAnEntryLacks(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		for name, body := range map[string]string{
			"bare": `{"Kind":"service-defaults","Name":"bare"}`,
			"full": `{"Kind":"service-defaults","Name":"full","MaxRequestHeadersKB":9,"Destination":{"Addresses":["a.b"],"Port":443},"UpstreamConfig":{"Overrides":[{"Name":"db","ConnectTimeoutMs":7}]}}`,
		} {
			write := catalog.ConfigWrite{Entry: catalog.ConfigEntry{Kind: configentry.KindServiceDefaults, Name: name, Body: []byte(body)}}
			if _, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: write}); err != nil {
				t.Fatal(err)
			}
		}
		for filter, want := range map[string]int{
			"": 2, "RateLimits.InstanceLevel.RequestsPerSecond == 5": 0, "RateLimits.InstanceLevel.RequestsPerSecond != 5": 2, "Destination.Port == 443": 1, "UpstreamConfig.Overrides.Name == db": 1,
			"UpstreamConfig.Defaults.ConnectTimeoutMs == 7": 0, "MaxRequestHeadersKB == 9": 1, "MaxRequestHeadersKB == 0": 1, "Destination.Port == 443 or Name == bare": 2,
		} {
			rep, err := ops.ConfigList.Call(context.Background(), s.Router(), &ops.ConfigListRequest{Kind: configentry.KindServiceDefaults, Filter: filter})
			if err != nil || len(rep.Entries) != want {
				t.Errorf("%s: %d entries, %v, want %d", filter, len(rep.Entries), err, want)
			}
		}
	})
}
