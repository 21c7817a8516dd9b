package query_test

import (
	"reflect"
	"strings"
	"testing"

	"praetor/agent/server/query"
	"praetor/catalog"
)

func template(name, regexp string, s catalog.QueryService) *catalog.Query {
	return &catalog.Query{Name: name, Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix, Regexp: regexp}, Service: s}
}

func TestTextsAreRenderedForTheName(t *testing.T) {
	for _, c := range []struct{ prefix, regexp, text, name, want string }{
		{"geo-", "", "plain", "geo-web", "plain"},
		{"geo-", "", "${name.full}", "geo-web", "geo-web"},
		{"geo-", "", "${name.prefix}|${name.suffix}", "geo-web", "geo-|web"},
		{"geo-", "", "${name.suffix}", "GEO-Web", "Web"},
		{"geo-", "", "${name.suffix}", "geo-", ""},
		{"", "", "${name.suffix}", "web", "web"},
		{"", "", "[${agent.segment}]", "web", "[]"},
		{"geo-", "^geo-(.*)-([^-]+)$", "${match(0)}/${match(1)}/${match(2)}", "geo-a-b-c", "geo-a-b-c/a-b/c"},
		{"geo-", "^geo-(.*)$", "[${match(2)}${match(99)}]", "geo-a", "[]"},
		{"geo-", "^geo-(x+)$", "[${match(1)}]", "geo-a", "[]"},
		{"geo-", "", "[${match(0)}]", "geo-a", "[]"},
		{"geo-", "", "a$b{c}", "geo-a", "a$b{c}"},
		{"\u0130", "", "${name.suffix}", "\u0130x", "x"},
	} {
		q := template(c.prefix, c.regexp, catalog.QueryService{Service: c.text})
		got, err := query.Render(q, c.name)
		if err != nil || got.Service.Service != c.want {
			t.Errorf("%q for %q: %q, %v, want %q", c.text, c.name, got.Service.Service, err, c.want)
		}
		if q.Service.Service != c.text {
			t.Errorf("%q: the query itself became %q", c.text, q.Service.Service)
		}
	}
}

func TestEveryTextOfAQueryIsRendered(t *testing.T) {
	const text = "${name.suffix}"
	s := catalog.QueryService{
		Service: text, SamenessGroup: text, Near: text, Peer: text, IgnoreCheckIDs: []string{text, "own"}, Tags: []string{"own", text},
		NodeMeta: map[string]string{"a": text, text: "own"}, ServiceMeta: map[string]string{"b": text},
		Failover: catalog.QueryFailover{NearestN: 2, Datacenters: []string{text}, Targets: []catalog.QueryTarget{{Peer: text, Datacenter: "own"}, {Datacenter: text}}},
		Connect:  true, OnlyPassing: true,
	}
	before := template("geo-", "", s)
	got, err := query.Render(before, "geo-web")
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.QueryService{
		Service: "web", SamenessGroup: "web", Near: "web", Peer: "web", IgnoreCheckIDs: []string{"web", "own"}, Tags: []string{"own", "web"},
		NodeMeta: map[string]string{"a": "web", text: "own"}, ServiceMeta: map[string]string{"b": "web"},
		Failover: catalog.QueryFailover{NearestN: 2, Datacenters: []string{"web"}, Targets: []catalog.QueryTarget{{Peer: "web", Datacenter: "own"}, {Datacenter: "web"}}},
		Connect:  true, OnlyPassing: true,
	}
	if !reflect.DeepEqual(got.Service, want) {
		t.Errorf("%+v\nwant %+v", got.Service, want)
	}
	if s.Tags[1] != text || s.NodeMeta["a"] != text || s.Failover.Targets[0].Peer != text {
		t.Error("rendering changes the query itself")
	}
}

func TestEmptyTagsGoIfTheTemplateSaysSo(t *testing.T) {
	for _, remove := range []bool{false, true} {
		q := template("geo-", "", catalog.QueryService{Service: "web", Tags: []string{"${match(1)}", "a", "", "b"}})
		q.Template.RemoveEmptyTags = remove
		got, err := query.Render(q, "geo-web")
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"", "a", "", "b"}
		if remove {
			want = []string{"a", "b"}
		}
		if !reflect.DeepEqual(got.Service.Tags, want) {
			t.Errorf("remove %t: %q", remove, got.Service.Tags)
		}
		q.Service.Tags = nil
		if got, err := query.Render(q, "geo-web"); err != nil || (got.Service.Tags != nil) != remove {
			t.Errorf("remove %t: tags that are not there become %#v, %v", remove, got.Service.Tags, err)
		}
	}
}

