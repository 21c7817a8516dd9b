package house_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// TestPagesNameWhatExists: files and folders that the recipes of CONTRIBUTING.md
// and the architecture page name are in the tree.
func TestPagesNameWhatExists(t *testing.T) {
	tree := walkTree(t)
	for _, page := range []string{"CONTRIBUTING.md", "docs/architecture.md"} {
		names := namesIn(t, page)
		if len(names) < 20 {
			t.Errorf("%s names only %d files and folders: %v", page, len(names), names)
		}
		for _, name := range names {
			if !tree.has(name) {
				t.Errorf("%s names `%s`, which does not exist", page, name)
			}
		}
	}
}

// TestPagesNameTestsThatExist: what is said to be held by a test is.
func TestPagesNameTestsThatExist(t *testing.T) {
	known := map[string]bool{}
	for at := range walkTree(t).paths {
		if !strings.HasSuffix(at, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, at))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			known[m[1]] = true
		}
	}
	for page, least := range map[string]int{"docs/security.md": 50, "docs/track-record.md": 50, "docs/reliability.md": 25, "docs/scale.md": 3} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		named := testName.FindAllString(string(text), -1)
		if len(named) < least {
			t.Errorf("%s names only %d tests", page, len(named))
		}
		for _, name := range named {
			if !known[name] {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		}
	}
}

var (
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
	testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+\b`)
)

// TestArchitecturePageNamesEveryPackage: a stranger finds each room on the page.
func TestArchitecturePageNamesEveryPackage(t *testing.T) {
	names := namesIn(t, "docs/architecture.md")
	for _, folder := range slices.Sorted(maps.Keys(walkTree(t).packages)) {
		if !slices.Contains(names, folder) {
			t.Errorf("docs/architecture.md does not name `%s`: give it a row in \"Code layout\"", folder)
		}
	}
}

// tree is what the module holds: paths, the last elements of files' paths, and
// the folders with Go code.
type tree struct {
	paths, bases, packages map[string]bool
}

func walkTree(t *testing.T) tree {
	t.Helper()
	found := tree{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		found.paths[name] = true
		if d.IsDir() {
			return nil
		}
		found.bases[d.Name()] = true
		if path.Base(name) == "doc.go" || name == "cmd/praetor/main.go" {
			found.packages[path.Dir(name)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (t tree) has(name string) bool {
	if strings.Contains(name, "/") {
		return t.paths[name]
	}
	return t.paths[name] || t.bases[name]
}

var (
	quoted = regexp.MustCompile("`([^`\n]+)`")
	braces = regexp.MustCompile(`^(.*)\{(.*)\}(.*)$`)
	isPath = regexp.MustCompile(`^[\w./-]+$`)
	member = regexp.MustCompile(`\.[A-Z]\w*$`) // life.Group
	suffix = regexp.MustCompile(`\.(go|md|txt|form)$`)
	rooms  = regexp.MustCompile(`^(agent|catalog|cmd|dnsserver|docs|gossip|httpapi|internal|raftstore|scripts|ui)(/|$)`)
)

// namesIn returns the files and folders of the module that a page names: quoted
// names that begin with a folder of the root, or that end as a source file does.
func namesIn(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
		for _, name := range unfold(m[1]) {
			name = strings.TrimSuffix(name, "/")
			if !suffix.MatchString(name) {
				name = member.ReplaceAllString(name, "")
			}
			if isPath.MatchString(name) && (rooms.MatchString(name) || suffix.MatchString(name)) {
				names = append(names, name)
			}
		}
	}
	return names
}

// unfold writes a{b,c} as ab, ac.
func unfold(name string) []string {
	m := braces.FindStringSubmatch(name)
	if m == nil {
		return []string{name}
	}
	var all []string
	for middle := range strings.SplitSeq(m[2], ",") {
		all = append(all, m[1]+middle+m[3])
	}
	return all
}
