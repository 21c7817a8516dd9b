package house_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"praetor/internal/house"
)

// build writes a module with the given files. Packages that a test says
// nothing about get a proper doc.go.
func build(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "// a comment\nmodule praetor\n\ngo 1.26\n")
	for name, text := range files {
		write(name, text)
		folder := filepath.ToSlash(filepath.Dir(name))
		if _, own := files[folder+"/doc.go"]; !own && strings.HasSuffix(name, ".go") {
			write(folder+"/doc.go", doc+"package p\n")
		}
	}
	return root
}

const doc = "// Package p is.\n//\n// # Use\n//\n// # Concurrency\n//\n// # Invariants\n//\n// # Decisions\n"

func importing(paths ...string) string {
	text := "package p\n\nimport (\n"
	for _, p := range paths {
		text += "\t_ \"" + p + "\"\n"
	}
	return text + ")\n"
}

func TestFaultsAreFound(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"a front door that imports the agent",
			map[string]string{"httpapi/a.go": importing("praetor/agent", "praetor/internal/ops", "praetor/catalog")},
			[]string{"httpapi imports agent: front doors import ops, view, rpc, catalog only; see design §1"},
		},
		{
			"a fault is told once per package",
			map[string]string{"dnsserver/a.go": importing("praetor/gossip"), "dnsserver/b.go": importing("praetor/gossip")},
			[]string{"dnsserver imports gossip: front doors import ops, view, rpc, catalog only; see design §1"},
		},
		{
			"an arrow that points up",
			map[string]string{"catalog/a.go": importing("praetor/internal/rpc", "praetor/internal/fault")},
			[]string{"catalog imports internal/rpc: the catalog imports leaves only; see design §1"},
		},
		{
			"a leaf that imports the catalog",
			map[string]string{"internal/acl/a.go": importing("praetor/catalog", "praetor/internal/fault")},
			[]string{"internal/acl imports catalog: leaves import leaves only; see design §1"},
		},
		{
			"operations with logic's helpers",
			map[string]string{"internal/ops/a.go": importing("praetor/internal/life", "praetor/internal/rpc")},
			[]string{"internal/ops imports internal/life: operations import rpc, catalog only; see design §1"},
		},
		{
			"configuration that looks at gossip",
			map[string]string{"agent/config/a.go": importing("praetor/gossip", "praetor/catalog")},
			[]string{"agent/config imports gossip: configuration imports definition and catalog only; see design §1"},
		},
		{
			"main that does things by itself",
			map[string]string{"cmd/praetor/main.go": importing("praetor/agent", "praetor/internal/cli")},
			[]string{"cmd/praetor imports agent: main only starts the CLI; see design §1"},
		},
		{
			"the agent that imports its command",
			map[string]string{"agent/a.go": importing("praetor/internal/cli", "praetor/agent/server", "praetor/ui")},
			[]string{"agent imports internal/cli: the agent imports what is below it only; see design §1"},
		},
		{
			"the test cluster that imports the commands",
			map[string]string{"internal/testcluster/a.go": importing("praetor/internal/cli", "praetor/agent", "praetor/internal/memnet")},
			[]string{"internal/testcluster imports internal/cli: the test cluster imports anything but internal/cli; see design §1"},
		},
		{
			"a tool for tests in the program",
			map[string]string{"gossip/a.go": importing("praetor/internal/memnet")},
			[]string{"gossip imports internal/memnet: it is for tests only; see design §1"},
		},
		{
			"a test that looks upstairs",
			map[string]string{"catalog/a_test.go": importing("praetor/agent/server", "praetor/catalog")},
			[]string{"catalog imports agent/server: the catalog imports leaves only; see design §1"},
		},
		{
			"a package nobody gave a floor",
			map[string]string{"internal/util/a.go": importing(), "agent/server/deep/a.go": importing()},
			[]string{
				"agent/server/deep has no floor: list it in internal/house/floors.go; see design §1",
				"internal/util has no floor: list it in internal/house/floors.go; see design §1",
			},
		},
		{
			"Consul's own source",
			map[string]string{"catalog/a_test.go": importing("github.com/hashicorp/consul/agent/structs")},
			[]string{"catalog imports github.com/hashicorp/consul/agent/structs: of Consul's modules only its api client may be used, and by the gRPC door its messages; see design §7"},
		},
		{
			"the public client inside the agent",
			map[string]string{"agent/a.go": importing("github.com/hashicorp/consul/api")},
			[]string{"agent imports github.com/hashicorp/consul/api: only commands, the doctor, top and tests speak through the public client; see design §1"},
		},
		{
			"no package comment",
			map[string]string{"gossip/doc.go": "package p\n", "gossip/a.go": "// A comment on nothing.\n\npackage p\n"},
			[]string{"gossip has 0 package comments: exactly one, in doc.go; see style §2"},
		},
		{
			"two package comments",
			map[string]string{"gossip/doc.go": doc + "package p\n", "gossip/a.go": "// Package p too.\npackage p\n"},
			[]string{"gossip has 2 package comments: exactly one, in doc.go; see style §2"},
		},
		{
			"a heading missing",
			map[string]string{"gossip/doc.go": strings.Replace(doc, "# Invariants", "Invariants", 1) + "package p\n"},
			[]string{`gossip has a package comment with the headings ["Use" "Concurrency" "Decisions"], want ["Use" "Concurrency" "Invariants" "Decisions"]; see style §2`},
		},
		{
			"a test that sleeps",
			map[string]string{"gossip/a_test.go": "package p\n\nimport \"time\"\n\nfunc f() {\n\ttime.Sleep(1)\n}\n"},
			[]string{"gossip/a_test.go:6 sleeps: wait for a condition, or use testing/synctest; see style §6"},
		},
		{
			"a test that sleeps under another name",
			map[string]string{
				"gossip/a_test.go": "package p\n\nimport clock \"time\"\n\nvar f = clock.Sleep\n",
				"gossip/b_test.go": "package p\n\nimport . \"time\"\n\nfunc g() { Sleep(1) }\n",
			},
			[]string{
				"gossip/a_test.go:5 sleeps: wait for a condition, or use testing/synctest; see style §6",
				"gossip/b_test.go:5 sleeps: wait for a condition, or use testing/synctest; see style §6",
			},
		},
		{
			"a test that sleeps beside bubbles",
			map[string]string{"gossip/a_test.go": "package p\n\nimport (\n\t\"testing\"\n\t\"testing/synctest\"\n\t\"time\"\n)\n\n" +
				"func TestBubble(t *testing.T) { synctest.Test(t, func(t *testing.T) { time.Sleep(1); nap() }) }\n" +
				"func nap() { time.Sleep(1) }\n" +
				"func bubble(t *testing.T, f func()) { synctest.Test(t, func(*testing.T) { f() }) }\n" +
				"func TestHelper(t *testing.T) { bubble(t, func() { time.Sleep(1) }) }\n" +
				"func TestReal(t *testing.T) { time.Sleep(1) }\n" +
				"func TestBoth(t *testing.T) { both(); synctest.Test(t, func(t *testing.T) { both() }) }\n" +
				"func both() { deep() }\n" +
				"func deep() { time.Sleep(1) }\n"},
			[]string{
				"gossip/a_test.go:13 sleeps: wait for a condition, or use testing/synctest; see style §6",
				"gossip/a_test.go:16 sleeps: wait for a condition, or use testing/synctest; see style §6",
			},
		},
		{
			"a context from nowhere",
			map[string]string{"gossip/a.go": "package p\n\nimport \"context\"\n\nvar a = context.Background()\nvar b = context.TODO()\n"},
			[]string{
				"gossip/a.go:5 makes a context with context.Background: take one from the caller; see style §3",
				"gossip/a.go:6 makes a context with context.TODO: take one from the caller; see style §3",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := house.Inspect(build(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
			}
		})
	}
}

