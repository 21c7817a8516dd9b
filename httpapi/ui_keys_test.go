package httpapi_test

import (
	"context"
	"strings"
	"testing"

	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func TestUIKeySearchShowsWhatWasFound(t *testing.T) {
	f := newFixture(t, nil)
	var asked ops.UIKeySearchRequest
	on(f.caller, ops.UIKeySearch, func(_ context.Context, req *ops.UIKeySearchRequest) (*ops.UIKeySearchReply, error) {
		asked = *req
		return &ops.UIKeySearchReply{ReadMeta: rpc.ReadMeta{Index: 7, KnownLeader: true}, Keys: []ops.UIFoundKey{{Key: "a/b"}, {Key: "c", Line: `d "e"`}}, Searched: 9, More: true}, nil
	})
	f.want("GET", "/v1/internal/ui/kv-search?q=E&prefix=a/&values&index=5&skip=4", "", 200, `{"Keys":[{"Key":"a/b","Line":""},{"Key":"c","Line":"d \"e\""}],"Searched":9,"More":true}`)
	if asked.Text != "E" || asked.Prefix != "a/" || !asked.Values || asked.Skip != 4 || asked.MinIndex != 0 {
		t.Errorf("asked %+v", asked)
	}
	f.want("GET", "/v1/internal/ui/kv-search?q=E&skip=-1", "", 400, `Invalid skip: "-1" is no number of keys`)
}

func TestUICheckTextSaysWhereAFaultIs(t *testing.T) {
	f := newFixture(t, nil)
	for _, row := range []struct{ format, text, want string }{
		{"yaml", "a: 1\nb:\n  - c\n---\nd: e\n", `{"Text":"","Line":0,"Column":0}`},
		{"yaml", "", `{"Text":"","Line":0,"Column":0}`},
		{"yaml", "a: 1\nb: [1, 2\nc: 3\n", `{"Text":"did not find expected ',' or ']'","Line":1,"Column":0}`},
		{"yaml", "a: 1\n\tb: 2\n", `{"Text":"found a tab character that violates indentation","Line":2,"Column":0}`},
		{"yaml", "a: &x [*x]", `{"Text":"","Line":0,"Column":0}`},
		{"hcl", "a = 1\nb { c = [\"d\"] }\n", `{"Text":"","Line":0,"Column":0}`},
		{"hcl", "a = 1\nb = = 2\n", `{"Text":"Unknown token: 2:5 ASSIGN =","Line":2,"Column":5}`},
		{"hcl", "a {", `{"Text":"object expected closing RBRACE got: EOF","Line":1,"Column":5}`},
		{"rules", `key_prefix "app/" { policy = "read" }`, `{"Text":"","Line":0,"Column":0}`},
		{"rules", "key \"a\" {\n  policy = \n}", `{"Text":"object expected closing RBRACE got: EOF","Line":3,"Column":2}`},
		{"rules", `key "a" { policy = "rite" }`, `{"Text":"Invalid key policy: \u0026acl.Rule{Name:\"a\", Policy:\"rite\"}: use \"read\", \"write\" or \"deny\"; for keys also \"list\"","Line":0,"Column":0}`},
		{"rules", strings.Repeat("[", 1000), `{"Text":"too many brackets in each other to be checked","Line":0,"Column":0}`},
		{"hcl", strings.Repeat("[", 1000), `{"Text":"too many brackets in each other to be checked","Line":0,"Column":0}`},
		{"yaml", strings.Repeat("[", 1000), `{"Text":"too many brackets in each other to be checked","Line":0,"Column":0}`},
	} {
		f.want("POST", "/v1/internal/ui/check-text?format="+row.format, row.text, 200, row.want)
	}
	f.want("POST", "/v1/internal/ui/check-text?format=toml", "", 400, `unknown format "toml": it is hcl, yaml or rules`)
}
