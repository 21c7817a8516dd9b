package agent_test

import (
	"os"
	"path/filepath"
	"testing"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/httpapi"
)

func TestTokensSetThroughTheAPIOutlastARestartWhereWanted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acl-tokens.json")
	acl := config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Default: "configured", Agent: "own"}}
	synced := 0
	s, err := agent.NewTokenStore(path, acl, func() { synced++ })
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		kind   httpapi.TokenKind
		secret string
		synced int
	}{
		{httpapi.TokenDefault, "set", 1}, {httpapi.TokenDefault, "set", 1}, {httpapi.TokenDNS, "dns", 1}, {httpapi.TokenAgent, "", 2},
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
	again, err := agent.NewTokenStore(path, acl, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Get(); got.Default != "set" || got.DNS != "dns" || got.Agent != "own" {
		t.Error("after a restart: not what was kept, over what is configured")
	}
	forgetful, err := agent.NewTokenStore(path, config.ACL{Tokens: acl.Tokens}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if forgetful.Get() != acl.Tokens {
		t.Error("kept tokens were read though they are not wanted")
	}
}

func TestATokenThatCannotBeKeptIsNotUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "acl-tokens.json")
	s, err := agent.NewTokenStore(path, config.ACL{EnableTokenPersistence: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.SetToken(httpapi.TokenDefault, "set") == nil || s.Get().Default != "" {
		t.Error("used though it is not on disk")
	}
}

func TestAKeptFileThatIsBrokenIsToldWithoutItsSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acl-tokens.json")
	if err := os.WriteFile(path, []byte(`{"default":"secret`), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "read kept tokens: " + path + " is no JSON object of strings; remove it and set the tokens again"
	if _, err := agent.NewTokenStore(path, config.ACL{EnableTokenPersistence: true}, nil); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
