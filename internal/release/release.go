package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"praetor/internal/licenses"
)

// target is one system that we release for.
type target struct {
	os, arch string
	arm      string // GOARM
	packages string // the architecture as nfpm names it; "" where there are no packages
}

func (t target) name() string {
	if t.arm != "" {
		return t.os + "_" + t.arch + "v" + t.arm
	}
	return t.os + "_" + t.arch
}

func (t target) program() string {
	if t.os == "windows" {
		return "praetor.exe"
	}
	return "praetor"
}

var targets = []target{
	{"linux", "amd64", "", "amd64"},
	{"linux", "arm64", "", "arm64"},
	{"linux", "arm", "7", "arm7"},
	{"darwin", "amd64", "", ""},
	{"darwin", "arm64", "", ""},
	{"freebsd", "amd64", "", ""},
	{"windows", "amd64", "", ""},
}

// choose finds the targets that a comma-separated list names; all, if it is empty.
func choose(only string) ([]target, error) {
	if only == "" {
		return targets, nil
	}
	var list []target
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(targets, func(t target) bool { return t.name() == strings.Replace(name, "/", "_", 1) })
		if i < 0 {
			var names []string
			for _, t := range targets {
				names = append(names, strings.Replace(t.name(), "_", "/", 1))
			}
			return nil, fmt.Errorf("no release for %q: there are %s", name, strings.Join(names, ", "))
		}
		list = append(list, targets[i])
	}
	return list, nil
}

// release is one version on its way into a folder.
type release struct {
	version, commit string
	time            time.Time
	out             string
	key             string
	stage           string // what goes into archives and packages, while they are made
}

func (r *release) make(targets []target) error {
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var err error
	if r.stage, err = os.MkdirTemp("", "praetor-release"); err != nil {
		return err
	}
	defer os.RemoveAll(r.stage)
	if err := r.pages(); err != nil {
		return err
	}
	for _, t := range targets {
		began := time.Now()
		if err := r.makeTarget(t); err != nil {
			return fmt.Errorf("%s: %w", t.name(), err)
		}
		fmt.Printf("%-15s %5.1fs\n", t.name(), time.Since(began).Seconds())
	}
	return sums(r.out, r.key)
}

// hostProgram is the program of this system, in stage.
const hostProgram = "host"

// pages has a program of this system write what it is documented with.
func (r *release) pages() error {
	for _, dir := range []string{"man", "completions"} {
		if err := os.Mkdir(filepath.Join(r.stage, dir), 0o755); err != nil {
			return err
		}
	}
	program := filepath.Join(r.stage, hostProgram)
	if err := r.build(target{os: runtime.GOOS, arch: runtime.GOARCH}, program); err != nil {
		return err
	}
	man := filepath.Join(r.stage, "man")
	if _, err := output(program, "man", man); err != nil {
		return err
	}
	if err := gzipAll(man); err != nil {
		return err
	}
	for shell, around := range map[string][2]string{
		"bash": {}, "fish": {},
		// zsh reads the file when it first completes, and wants an answer then
		"zsh": {"#compdef praetor\n", "_bash_complete -o nospace -C praetor\n"},
	} {
		script, err := output(program, "completion", shell, "-program=praetor")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.stage, "completions", "praetor."+shell), []byte(around[0]+script+"\n"+around[1]), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(r.stage, "LICENSES.txt"), []byte(licenses.Text), 0o644)
}

func (r *release) build(t target, file string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file,
		"-ldflags", "-s -w -X praetor/internal/version.Praetor="+r.version+" -X praetor/internal/version.commit="+r.commit, "./cmd/praetor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOARM="+cmp.Or(t.arm, "7"), "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func (r *release) makeTarget(t target) error {
	program := filepath.Join(r.stage, t.program())
	if t.os == runtime.GOOS && t.arch == runtime.GOARCH && t.arm == "" { // it is there
		if err := os.Rename(filepath.Join(r.stage, hostProgram), program); err != nil {
			return err
		}
	} else if err := r.build(t, program); err != nil {
		return err
	}
	defer os.Remove(program)
	base := "praetor_" + r.version + "_" + t.name()
	if err := r.archive(base, t, program); err != nil {
		return err
	}
	parts, err := billOfMaterials(program, r.version, r.time)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, base+".cdx.json"), parts, 0o644); err != nil {
		return err
	}
	if t.packages == "" {
		return nil
	}
	for _, form := range []string{"deb", "rpm"} {
		if err := r.pack(t, form, filepath.Join(r.out, base+"."+form)); err != nil {
			return err
		}
	}
	return nil
}

// pack makes a deb or an rpm.
func (r *release) pack(t target, form, file string) error {
	cmd := exec.Command("go", "tool", "-modfile=packaging/tools.mod", "nfpm", "package", "--config", "packaging/nfpm.yaml", "--packager", form, "--target", file)
	cmd.Env = append(os.Environ(), "VERSION="+r.version, "NFPM_ARCH="+t.packages, "STAGE="+r.stage,
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nfpm: %w\n%s", err, out)
	}
	return nil
}
