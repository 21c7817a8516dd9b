package server_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/ops"
)

// TestGatewaysAndRoutesAreBoundAtOnce: who was told that an entry is written finds what
// follows from it.
func TestGatewaysAndRoutesAreBoundAtOnce(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		write := func(verb catalog.ConfigVerb, body string) {
			t.Helper()
			entry, err := configentry.DecodeJSON(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			row, err := catalog.NewConfigEntry(entry)
			if err != nil {
				t.Fatal(err)
			}
			if verb == catalog.ConfigDelete {
				row.Body = nil
			}
			if _, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: catalog.ConfigWrite{Verb: verb, Entry: *row}}); err != nil {
				t.Fatal(err)
			}
		}
		find := func(kind, name string) *catalog.ConfigEntry {
			_, row := s.Store().Read().ConfigEntry(nil, kind, name)
			return row
		}
		bound := func() string {
			if row := find(configentry.KindBoundAPIGateway, "gw"); row != nil {
				return string(row.Body)
			}
			return ""
		}
		reasons := func() string {
			var route configentry.TCPRoute
			if err := json.Unmarshal(find(configentry.KindTCPRoute, "r").Body, &route); err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, c := range route.Status.Conditions {
				all = append(all, c.Reason)
			}
			return strings.Join(all, " ")
		}
		const (
			gateway   = `{"Kind":"api-gateway","Name":"gw","Listeners":[{"Name":"l","Port":81,"Protocol":"tcp"}]}`
			route     = `{"Kind":"tcp-route","Name":"r","Parents":[{"Name":"gw"}],"Services":[{"Name":"web"}]}`
			withRoute = `{"Kind":"bound-api-gateway","Name":"gw","Listeners":[{"Name":"l","Routes":[{"Kind":"tcp-route","Name":"r","SectionName":""}],"Certificates":null}],"Services":{"web":[{"Kind":"tcp-route","Name":"r","SectionName":""}]}}`
			without   = `{"Kind":"bound-api-gateway","Name":"gw","Listeners":[{"Name":"l","Routes":null,"Certificates":null}],"Services":{}}`
		)
		write(catalog.ConfigSet, gateway)
		if bound() != without {
			t.Errorf("a gateway: %s", bound())
		}
		if g, b := find(configentry.KindAPIGateway, "gw"), find(configentry.KindBoundAPIGateway, "gw"); b == nil || b.CreateIndex <= g.CreateIndex {
			t.Errorf("bound %v before %v", b, g)
		}
		write(catalog.ConfigSet, route)
		if bound() != withRoute || reasons() != "Accepted Bound" {
			t.Errorf("a route: %s, %s", reasons(), bound())
		}

		index := s.Store().Read().LastIndex()
		time.Sleep(time.Minute)
		write(catalog.ConfigSet, route)
		write(catalog.ConfigSet, strings.Replace(route, "{", `{"Status":{"Conditions":[{"Type":"Accepted","Reason":"mine"}]},`, 1))
		if reasons() != "Accepted Bound" || find(configentry.KindTCPRoute, "r").ModifyIndex > index {
			t.Errorf("written again: %s", reasons())
		}

		write(catalog.ConfigSet, `{"Kind":"service-defaults","Name":"web","Protocol":"http"}`)
		synctest.Wait()
		if reasons() != "InvalidDiscoveryChain FailedToBind" || bound() != without {
			t.Errorf("the service turned to HTTP: %s, %s", reasons(), bound())
		}
		write(catalog.ConfigDelete, gateway)
		if reasons() != "InvalidDiscoveryChain GatewayNotFound" || bound() != "" {
			t.Errorf("the gateway went: %s, %s", reasons(), bound())
		}
	})
}
