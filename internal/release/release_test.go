package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/licenses"
)

var at = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

func TestVersionsAndSystemsAreChecked(t *testing.T) {
	for _, version := range []string{"", "v0.1.0", "0.1", "0.1.0+1", "0.1.0-", "0.1.0 -X a.b=c"} {
		if err := run(&release{version: version}, ""); err == nil || !strings.Contains(err.Error(), "is no version") {
			t.Errorf("%q: %v", version, err)
		}
	}
	if _, err := choose("linux/mips"); err == nil || !strings.Contains(err.Error(), "linux/armv7") {
		t.Error(err)
	}
	if list, err := choose("linux/armv7,windows/amd64"); err != nil || len(list) != 2 || list[0].packages != "arm7" || list[1].program() != "praetor.exe" {
		t.Error(list, err)
	}
}

// TestArchivesDoNotShowWhereAndWhenTheyWereMade makes each twice, of files of other times in
// another folder.
func TestArchivesDoNotShowWhereAndWhenTheyWereMade(t *testing.T) {
	for name, system := range map[string]target{"tar": targets[0], "zip": targets[len(targets)-1]} {
		var made [2][]byte
		for i := range made {
			r := release{version: "0.1.0", time: at, out: t.TempDir(), stage: t.TempDir()}
			for _, file := range []string{"man/praetor.1", "completions/praetor.zsh", "completions/praetor.bash", "LICENSES.txt", "praetor"} {
				path := filepath.Join(r.stage, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, at, at.Add(time.Duration(i)*time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			if err := gzipAll(filepath.Join(r.stage, "man")); err != nil {
				t.Fatal(err)
			}
			t.Chdir("../..")
			err := r.archive("base", system, filepath.Join(r.stage, "praetor"))
			t.Chdir("internal/release")
			if err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(r.out, "base.*"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			if made[i], err = os.ReadFile(files[0]); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(made[0], made[1]) {
			t.Errorf("two %s differ", name)
		}
	}
}

func TestEveryModuleIsListedWithItsLicence(t *testing.T) {
	self, err := os.Executable() // any program will do
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for path := range licenses.ByModule() {
		if path != "std" && path != "htm-preact.js" {
			info.Deps = append(info.Deps, &debug.Module{Path: path, Version: "v1.0.0+incompatible"})
		}
	}
	text, err := listParts(info, "00", "0.1.0", at)
	if err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Components) != len(licenses.ByModule()) || got.Metadata.Component.Hashes[0].Content != "00" || got.SpecVersion != "1.6" {
		t.Errorf("%d parts for %d modules: %+v", len(got.Components), len(licenses.ByModule()), got.Metadata)
	}
	var refs []string
	for _, c := range got.Components {
		if len(c.Licenses) != 1 || c.Licenses[0].License.ID == "" {
			t.Errorf("%s has no licence", c.Name)
		}
		refs = append(refs, c.Ref)
	}
	slices.Sort(refs)
	if len(slices.Compact(refs)) != len(got.Components) || !slices.Contains(refs, "pkg:golang/github.com/hashicorp/raft@v1.0.0%2Bincompatible") {
		t.Error(refs)
	}
}

func TestSumsAreSignedWhereThereIsAKey(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("needs ssh-keygen")
	}
	dir, keys := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sums(dir, ""); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil || string(list) != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n" {
		t.Errorf("%s, %v", list, err)
	}
	os.Remove(filepath.Join(dir, "SHA256SUMS"))
	key := filepath.Join(keys, "key")
	if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if err := sums(dir, key); err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys, "signers"), append([]byte("releases@praetor "), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := exec.Command(keygen, "-Y", "verify", "-f", filepath.Join(keys, "signers"), "-I", "releases@praetor", "-n", signedFor, "-s", filepath.Join(dir, "SHA256SUMS.sig"))
	verify.Stdin = bytes.NewReader(list)
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("the signature is not good: %v %s", err, out)
	}
	if err := sums(dir, filepath.Join(keys, "absent")); err == nil {
		t.Error("a key that is not there signs")
	}
}
