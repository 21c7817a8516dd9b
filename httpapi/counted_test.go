package httpapi_test

import (
	"testing"

	"praetor/httpapi"
	"praetor/internal/telemetry"
)

func TestCallsOfTheCatalogAreCounted(t *testing.T) {
	m, err := telemetry.New(telemetry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(o *httpapi.Options) { o.Metrics = m })
	f.do("GET", "/v1/catalog/datacenters", "")
	f.do("GET", "/v1/catalog/service/web", "")
	got := map[string]int{}
	for _, c := range m.Summary().Counters {
		got[c.Name] = c.Count
	}
	for _, name := range []string{
		"consul.client.api.catalog_datacenters", "consul.client.rpc.error.catalog_datacenters",
		"consul.client.api.catalog_service_nodes", "consul.client.api.error.catalog_service_nodes",
	} {
		if got[name] != 1 {
			t.Errorf("%s is %d in %v", name, got[name], got)
		}
	}
	if n := got["consul.client.api.success.catalog_datacenters"]; n != 0 {
		t.Errorf("counted %d failures as answers", n)
	}
}
