package licenses_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"praetor/internal/licenses"
)

var update = flag.Bool("update", false, "write licenses.txt")

// allowed are licences that let everybody use the program as Apache-2.0 does, each with
// a sentence that occurs in no other, and what rules the licence out.
var allowed = []struct{ name, has, hasNot string }{
	{"Apache-2.0", "Apache License Version 2.0", ""},
	{"MPL-2.0", "Mozilla Public License, version 2.0", ""},
	{"MPL-2.0", "Mozilla Public License Version 2.0", ""},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software", "shall be used for Good"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee", ""},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee", ""},
	{"BSD-3-Clause", "used to endorse or promote products derived from", "advertising materials mentioning"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice", "endorse or promote"},
	{"Unlicense", "This is free and unencumbered software released into the public domain", ""},
}

// refused are words of licences that forbid or demand too much; they count wherever they stand
// before the first sentence of an allowed one would.
var refused = regexp.MustCompile(`(?i)business source license|server side public license|commons clause|affero general public|gnu (lesser )?general public license,? version|elastic license`)

// licenceOf names a licence by its text; "" if it is none of the allowed ones.
func licenceOf(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for _, l := range allowed {
		if i := strings.Index(flat, l.has); i >= 0 && (l.hasNot == "" || !strings.Contains(flat, l.hasNot)) {
			// MPL-2.0 names the GPL among its secondary licences, after its own name.
			if at := refused.FindStringIndex(flat); at == nil || at[0] > i {
				return l.name
			}
		}
	}
	return ""
}

func TestLicencesOutsideTheListAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n   Version 2.0, January 2004":                                                    "Apache-2.0",
		"Mozilla Public License, version 2.0 ... GNU General Public License, Version 2.0":                 "MPL-2.0",
		"Business Source License 1.1 ... Change License: Mozilla Public License, version 2.0":             "",
		"GNU GENERAL PUBLIC LICENSE Version 3":                                                            "",
		"\"Commons Clause\" License Condition v1.0\nApache License Version 2.0":                           "",
		"Redistributions in binary form must reproduce the above copyright notice":                        "BSD-2-Clause",
		"advertising materials mentioning ... used to endorse or promote products derived from":           "",
		"Permission is hereby granted, free of charge, to any person obtaining a\ncopy of this software.": "MIT",
		"All rights reserved.": "",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
	}
}

// systems are those we release for, as far as they link different modules.
var systems = []string{"linux", "darwin", "windows", "freebsd"}

// linked are the folders of all modules in the program, by path.
func linked(t *testing.T) map[string]string {
	folders := map[string]string{}
	for _, system := range systems {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "praetor/cmd/praetor")
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if path, dir, found := strings.Cut(strings.TrimSpace(line), " "); found {
				folders[path] = dir
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders["std"] = strings.TrimSpace(string(root))
	folders["htm-preact.js"] = filepath.Join("..", "..", "ui", "static", "vendor")
	return folders
}

var legal = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|notice|unlicense)(\.(txt|md))?$`)

// textsOf are the licence and the notices of one module.
func textsOf(t *testing.T, path, dir string) (licence string, texts []string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() || !legal.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		licence = cmp.Or(licence, licenceOf(string(text)))
		lines := strings.Split(strings.ReplaceAll(string(text), "\r", ""), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " \t\f")
		}
		texts = append(texts, strings.Trim(strings.Join(lines, "\n"), "\n"))
	}
	if licence == "" {
		t.Errorf("%s: no file in %s has a licence of the allow list. Read it; if it lets everybody use the program as Apache-2.0 does, add a sentence of it to `allowed` (licenses_test.go), else do without the module", path, dir)
	}
	return licence, texts
}

func TestTextIsUpToDate(t *testing.T) {
	folders := linked(t)
	var list bytes.Buffer
	holders := map[string][]string{} // by text
	var order []string
	for _, path := range slices.Sorted(maps.Keys(folders)) {
		licence, texts := textsOf(t, path, folders[path])
		fmt.Fprintf(&list, "%-55s %s\n", path, licence)
		for _, text := range texts {
			if holders[text] == nil {
				order = append(order, text)
			}
			holders[text] = append(holders[text], path)
		}
	}
	list.WriteString("\nThe source of each, in the version that `go version -m praetor` names, is at\nhttps://pkg.go.dev/MODULE@VERSION and https://proxy.golang.org/MODULE/@v/VERSION.zip.\n")
	for _, text := range order {
		fmt.Fprintf(&list, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(holders[text], "\n"), text)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile("licenses.txt", list.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if list.String() != licenses.Text {
		t.Error("licenses.txt is not what the linked modules say: go generate ./internal/licenses")
	}
}
