package config_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"praetor/agent/config"
)

const page = "../../docs/configuration.md"

// TestConfigurationPageListsEveryKeyAndFlag keeps the page what the code says.
func TestConfigurationPageListsEveryKeyAndFlag(t *testing.T) {
	got := configurationPage()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != got {
		t.Error("docs/configuration.md is not what the code says: go test ./agent/config -run ConfigurationPage -update")
	}
}

// part is one heading of the page: top-level keys, or a block.
type part struct {
	name  string
	block bool
	keys  []config.Key
}

// partsOfThePage has the blocks below the part in which they are named. Keys that
// another block explains are left out.
func partsOfThePage() []part {
	var parts, blocks []part
	skip := ""
	keys, err := config.Reference()
	if err != nil {
		panic(err)
	}
	for _, k := range keys {
		if skip != "" && strings.HasPrefix(k.Name, skip) {
			continue
		}
		skip = ""
		if k.Head != "" {
			parts, blocks = append(parts, blocks...), nil
			parts = append(parts, part{name: k.Head})
		}
		if top, _, inside := strings.Cut(k.Name, "."); inside {
			if n := len(blocks); n == 0 || blocks[n-1].name != top {
				blocks = append(blocks, part{name: top, block: true})
			}
			blocks[len(blocks)-1].keys = append(blocks[len(blocks)-1].keys, k)
		} else {
			for i := len(parts) - 1; ; i-- {
				if !parts[i].block {
					parts[i].keys = append(parts[i].keys, k)
					break
				}
			}
		}
		if k.Like != "" {
			skip = k.Name + "."
		}
	}
	return append(parts, blocks...)
}

// link leads to a heading as GitHub names it.
func (p part) link() string { return linkTo(p.name, p.block) }

func linkTo(name string, block bool) string {
	anchor := strings.NewReplacer(" ", "-", ",", "").Replace(strings.ToLower(name))
	if block {
		name = "`" + name + "`"
	}
	return "[" + name + "](#" + anchor + ")"
}

func (p part) write(b *strings.Builder, example string) {
	head := "## " + p.name
	if p.block {
		head = "### `" + p.name + "`"
	}
	fmt.Fprintf(b, "\n%s\n\n", head)
	if example != "" {
		fmt.Fprintf(b, "```hcl\n%s```\n\n", example)
	}
	b.WriteString("| key | type | default | | meaning |\n|---|---|---|---|---|\n")
	for _, k := range p.keys {
		mark, meaning, value := "", k.Help, k.Default
		if k.Reloadable {
			mark = "R"
		}
		if !k.Served {
			mark = "–"
		}
		_, top, inside := strings.Cut(k.Name, ".")
		if !inside {
			top = k.Name
		}
		switch {
		case k.Like != "":
			block, _, _ := strings.Cut(k.Like, ".")
			meaning = strings.TrimPrefix(meaning+"; ", "; ") + "the keys of `" + k.Like + "`, see " + linkTo(block, true)
		case !inside && (k.Type == "object" || k.Name == "services" || k.Name == "checks"):
			block := k.Name
			if block == "service" || block == "check" {
				block += "s" // one of them
			}
			meaning = strings.TrimPrefix(meaning+"; ", "; ") + "see " + linkTo(block, true)
		}
		if value != "" {
			value = "`" + value + "`"
		}
		if k.Since != "0.1.0" {
			meaning += " (since " + k.Since + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", top, k.Type, value, mark, meaning)
	}
}

// examplesOfThePage reads the page's examples, each below "#### " and the part
// that it stands in.
func examplesOfThePage() map[string]string {
	text, err := os.ReadFile("testdata/examples.hcl")
	if err != nil {
		panic(err)
	}
	examples := map[string]string{}
	for _, example := range strings.Split(string(text), "#### ")[1:] {
		name, body, _ := strings.Cut(example, "\n")
		examples[name] = strings.TrimSpace(body) + "\n"
	}
	return examples
}

// TestEachPartOfTheConfigurationPageHasAnExampleThatIsValid checks the examples as
// `praetor validate` would.
func TestEachPartOfTheConfigurationPageHasAnExampleThatIsValid(t *testing.T) {
	examples := examplesOfThePage()
	for _, p := range partsOfThePage() {
		served := slices.ContainsFunc(p.keys, func(k config.Key) bool {
			return k.Served && !strings.HasPrefix(k.Help, "deprecated") && !strings.HasPrefix(k.Help, "accepted and ignored") && k.Type != "object"
		})
		example, has := examples[p.name]
		delete(examples, p.name)
		if has != served {
			t.Errorf("%s: an example is there: %t, wanted: %t", p.name, has, served)
		}
		if !has {
			continue
		}
		_, warnings, err := config.Load(&config.Flags{HCL: []string{"data_dir = \"" + t.TempDir() + "\"\n" + example}})
		if err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, example)
		}
		for _, w := range warnings {
			if strings.Contains(w, "not in this version") || strings.Contains(w, "no effect") || strings.Contains(w, "deprecated") {
				t.Errorf("%s: %s", p.name, w)
			}
		}
	}
	for name := range examples {
		t.Errorf("an example for %q, which is no part of the page", name)
	}
}

func configurationPage() string {
	var b strings.Builder
	b.WriteString(`# Configuration

An agent reads built-in defaults, then flags that are lists, then each ` + "`-config-file` and `-config-dir`" + ` in the order given
(in a folder: every ` + "`*.hcl` and `*.json`" + `, by name), then the other flags, then ` + "`-hcl`" + ` fragments. Later values win; lists add up.
` + "`praetor validate PATH`" + ` reports every fault with its file and key. Unknown keys are faults.

Durations are text with a unit (` + "`\"90s\"`, `\"1h30m\"`" + `). Addresses may hold go-sockaddr templates (` + "`{{ GetPrivateIP }}`" + `). What Consul's
defaults are, Praetor's are, but for ` + "`performance.raft_multiplier`" + `, which is 1: a dead leader is replaced within a second.

Settings that ask for security that this version cannot enforce keep an agent from starting, with a line for each (` + "`praetor validate`" + ` warns):
` + "`auto_config`" + `. An empty text is as if the key were not there, but for ` + "`datacenter`, `bind_addr`, `data_dir`, `client_addr`" + ` (no listeners) and durations.

Marks: **R** applied by ` + "`praetor reload`" + ` and SIGHUP. **–** accepted, with a warning, but without effect in this version.
A default is what an agent without any configuration has; where none stands, the key is not set. Every key is known since version 0.1.0 unless its row says otherwise.
`)
	parts := partsOfThePage()
	for _, p := range parts {
		if !p.block {
			b.WriteString("\n- " + p.link())
		} else {
			b.WriteString(" · " + p.link())
		}
	}
	b.WriteString("\n- [Flags](#flags-of-praetor-agent)\n")
	examples := examplesOfThePage()
	for _, p := range parts {
		p.write(&b, examples[p.name])
	}
	b.WriteString("\n## Flags of `praetor agent`\n\n| flag | meaning |\n|---|---|\n")
	fs := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	(&config.Flags{}).Register(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		fmt.Fprintf(&b, "| `-%s` | %s |\n", f.Name, strings.ReplaceAll(strings.Join(strings.Fields(f.Usage), " "), "|", "\\|"))
	})
	return b.String()
}
