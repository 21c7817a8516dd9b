package kernel_test

import (
	"testing"

	"praetor/agent/server/kernel"
	"praetor/internal/ops"
)

func TestNoTwoQuestionsShareAView(t *testing.T) {
	ask := func(service string, passing bool, tags []string, meta map[string]string) *ops.HealthServiceRequest {
		return &ops.HealthServiceRequest{Service: service, PassingOnly: passing, Tags: tags, NodeMeta: meta}
	}
	seen := map[string]int{}
	for i, req := range []*ops.HealthServiceRequest{
		ask("web", false, nil, nil), ask("web", true, nil, nil), ask("webtrue", false, nil, nil),
		ask("web", false, []string{"a"}, nil), ask("web", false, []string{"a", "b"}, nil), ask("web", false, []string{"ab"}, nil),
		ask("web", false, []string{"a 1:b"}, nil), ask("web", false, []string{"a\x00mk\x00v"}, nil),
		ask("web", false, []string{"a"}, map[string]string{"k": "v"}), ask("web", false, []string{"a", "k", "v"}, nil),
		ask("web", false, nil, map[string]string{"k": "v"}), ask("web", false, nil, map[string]string{"kv": ""}),
		ask("web\x00p", false, nil, nil), ask("web 1:a", false, nil, nil), ask("", false, []string{"web"}, nil),
	} {
		key := kernel.NewViewKey(req)
		if before, taken := seen[key]; taken {
			t.Errorf("questions %d and %d share %q", before, i, key)
		}
		seen[key] = i
	}
	if kernel.NewViewKey(ask("WEB", false, []string{"A"}, nil)) != kernel.NewViewKey(ask("web", false, []string{"a"}, nil)) {
		t.Error("case makes a difference")
	}
}
