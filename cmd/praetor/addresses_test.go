package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestNoTwoFilesShareANetwork: tests run at the same time, and every agent binds the same
// ports, so each file has networks of its own (the third number).
func TestNoTwoFilesShareANetwork(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	network := regexp.MustCompile(`127\.77\.(\d+)`)
	owner := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range network.FindAllStringSubmatch(string(text), -1) {
			if other := owner[match[1]]; other != "" && other != file {
				t.Errorf("127.77.%s is used in %s and in %s", match[1], other, file)
			}
			owner[match[1]] = file
		}
	}
}
