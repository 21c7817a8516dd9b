package token_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/token"
	"praetor/httpapi"
)

func TestTokensSetThroughTheAPIOutlastARestartWhereWanted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acl-tokens.json")
	acl := config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Default: "configured", Agent: "own"}}
	synced := 0
	s := token.Open(path, acl, func() { synced++ }, hclog.NewNullLogger())
	for _, step := range []struct {
		kind   httpapi.TokenKind
		secret string
		synced int
	}{
		{httpapi.TokenDefault, "set", 1}, {httpapi.TokenDefault, "set", 1}, {httpapi.TokenDNS, "dns", 2}, {httpapi.TokenAgent, "", 3},
	} {
		if err := s.SetToken(step.kind, step.secret); err != nil {
			t.Fatal(err)
		}
		if synced != step.synced {
			t.Errorf("after %s: %d syncs, want %d", step.kind, synced, step.synced)
		}
	}
	if got := s.Get(); got.Default != "set" || got.DNS != "dns" || got.Agent != "" {
		t.Error("the tokens in force are not those that were set")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("file: %v, %v", info, err)
	}
	again := token.Open(path, acl, nil, hclog.NewNullLogger())
	if got := again.Get(); got.Default != "set" || got.DNS != "dns" || got.Agent != "own" {
		t.Error("after a restart: not what was kept, over what is configured")
	}
	forgetful := token.Open(path, config.ACL{Tokens: acl.Tokens}, nil, hclog.NewNullLogger())
	if forgetful.Get() != acl.Tokens {
		t.Error("kept tokens were read though they are not wanted")
	}
}

func TestATokenThatCannotBeKeptIsNotUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "acl-tokens.json")
	s := token.Open(path, config.ACL{EnableTokenPersistence: true}, nil, hclog.NewNullLogger())
	if s.SetToken(httpapi.TokenDefault, "set") == nil || s.Get().Default != "" {
		t.Error("used though it is not on disk")
	}
}

// TestBrokenTokenFileDoesNotKeepTheAgentDown nor show its secrets.
func TestBrokenTokenFileDoesNotKeepTheAgentDown(t *testing.T) {
	for name, text := range map[string]string{"cut": `{"default":"secret`, "flipped": `{"default"z"secret"}`, "empty": "", "null": "null", "of other types": `{"default":["secret"]}`} {
		path := filepath.Join(t.TempDir(), "acl-tokens.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		acl := config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Default: "configured"}}
		s := token.Open(path, acl, func() {}, hclog.New(&hclog.LoggerOptions{Output: &lines}))
		if s.Get() != acl.Tokens {
			t.Errorf("%s: the tokens in force are not the configured ones", name)
		}
		if got := lines.String(); !strings.Contains(got, "[ERROR]") || !strings.Contains(got, path) || strings.Contains(got, "secret") {
			t.Errorf("%s: log %s", name, got)
		}
		kept, err := filepath.Glob(path + ".damaged-*")
		if err != nil || len(kept) != 1 {
			t.Fatalf("%s: kept %v, %v", name, kept, err)
		}
		if err := s.SetToken(httpapi.TokenDefault, "set"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFolderInTheTokenFilesPlaceIsPutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acl-tokens.json")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	s := token.Open(path, config.ACL{EnableTokenPersistence: true}, func() {}, hclog.NewNullLogger())
	if err := s.SetToken(httpapi.TokenDefault, "set"); err != nil {
		t.Error(err)
	}
}
