package query_test

import (
	"strings"
	"testing"

	"praetor/agent/server/query"
	"praetor/catalog"
)

// TestTemplateOfOldThatNestsTooDeepAnswersAnError looks up what an earlier version
// stored, or what a snapshot brought: it costs no time and names the limit.
func TestTemplateOfOldThatNestsTooDeepAnswersAnError(t *testing.T) {
	deep := catalog.Query{
		Name: "deep-", Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix},
		Service: catalog.QueryService{Service: "${" + strings.Repeat("(", 30_000) + "name.full" + strings.Repeat(")", 30_000) + "}"},
	}
	if _, err := query.Render(&deep, "deep-web"); err == nil || !strings.Contains(err.Error(), "1000 brackets, quotes and operators") {
		t.Errorf("rendered: %v", err)
	}
}

// FuzzTemplates renders whatever may be stored, for whatever is looked up.
func FuzzTemplates(f *testing.F) {
	f.Add("geo-", "^geo-(.*)$", "${match(1)}", "geo-web")
	f.Add("", "", "${name.full} ${name.suffix}", "")
	f.Add("\u0130", "(?i)(\u0130)", "${match(0)}${", "i\u0307-db")
	f.Add("x", "((a|b)?){40}", "${1+1}${match(-1)}", "xabab")
	f.Fuzz(func(t *testing.T, name, pattern, text, asked string) {
		q := &catalog.Query{
			Name: name, Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix, Regexp: pattern},
			Service: catalog.QueryService{Service: text, Tags: []string{text}, NodeMeta: map[string]string{"k": text}},
		}
		if rendered, err := query.Render(q, asked); err == nil && (rendered.Service.Service != rendered.Service.Tags[0] || q.Service.Service != text) {
			t.Errorf("rendered %+v of %+v", rendered.Service, q.Service)
		}
	})
}
