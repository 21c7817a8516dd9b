package token_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/token"
	"praetor/httpapi"
)

var kinds = []httpapi.TokenKind{httpapi.TokenDefault, httpapi.TokenAgent, httpapi.TokenRecovery, httpapi.TokenReplication, httpapi.TokenDNS, httpapi.TokenConfigFile}

// of is the token of a kind among those in force.
func of(t config.Tokens, kind httpapi.TokenKind) string {
	return map[httpapi.TokenKind]string{
		httpapi.TokenDefault: t.Default, httpapi.TokenAgent: t.Agent, httpapi.TokenRecovery: t.AgentRecovery,
		httpapi.TokenReplication: t.Replication, httpapi.TokenDNS: t.DNS, httpapi.TokenConfigFile: t.ConfigFile,
	}[kind]
}

// TestEachKindIsSetByItself: of two kinds that were taken for one another, one would get rights
// that are not its.
func TestEachKindIsSetByItself(t *testing.T) {
	configured := config.Tokens{Default: "c-d", Agent: "c-a", AgentRecovery: "c-ar", Replication: "c-r", DNS: "c-dns", ConfigFile: "c-cf"}
	for _, kind := range kinds {
		synced := 0
		var lines bytes.Buffer
		s := token.Open("", config.ACL{EnableTokenPersistence: true, Tokens: configured}, func() { synced++ }, hclog.New(&hclog.LoggerOptions{Output: &lines}))
		if err := s.SetToken(kind, "set"); err != nil {
			t.Fatal(err)
		}
		for _, other := range kinds {
			want := of(configured, other)
			if other == kind {
				want = "set"
			}
			if got := of(s.Get(), other); got != want {
				t.Errorf("%s was set, and %s is %q, want %q", kind, other, got, want)
			}
		}
		usedBySync := slices.Contains([]httpapi.TokenKind{httpapi.TokenDefault, httpapi.TokenAgent, httpapi.TokenDNS}, kind)
		if (synced == 1) != usedBySync {
			t.Errorf("%s was set: %d syncs", kind, synced)
		}
		if log := lines.String(); !strings.Contains(log, "Updated agent's ACL token: token="+string(kind)) || strings.Contains(log, "=set") {
			t.Errorf("%s was set: the log says %s", kind, log)
		}
		if got := s.Shadowed(); !slices.Equal(got, []httpapi.TokenKind{kind}) {
			t.Errorf("%s was set: it stands before %v", kind, got)
		}
	}
}

// TestWhatIsShadowed: the agent warns of configured tokens that kept ones stand in for.
func TestWhatIsShadowed(t *testing.T) {
	for name, c := range map[string]struct {
		configured, set string
		want            int
	}{
		"another":         {"configured", "set", 1},
		"the same":        {"configured", "configured", 0},
		"none configured": {"", "set", 0},
		"one taken away":  {"configured", "", 1},
	} {
		s := token.Open("", config.ACL{Tokens: config.Tokens{Agent: c.configured}}, func() {}, hclog.NewNullLogger())
		if s.Shadowed() != nil {
			t.Errorf("%s: something is shadowed before anything is set", name)
		}
		if err := s.SetToken(httpapi.TokenAgent, c.set); err != nil {
			t.Fatal(err)
		}
		if got := s.Shadowed(); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAReloadBringsConfiguredTokensBelowThoseThatWereSet (reference/security.md §9).
func TestAReloadBringsConfiguredTokensBelowThoseThatWereSet(t *testing.T) {
	path := filepath.Join(t.TempDir(), token.File)
	s := token.Open(path, config.ACL{Tokens: config.Tokens{Default: "old", Agent: "old"}}, func() {}, hclog.NewNullLogger())
	if err := s.SetToken(httpapi.TokenAgent, "set"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it is kept though that is not wanted: %v", err)
	}
	s.Configure(config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Default: "new", Agent: "new"}})
	if got := s.Get(); got.Default != "new" || got.Agent != "set" {
		t.Errorf("in force: default %q, agent %q", got.Default, got.Agent)
	}
	if err := s.SetToken(httpapi.TokenDNS, "dns"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != `{"agent":"set","dns":"dns"}` {
		t.Errorf("kept after the reload that wants it: %s, %v", text, err)
	}
	s.Configure(config.ACL{})
	if err := s.SetToken(httpapi.TokenDNS, "other"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "other") {
		t.Errorf("kept after the reload that does not want it: %s, %v", text, err)
	}
}

// TestTheFileIsConsuls: in its order, with what was set alone, and without what was taken away
// (reference/security.md §9).
func TestTheFileIsConsuls(t *testing.T) {
	path := filepath.Join(t.TempDir(), token.File)
	s := token.Open(path, config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Default: "configured"}}, func() {}, hclog.NewNullLogger())
	for _, kind := range kinds {
		if err := s.SetToken(kind, "s-"+string(kind)); err != nil {
			t.Fatal(err)
		}
	}
	const all = `{"replication":"s-replication","agent_recovery":"s-agent_recovery","default":"s-default","agent":"s-agent","config_file_service_registration":"s-config_file_service_registration","dns":"s-dns"}`
	if text, err := os.ReadFile(path); err != nil || string(text) != all {
		t.Errorf("%s, %v\nwant %s", text, err, all)
	}
	if err := s.SetToken(httpapi.TokenDefault, ""); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "default") {
		t.Errorf("with a token taken away: %s, %v", text, err)
	}
	if got := s.Get().Default; got != "" {
		t.Errorf("the token that was taken away is %q", got)
	}
	again := token.Open(path, config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Default: "configured"}}, func() {}, hclog.NewNullLogger())
	if got := again.Get(); got.Default != "configured" || got.Replication != "s-replication" || got.ConfigFile != "s-config_file_service_registration" {
		t.Error("after a restart: not what was kept, over what is configured")
	}
}

// TestTokensOfOtherVersionsAreReadAsFarAsKnown: a file may have keys of a later one.
func TestTokensOfOtherVersionsAreReadAsFarAsKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), token.File)
	if err := os.WriteFile(path, []byte(`{"agent":"a","later":"x","Default":"capital"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := token.Open(path, config.ACL{EnableTokenPersistence: true}, func() {}, hclog.NewNullLogger())
	if got := s.Get(); got != (config.Tokens{Agent: "a"}) {
		t.Error("more is in force than the one token that is known")
	}
}
