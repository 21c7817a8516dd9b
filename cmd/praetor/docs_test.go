package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// docs holds every page users read.
var docs = []string{"../../README.md", "../../docs/getting-started.md", "../../docs/deploying.md", "../../docs/migrating.md", "../../docs/dns.md",
	"../../docs/troubleshooting.md", "../../docs/upgrading.md", "../../docs/security.md", "../../docs/checks.md", "../../docs/telemetry.md"}

// commands gives the indented lines of a page that run a program, a
// continuation joined to its line.
func commands(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	open := false // inside a quoted argument
	for line := range strings.Lines(string(text)) {
		body, indented := strings.CutPrefix(line, "    ")
		switch {
		case open:
			list[len(list)-1] += strings.TrimRight(line, "\n")
		case indented && regexp.MustCompile(`^(praetor|curl|dig) `).MatchString(body):
			list = append(list, strings.TrimRight(body, "\n"))
		default:
			continue
		}
		open = strings.Count(list[len(list)-1], "'")%2 == 1
	}
	return list
}

// TestGuidesRun runs the commands of the tutorial and of the guide to DNS, in order.
func TestGuidesRun(t *testing.T) {
	t.Parallel()
	t.Run("getting started", func(t *testing.T) { runGuide(t, "127.77.7.1", docs[1]) })
	t.Run("dns", func(t *testing.T) { runGuide(t, "127.77.7.2", docs[4]) })
}

func runGuide(t *testing.T, ip, page string) {
	n := newNode(t, "tutorial", ip, "-dev").start()
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "tutorial", "passing") })
	for _, command := range commands(t, page) {
		program, _, _ := strings.Cut(command, " ")
		if strings.HasPrefix(command, "praetor agent") || strings.Contains(command, "index=17") {
			continue // the agent runs already; and no change is under way
		}
		if _, err := exec.LookPath(program); err != nil && program != "praetor" {
			t.Logf("not run, this machine has no %s: %s", program, command)
			continue
		}
		command = strings.NewReplacer("127.0.0.1:8500", n.ip+":8500", "@127.0.0.1", "@"+n.ip).Replace(command)
		sh := exec.Command("sh", "-c", command)
		sh.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "CONSUL_HTTP_ADDR="+n.ip+":8500")
		out, err := sh.CombinedOutput()
		if err != nil || strings.Contains(string(out), "rror") && program != "dig" || program == "dig" && !strings.Contains(string(out), "ANSWER SECTION") {
			t.Errorf("%s\n%v\n%s", command, err, out)
		}
	}
}

// TestExampleOfChecksLoads has the guide's configuration checked.
func TestExampleOfChecksLoads(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"../../docs/checks.md", "../../docs/telemetry.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, example, _ := strings.Cut(string(text), "```hcl\n")
		example, _, found := strings.Cut(example, "```")
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "example.hcl"), example)
		writeFile(t, filepath.Join(dir, "rest.hcl"), fmt.Sprintf("data_dir = %q", dir))
		if out, errs, code := runCLI(t, nil, "validate", dir); code != 0 || !found {
			t.Errorf("%s: code %d\n%s%s", page, code, out, errs)
		}
	}
}

// TestExampleOfChecksStartsAnAgent: it held a check that keeps an agent from starting
// on anything but Windows.
func TestExampleOfChecksStartsAnAgent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```hcl\n")
	example, _, _ = strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "example.hcl")
	writeFile(t, file, example)
	n := newNode(t, "docs", "127.77.7.3", "-dev", "-config-file="+file).start()
	waitFor(t, "the example's checks at the agent", 20*time.Second, func() error {
		var checks map[string]any
		err := n.get("/v1/agent/checks", &checks)
		if want := strings.Count(example, "{ id ="); err == nil && len(checks) != want {
			err = fmt.Errorf("%d checks, want %d", len(checks), want)
		}
		return err
	})
}

// TestCommandsInTheDocsAreUnderstood gives every praetor command of the docs
// to the program and wants no word about unknown commands or flags. Agents
// are only asked for help: their flags come first all the same.
func TestCommandsInTheDocsAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, page := range docs {
		for _, command := range commands(t, page) {
			words := strings.Fields(command)
			if words[0] != "praetor" {
				continue
			}
			_, errs, code := runCLI(t, []string{"CONSUL_HTTP_ADDR=127.0.0.1:1"}, append(words[1:], "-bogus")...)
			if words[1] == "agent" && !strings.HasPrefix(errs, "flag provided but not defined: -bogus\n") {
				t.Errorf("%s: %s: code %d, %.200s", page, command, code, errs)
			}
			if code == 127 || strings.HasPrefix(errs, "flag provided but not defined") && !strings.Contains(errs, "-bogus") {
				t.Errorf("%s: %s: code %d, %.200s", page, command, code, errs)
			}
		}
	}
}

// TestConfigurationInTheDocsIsValid checks the HCL of the deploying page.
func TestConfigurationInTheDocsIsValid(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(docs[2])
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)(^    \w+ += .*\n)+`).FindString(string(text))
	if strings.Count(block, "\n") < 3 {
		t.Fatalf("no block of settings found: %q", block)
	}
	// A template needs a private address, which not every machine has.
	block = strings.ReplaceAll(block, "{{ GetPrivateIP }}", "10.0.0.1")
	file := filepath.Join(t.TempDir(), "page.hcl")
	writeFile(t, file, block)
	if out, errs, code := runCLI(t, nil, "validate", file); code != 0 {
		t.Errorf("%d %s%s\n%s", code, out, errs, block)
	}
}