func TestWhatTheRulesAllowIsNoFault(t *testing.T) {
	background := "package p\n\nimport \"context\"\n\nvar a = context.Background()\n"
	tests := []struct {
		name  string
		files map[string]string
	}{
		{"an empty module", nil},
		{"arrows that point down", map[string]string{
			"cmd/praetor/main.go":       importing("praetor/internal/cli"),
			"internal/cli/a.go":         importing("praetor/agent", "praetor/agent/config", "praetor/internal/version", "github.com/hashicorp/consul/api"),
			"agent/a.go":                importing("praetor/agent/server", "praetor/httpapi", "praetor/ui", "praetor/raftstore", "praetor/internal/life"),
			"httpapi/a.go":              importing("praetor/internal/ops", "praetor/internal/rpc", "praetor/internal/acl", "praetor/catalog"),
			"agent/server/a.go":         importing("praetor/raftstore", "praetor/gossip", "praetor/internal/ops", "praetor/internal/fault"),
			"agent/checks/a.go":         importing("praetor/internal/ops", "praetor/catalog"),
			"internal/testcluster/a.go": importing("praetor/agent", "praetor/raftstore", "praetor/internal/memnet"),
		}},
		{"tests with the tools for tests", map[string]string{
			"gossip/a_test.go":  importing("praetor/gossip", "praetor/internal/memnet", "github.com/hashicorp/consul/api"),
			"httpapi/a_test.go": importing("praetor/internal/testcluster"),
		}},
		{"a module whose name starts like ours", map[string]string{"catalog/a.go": importing("praetorian/agent")}},
		{"sleeping in a bubble", map[string]string{
			"gossip/a_test.go": "package p\n\nimport (\n\t\"testing/synctest\"\n\t\"time\"\n)\n\nfunc f() { synctest.Wait(); time.Sleep(1) }\n\nfunc g() { synctest.Test(nil, func() { f() }) }\n",
		}},
		{"something else called Sleep", map[string]string{
			"gossip/a_test.go": "package p\n\nimport \"time\"\n\nvar d time.Duration\n\nfunc f(o struct{ Sleep func() }) { o.Sleep() }\n",
		}},
		{"sleeping in the program", map[string]string{"gossip/a.go": "package p\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"}},
		{"contexts where programs and tests begin", map[string]string{
			"cmd/praetor/a.go": background, "internal/cli/a.go": background, "gossip/a_test.go": background,
		}},
		{"a context that outlives its caller's", map[string]string{
			"gossip/a.go": "package p\n\nimport \"context\"\n\nfunc f(ctx context.Context) { context.WithoutCancel(ctx) }\n",
		}},
		{"folders that are not ours", map[string]string{
			"gossip/testdata/a.go": background, "ui/node_modules/a.go": background, ".hidden/a.go": background,
			"_old/a.go": background, "nested/go.mod": "module nested\n", "nested/a.go": background,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := house.Inspect(build(t, test.files))
			if err != nil || len(got) > 0 {
				t.Errorf("got %v and\n\t%s\nwant nothing", err, strings.Join(got, "\n\t"))
			}
		})
	}
}

func TestTreesThatCannotBeReadAreErrors(t *testing.T) {
	if _, err := house.Inspect(t.TempDir()); err == nil {
		t.Error("no go.mod: no error")
	}
	if _, err := house.Inspect(build(t, map[string]string{"go.mod": "go 1.26\n"})); err == nil {
		t.Error("go.mod without a module line: no error")
	}
	if _, err := house.Inspect(build(t, map[string]string{"gossip/a.go": "package"})); err == nil {
		t.Error("a file that does not parse: no error")
	}
}
