package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheTimeOfTheSourceIsOfTheEnvironmentOrTheCommit: reproducible builds set the first.
func TestTheTimeOfTheSourceIsOfTheEnvironmentOrTheCommit(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	if got, err := sourceTime(); err != nil || !got.Equal(time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("%s, %v", got, err)
	}
	for _, text := range []string{"yesterday", "1.5", "2023-11-14"} {
		t.Setenv("SOURCE_DATE_EPOCH", text)
		if got, err := sourceTime(); err == nil || !strings.HasPrefix(err.Error(), "SOURCE_DATE_EPOCH: ") {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}

func TestWhatCommandsPrintAndThatTheyFail(t *testing.T) {
	if got, err := output("echo", "a", "b"); err != nil || got != "a b" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := output("false", "x"); err == nil || err.Error() != "false x: exit status 1" {
		t.Errorf("one that fails: %v", err)
	}
	if _, err := output("/no/such/program"); err == nil || !os.IsNotExist(err) && !strings.Contains(err.Error(), "no such file") {
		t.Errorf("one that is not there: %v", err)
	}
}

// TestNamesOfTargets: what is released is named as users look for it.
func TestNamesOfTargets(t *testing.T) {
	var names, programs, packages []string
	for _, one := range targets {
		names = append(names, one.name())
		if one.program() != "praetor" {
			programs = append(programs, one.name()+" "+one.program())
		}
		if one.packages != "" {
			packages = append(packages, one.name()+" "+one.packages)
		}
	}
	if got := strings.Join(names, " "); got != "linux_amd64 linux_arm64 linux_armv7 darwin_amd64 darwin_arm64 freebsd_amd64 windows_amd64" {
		t.Errorf("targets: %s", got)
	}
	if !slices.Equal(programs, []string{"windows_amd64 praetor.exe"}) || !slices.Equal(packages, []string{"linux_amd64 amd64", "linux_arm64 arm64", "linux_armv7 arm7"}) {
		t.Errorf("programs of another name: %q; packages: %q", programs, packages)
	}
	if all, err := choose(""); err != nil || len(all) != len(targets) {
		t.Errorf("of nothing %d are chosen, %v", len(all), err)
	}
	for _, only := range []string{"linux", "linux/arm", "Linux/amd64", "linux/amd64,", " linux/amd64"} {
		if list, err := choose(only); err == nil || !strings.HasPrefix(err.Error(), "no release for ") {
			t.Errorf("%q: %v, %v", only, list, err)
		}
	}
}

// staged is a release whose stage has what archives are made of.
func staged(t *testing.T) *release {
	t.Helper()
	r := &release{version: "0.1.0", time: at, out: t.TempDir(), stage: t.TempDir()}
	for _, file := range []string{"man/praetor.1.gz", "completions/praetor.zsh", "completions/praetor.bash", "LICENSES.txt", "praetor"} {
		path := filepath.Join(r.stage, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// TestWhatIsInAnArchive: everything is below one folder, and only the program can be run.
func TestWhatIsInAnArchive(t *testing.T) {
	shared := []string{"LICENSE 644", "LICENSES.txt 644", "README.md 644", "completions/praetor.bash 644", "completions/praetor.zsh 644", "man/praetor.1.gz 644"}
	for name, want := range map[string][]string{
		"linux_amd64":   append([]string{"praetor 755", "systemd/praetor.hcl 644", "systemd/praetor.service 644"}, shared...),
		"darwin_arm64":  append([]string{"praetor 755"}, shared...),
		"windows_amd64": append([]string{"praetor.exe 755"}, shared...),
	} {
		r := staged(t)
		system := targets[slices.IndexFunc(targets, func(one target) bool { return one.name() == name })]
		t.Chdir("../..")
		err := r.archive("base", system, filepath.Join(r.stage, "praetor"))
		t.Chdir("internal/release")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		program := ""
		note := func(path string, mode int64, when time.Time, content io.Reader) {
			below, ok := strings.CutPrefix(path, "base/")
			if !ok || !when.UTC().Equal(at) {
				t.Errorf("%s: %s of %s", name, path, when)
			}
			got = append(got, below+" "+map[int64]string{0o755: "755", 0o644: "644"}[mode])
			if text, err := io.ReadAll(content); err != nil {
				t.Error(err)
			} else if strings.HasPrefix(below, "praetor") {
				program = string(text)
			}
		}
		if name == "windows_amd64" {
			packed, err := zip.OpenReader(filepath.Join(r.out, "base.zip"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range packed.File {
				content, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				note(f.Name, int64(f.Mode().Perm()), f.Modified, content)
				content.Close()
			}
			packed.Close()
		} else {
			file, err := os.Open(filepath.Join(r.out, "base.tar.gz"))
			if err != nil {
				t.Fatal(err)
			}
			unzipped, err := gzip.NewReader(file)
			if err != nil {
				t.Fatal(err)
			}
			for in := tar.NewReader(unzipped); ; {
				head, err := in.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if head.Uid != 0 || head.Gid != 0 || head.Uname != "" {
					t.Errorf("%s: %s belongs to %d %q", name, head.Name, head.Uid, head.Uname)
				}
				note(head.Name, head.Mode, head.ModTime, in)
			}
			file.Close()
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || program != "content of praetor" {
			t.Errorf("%s: %q, want %q; the program is %q", name, got, want, program)
		}
	}
}

// TestArchivesOfWhatIsMissingAreNotMade: half a release is none.
func TestArchivesOfWhatIsMissingAreNotMade(t *testing.T) {
	for _, missing := range []string{"praetor", "LICENSES.txt", "man", "completions"} {
		for _, system := range []target{targets[0], targets[len(targets)-1]} {
			r := staged(t)
			if err := os.RemoveAll(filepath.Join(r.stage, missing)); err != nil {
				t.Fatal(err)
			}
			t.Chdir("../..")
			err := r.archive("base", system, filepath.Join(r.stage, "praetor"))
			t.Chdir("internal/release")
			if err == nil || !strings.Contains(err.Error(), missing) {
				t.Errorf("%s without %s: %v", system.name(), missing, err)
			}
		}
	}
	if _, err := billOfMaterials(filepath.Join(t.TempDir(), "none"), "0.1.0", at); err == nil {
		t.Error("parts of a program that is not there are listed")
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := billOfMaterials(text, "0.1.0", at); err == nil {
		t.Error("parts of a text are listed")
	}
}

// TestTheListOfPartsNamesTheProgram by its sum, so that it is of these bytes and no others.
func TestTheListOfPartsNamesTheProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := billOfMaterials(self, "0.2.0-rc1", at)
	if err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	c := got.Metadata.Component
	if c.Version != "0.2.0-rc1" || c.PURL != "pkg:generic/praetor@0.2.0-rc1" || len(c.Hashes) != 1 || c.Hashes[0].Algorithm != "SHA-256" || len(c.Hashes[0].Content) != 64 || got.Metadata.Timestamp != "2026-11-29T00:00:00Z" {
		t.Errorf("%+v", got.Metadata)
	}
	again, err := billOfMaterials(self, "0.2.0-rc1", at)
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("a second list is another, %v", err)
	}
}

// TestManPagesArePackedOnce, and what is packed already is left.
func TestManPagesArePackedOnce(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.1": "page a", "b.1.gz": "packed before"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := gzipAll(dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 || files[0].Name() != "a.1.gz" || files[1].Name() != "b.1.gz" {
		t.Fatalf("%v, %v", files, err)
	}
	packed, err := os.Open(filepath.Join(dir, "a.1.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unzipped); err != nil || string(text) != "page a" || !unzipped.ModTime.IsZero() || unzipped.Name != "" {
		t.Errorf("%q, %v, of %s %q", text, err, unzipped.ModTime, unzipped.Name)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "b.1.gz")); err != nil || string(kept) != "packed before" {
		t.Errorf("what was packed before: %q, %v", kept, err)
	}
	if err := gzipAll(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there is packed")
	}
}
