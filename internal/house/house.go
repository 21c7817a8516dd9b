package house

import (
	"fmt"
	"slices"
	"strings"
)

// Inspect reads the module at root and returns a sentence per fault, sorted.
func Inspect(root string) ([]string, error) {
	m, err := load(root)
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, rule := range []func(*module) []string{floors, clientModule, packageComments, examples, sleeps, backgrounds} {
		faults = append(faults, rule(m)...)
	}
	slices.Sort(faults)
	return slices.Compact(faults), nil
}

// floors checks the imports within the module.
func floors(m *module) []string {
	var faults []string
	for _, f := range m.files {
		r, ok := roomOf(f.folder)
		if !ok {
			faults = append(faults, fmt.Sprintf("%s has no floor: list it in internal/house/floors.go; see design §1", f.folder))
			continue
		}
		for _, path := range f.imports() {
			path, ours := strings.CutPrefix(path, m.name+"/")
			if ours && path != f.folder {
				faults = append(faults, judgeImport(r, f, path)...)
			}
		}
	}
	return faults
}

func judgeImport(r room, f *file, path string) []string {
	tool := slices.Contains(testTools, path)
	switch {
	case tool && (f.test || slices.Contains(testTools, r.path)):
		return nil
	case tool:
		return []string{fmt.Sprintf("%s imports %s: it is for tests only; see design §1", f.folder, path)}
	case r.allows(path):
		return nil
	}
	return []string{fmt.Sprintf("%s imports %s: %s; see design §1", f.folder, path, r.why)}
}

// consul is where Consul's modules live; client and messages are the ones with a
// licence that lets us use them.
const (
	consul   = "github.com/hashicorp/consul"
	client   = consul + "/api"
	messages = consul + "/proto-public"
)

// clientModule checks that of Consul's modules only the public client is used,
// by commands and tests, and the messages of its gRPC services, by their door.
func clientModule(m *module) []string {
	var faults []string
	for _, f := range m.files {
		for _, path := range f.imports() {
			isConsul := path == consul || strings.HasPrefix(path, consul+"/")
			isMessages := strings.HasPrefix(path, messages+"/") && (f.folder == "internal/grpcapi" || f.test)
			isClient := path == client || strings.HasPrefix(path, client+"/")
			switch {
			case isConsul && !isClient && !isMessages:
				faults = append(faults, fmt.Sprintf("%s imports %s: of Consul's modules only its api client may be used, and by the gRPC door its messages; see design §7", f.folder, path))
			case isClient && !f.test && f.folder != "internal/cli" && f.folder != "internal/doctor" && f.folder != "internal/top" && f.folder != "internal/testcluster":
				faults = append(faults, fmt.Sprintf("%s imports %s: only commands, the doctor, top and tests speak through the public client; see design §1", f.folder, path))
			}
		}
	}
	return faults
}

// headings are what every package comment answers, in this order.
var headings = []string{"Use", "Concurrency", "Invariants", "Decisions"}

// packageComments checks that each package has one, with the headings.
func packageComments(m *module) []string {
	var folders []string
	comments := map[string][]string{}
	for _, f := range m.files {
		if f.test {
			continue
		}
		folders = append(folders, f.folder)
		if f.syntax.Doc != nil {
			comments[f.folder] = append(comments[f.folder], f.syntax.Doc.Text())
		}
	}
	var faults []string
	for _, folder := range slices.Compact(folders) {
		switch list := comments[folder]; {
		case len(list) != 1:
			faults = append(faults, fmt.Sprintf("%s has %d package comments: exactly one, in doc.go; see style §2", folder, len(list)))
		case !slices.Equal(headingsOf(list[0]), headings):
			faults = append(faults, fmt.Sprintf("%s has a package comment with the headings %q, want %q; see style §2", folder, headingsOf(list[0]), headings))
		}
	}
	return faults
}

func headingsOf(comment string) []string {
	var found []string
	for line := range strings.Lines(comment) {
		if h, ok := strings.CutPrefix(line, "# "); ok {
			found = append(found, strings.TrimSpace(h))
		}
	}
	return found
}

// backgrounds checks that contexts come from whoever calls. Where none can,
// because a library's interface has no context, a comment right above says so
// with the word "context".
func backgrounds(m *module) []string {
	var faults []string
	for _, f := range m.files {
		if f.test || f.folder == "internal/cli" || f.folder == "internal/testcluster" || strings.HasPrefix(f.folder+"/", "cmd/") {
			continue
		}
		for _, name := range []string{"Background", "TODO"} {
			for _, at := range f.uses("context", name) {
				if f.explains(m, at, "context") {
					continue
				}
				faults = append(faults, fmt.Sprintf("%s makes a context with context.%s: take one from the caller; see style §3", m.line(f, at), name))
			}
		}
	}
	return faults
}
