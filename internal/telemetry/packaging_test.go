package telemetry_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"praetor/internal/telemetry"
)

// alerts is what Prometheus reads of packaging/alerts.yml.
type alerts struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr         string
			For                 string
			Labels, Annotations map[string]string
		}
	}
}

type dashboard struct {
	Title  string
	Panels []struct {
		ID      int
		Title   string
		Targets []struct{ Expr string }
	}
}

// TestPackagedAlertsAndDashboardAskForWhatAgentsExpose holds every metric of both
// files against the table of figures.
func TestPackagedAlertsAndDashboardAskForWhatAgentsExpose(t *testing.T) {
	var rules alerts
	var board dashboard
	if err := yaml.Unmarshal(read(t, "alerts.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(read(t, "grafana.json"), &board); err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{} // expressions, by whose they are
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			asked[r.Alert] = r.Expr
			if _, err := time.ParseDuration(r.For); err != nil && r.For != "" || r.Annotations["summary"] == "" || r.Annotations["action"] == "" || !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
				t.Errorf("%s: for %q, labels %v, annotations %v", r.Alert, r.For, r.Labels, r.Annotations)
			}
		}
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			asked[p.Title] = target.Expr
		}
	}
	if len(asked) < 20 {
		t.Fatalf("%d expressions", len(asked))
	}
	names := exposed(t)
	for of, expr := range asked {
		found := regexp.MustCompile(`\b(?:consul|praetor)_\w+`).FindAllString(expr, -1)
		for _, name := range found {
			if !names[name] {
				t.Errorf("%s asks for %s, which no agent exposes", of, name)
			}
		}
		if len(found) == 0 && !strings.HasPrefix(expr, "up{") || strings.Count(expr, "(") != strings.Count(expr, ")") {
			t.Errorf("%s: %q", of, expr)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../packaging/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// exposed is how Prometheus sees the figures, and those that servers count of each service.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../agent/server/measure.go")
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.NewReplacer(".", "_", "-", "_")
	names := map[string]bool{"consul_runtime_alloc_bytes": true, "consul_runtime_num_goroutines": true} // go-metrics counts these by itself
	for _, name := range telemetry.Declared() {
		names[flat.Replace("consul."+name)] = true
		names[flat.Replace("consul."+name+"_count")] = true
	}
	for _, m := range regexp.MustCompile(`"(praetor\.[\w.]+)"`).FindAllStringSubmatch(string(text), -1) {
		names[flat.Replace(m[1])] = true
	}
	return names
}
