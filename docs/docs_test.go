package docs_test

import (
	"slices"
	"strings"
	"testing"

	"praetor/docs"
)

func TestEachSectionIsATopic(t *testing.T) {
	all, ok := docs.Topic(docs.All)
	if !ok {
		t.Fatal("the page is not there")
	}
	var want, got []string
	for line := range strings.Lines(all) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			want = append(want, strings.TrimSpace(heading))
		}
	}
	for _, topic := range docs.Topics {
		text, ok := docs.Topic(topic.Name)
		if !ok || strings.Count(text, "\n## ") > 0 || len(strings.Split(text, "\n")) < 4 {
			t.Errorf("%s: %t, %q", topic.Name, ok, text)
		}
		got = append(got, topic.Heading)
	}
	if !slices.Equal(got, want) {
		t.Errorf("topics %q\nsections %q", got, want)
	}
	for _, name := range []string{"", "leaders", "There is no leader"} {
		if _, ok := docs.Topic(name); ok {
			t.Errorf("%q is a topic", name)
		}
	}
}