func TestAQueryThatIsNoTemplateIsItself(t *testing.T) {
	q := &catalog.Query{Name: "web", Service: catalog.QueryService{Service: "${name.full}"}}
	if got, err := query.Render(q, "web"); err != nil || got != q {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTemplateRefusals(t *testing.T) {
	service := func(text string) catalog.QueryService { return catalog.QueryService{Service: text} }
	for name, c := range map[string]struct {
		q    *catalog.Query
		asks string
		want string
	}{
		"another type":     {&catalog.Query{Template: catalog.QueryTemplate{Type: "suffix"}}, "a", "Bad Template.Type 'suffix'"},
		"no pattern":       {template("", "(", service("a")), "a", "Bad Regexp: "},
		"a pattern large":  {template("", strings.Repeat("(a|b)", 1000), service("a")), "a", "Bad Regexp: "},
		"a long name":      {template("", "", service("a")), strings.Repeat("a", 513), "the name for a template may have 512 bytes, not 513"},
		"not closed":       {template("", "", service("${name.full")), "a", "Bad format '${name.full' in Service.Service: "},
		"unknown":          {template("", "", service("${name.nothing}")), "a", "Bad evaluation for '${name.nothing}' in Service.Service: "},
		"no such function": {template("", "", service("${upper(name.full)}")), "a", "Bad evaluation for '${upper(name.full)}' in Service.Service: "},
		"in a tag":         {template("", "", catalog.QueryService{Tags: []string{"", "${x"}}), "a", "Bad format '${x' in Service.Tags[1]: "},
		"in metadata":      {template("", "", catalog.QueryService{NodeMeta: map[string]string{"k": "${x"}}), "a", "Bad format '${x' in Service.NodeMeta[k]: "},
		"in other metadata": {template("", "", catalog.QueryService{ServiceMeta: map[string]string{"k": "${x"}}), "a",
			"Bad format '${x' in Service.ServiceMeta[k]: "},
		"in a target": {template("", "", catalog.QueryService{Failover: catalog.QueryFailover{Targets: []catalog.QueryTarget{{Peer: "${x"}}}}), "a",
			"Bad format '${x' in Service.Failover.Targets[0].Peer: "},
		"too many bytes":           {template("", "", service(strings.Repeat("a", 64<<10+1))), "a", "the texts of a template may have 65536 bytes together"},
		"too many together":        {template("", "", catalog.QueryService{Service: strings.Repeat("a", 40<<10), Near: strings.Repeat("b", 30<<10)}), "a", "may have 65536 bytes together"},
		"too many when rendered":   {template("", "", service(strings.Repeat("${name.full}", 200))), strings.Repeat("a", 512), "may have 65536 bytes together"},
		"expressions too deep":     {template("", "", service("${"+strings.Repeat("(", 64)+"1"+strings.Repeat(")", 64)+"}")), "a", "65 expressions inside each other are too many: at most 64 are allowed"},
		"operators too many":       {template("", "", service("${1"+strings.Repeat("+1", 64)+"}")), "a", "expressions inside each other are too many"},
		"marks of several texts":   {template("", "", catalog.QueryService{Service: strings.Repeat("${1}", 300), Near: strings.Repeat("${1}", 300)}), "a", "1000 brackets, quotes and operators"},
		"the first by its path":    {template("", "", catalog.QueryService{Near: "${x", Service: "${y"}), "a", "in Service.Near: "},
		"a number is not too much": {template("", "", service("${"+strings.Repeat("(", 62)+"1"+strings.Repeat(")", 62)+"}")), "a", ""},
	} {
		_, err := query.Render(c.q, c.asks)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
	if _, err := query.Render(template("", "", service("a")), strings.Repeat("a", 512)); err != nil {
		t.Errorf("the longest name: %v", err)
	}
	if _, err := query.Render(template("", "", service(strings.Repeat("a", 64<<10))), "a"); err != nil {
		t.Errorf("the longest texts: %v", err)
	}
}
