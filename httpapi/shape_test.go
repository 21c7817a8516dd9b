package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/ops"
)

func TestBodiesThatBecomeFarMoreAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	answering(f.caller, ops.TxnApply, &ops.TxnApplyReply{})
	nested := func(levels int) string {
		return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
	}
	many := func(n int, each string) string { return strings.Repeat(each+",", n-1) + each }
	for name, row := range map[string]struct{ method, path, body, text string }{
		"a config entry nested deep":      {"PUT", "/v1/config", `{"Kind":"proxy-defaults","Name":"global","Config":` + nested(64) + `}`, "at most 64 levels are allowed"},
		"one nested deeper":               {"PUT", "/v1/config", `{"Kind":"proxy-defaults","Name":"global","Config":` + nested(9000) + `}`, "at most 64 levels are allowed"},
		"a service nested deep":           {"PUT", "/v1/agent/service/register", `{"Name":"web","Connect":{"SidecarService":{"Proxy":{"Config":` + nested(64) + `}}}}`, "at most 64 levels are allowed"},
		"a registration nested deep":      {"PUT", "/v1/catalog/register", `{"Node":"n","Address":"a","Service":{"Service":"web","Proxy":{"Config":` + nested(64) + `}}}`, "at most 64 levels are allowed"},
		"a hundred thousand empty checks": {"PUT", "/v1/catalog/register", `{"Node":"n","Address":"a","Checks":[` + many(100_000, "{}") + `]}`, "too many objects in too few bytes"},
		"as many absent upstreams":        {"PUT", "/v1/agent/service/register", `{"Name":"web","Proxy":{"Upstreams":[` + many(100_000, "null") + `]}}`, "too many objects in too few bytes"},
		"operations without end":          {"PUT", "/v1/txn", `[` + many(100_000, "{}") + `]`, "too many objects in too few bytes"},
		"a query nested deep":             {"POST", "/v1/query", nested(65), "at most 64 levels are allowed"},
	} {
		res, text := f.do(row.method, row.path, row.body)
		if res.StatusCode != 400 || !strings.Contains(text, row.text) {
			t.Errorf("%s: %d %.200s", name, res.StatusCode, text)
		}
	}
	checks := make([]string, 3000)
	for i := range checks {
		checks[i] = fmt.Sprintf(`{"CheckID":"c%d","Name":"n"}`, i)
	}
	answering(f.caller, ops.CatalogRegister, &ops.Empty{})
	f.want("PUT", "/v1/catalog/register", `{"Node":"n","Address":"a","Checks":[`+strings.Join(checks, ",")+`]}`, 200, "true")
}

// Entries of older versions may be nested without bound.
func TestIndentingMakesNoAnswerHundredsOfTimesAsLong(t *testing.T) {
	f := newFixture(t, nil)
	for name, row := range map[string]struct {
		levels int
		indent bool
	}{"usual": {20, true}, "as deep as may be": {63, true}, "deeper": {9000, false}} {
		body := `{"Config":` + strings.Repeat(`{"a":`, row.levels) + "1" + strings.Repeat("}", row.levels) + "}"
		answering(f.caller, ops.ConfigGet, &ops.ConfigGetReply{Entry: &catalog.ConfigEntry{Kind: "proxy-defaults", Name: "global", Body: []byte(body)}})
		res, text := f.do("GET", "/v1/config/proxy-defaults/global?pretty", "")
		if res.StatusCode != 200 || strings.Contains(text, "\n    ") != row.indent || len(text) > 16*max(len(body), 8<<10) {
			t.Errorf("%s: %d, %d bytes made %d", name, res.StatusCode, len(body), len(text))
		}
	}
}
