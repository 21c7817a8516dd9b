package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	var r release
	var only string
	flag.StringVar(&r.version, "version", "", "the version, as 0.1.0 or 0.2.0-rc1")
	flag.StringVar(&r.out, "out", "dist", "the folder that gets the files; what is in it goes")
	flag.StringVar(&only, "only", "", "these systems only, as linux/amd64,darwin/arm64")
	flag.StringVar(&r.key, "key", os.Getenv("RELEASE_KEY"), "file of an SSH key that signs SHA256SUMS; default $RELEASE_KEY")
	flag.Parse()
	if err := run(&r, only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// versionForm is semantic versioning without build metadata, which deb and rpm would change.
var versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$`)

func run(r *release, only string) error {
	if !versionForm.MatchString(r.version) {
		return fmt.Errorf("%q is no version: say it as 0.1.0 or 0.2.0-rc1 (make release VERSION=0.1.0)", r.version)
	}
	targets, err := choose(only)
	if err != nil {
		return err
	}
	if r.time, err = sourceTime(); err != nil {
		return err
	}
	if r.commit, err = output("git", "rev-parse", "--short=8", "HEAD"); err != nil {
		return err
	}
	return r.make(targets)
}

// sourceTime is the time that all files get.
func sourceTime() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		var err error
		if text, err = output("git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// output runs a command and returns what it prints.
func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
