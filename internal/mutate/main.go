package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	n := flag.Int("n", 50, "how many changes to try")
	seed := flag.Uint64("seed", 1, "seed of the choice of changes")
	limit := flag.Duration("timeout", 2*time.Minute, "longest run of a package's tests; a change that makes them hang is caught")
	flag.Parse()
	if err := run(*n, *seed, *limit, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(n int, seed uint64, limit time.Duration, packages []string) error {
	var all []change
	for _, dir := range packages {
		found, err := changesIn(dir)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	random := rand.New(rand.NewPCG(seed, seed))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	tried, caught := 0, 0
	for _, c := range all {
		if tried == n {
			break
		}
		verdict, err := c.try(limit)
		if err != nil {
			return err
		}
		if verdict == doesNotCompile {
			continue
		}
		tried++
		if verdict == testsFail {
			caught++
		}
		fmt.Printf("%-7s %s\n", verdict, c)
	}
	fmt.Printf("%d of %d changes caught\n", caught, tried)
	return nil
}

type verdict string

const (
	doesNotCompile verdict = "-"
	testsFail      verdict = "caught"
	testsPass      verdict = "MISSED"
)

// try runs the tests of a change's package with the change in place.
func (c change) try(limit time.Duration) (verdict, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := c.overlay(dir)
	if err != nil {
		return "", err
	}
	pkg := "./" + filepath.ToSlash(filepath.Dir(c.file))
	if exec.Command("go", "build", "-overlay", overlay, pkg).Run() != nil {
		return doesNotCompile, nil
	}
	test := exec.Command("go", "test", "-overlay", overlay, "-timeout", limit.String(), pkg)
	if test.Run() != nil {
		return testsFail, nil
	}
	return testsPass, nil
}

// overlay writes the changed file, and the file that tells the go command of it,
// to dir.
func (c change) overlay(dir string) (string, error) {
	text, err := os.ReadFile(c.file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, "changed.go")
	text = []byte(string(text[:c.from]) + c.with + string(text[c.to:]))
	if err := os.WriteFile(changed, text, 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(c.file)
	if err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

func (c change) String() string {
	return fmt.Sprintf("%s:%d: %s", filepath.ToSlash(c.file), c.line, strings.Join(strings.Fields(c.what), " "))
}
