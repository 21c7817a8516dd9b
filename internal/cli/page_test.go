package cli_test

import (
	"os"
	"testing"

	"praetor/internal/cli"
)

const page = "../../docs/cli.md"

// TestCommandPageIsWhatTheCommandsSay keeps docs/cli.md what -h says.
func TestCommandPageIsWhatTheCommandsSay(t *testing.T) {
	got := cli.Page()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != got {
		t.Error("docs/cli.md is not what the commands say: go test ./internal/cli -run CommandPage -update")
	}
}
