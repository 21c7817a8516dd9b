package token

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/httpapi"
	"praetor/internal/durable"
	"praetor/internal/regular"
)

// File keeps tokens that were set through the API (reference/internals.md
// §12). It is for the agent's user alone.
const File = "acl-tokens.json"

// Store holds the secrets that the agent itself uses: those of the
// configuration, and over them those that were set through the API. It never
// shows one but to who asks for it.
type Store struct {
	path    string // "" without a data folder
	changed func() // a token that the agent itself uses is another
	logger  hclog.Logger

	mu         sync.Mutex
	persist    bool
	configured config.Tokens
	set        map[httpapi.TokenKind]string
}

// Open reads what was kept. The store keeps changes only where persist
// is set. A damaged file is put aside: the agent starts with the tokens of its
// configuration.
func Open(path string, acl config.ACL, changed func(), logger hclog.Logger) *Store {
	s := &Store{path: path, changed: changed, logger: logger, persist: acl.EnableTokenPersistence, configured: acl.Tokens, set: map[httpapi.TokenKind]string{}}
	if !s.persist || path == "" {
		return s
	}
	set, err := readTokens(path)
	switch {
	case err == nil:
		s.set = set
	case !errors.Is(err, os.ErrNotExist):
		kept, aside := regular.PutAside(path)
		logger.Error("Tokens that were set through the API are lost: set them again", "error", errors.Join(err, aside), "kept", kept)
	}
	return s
}

// maxTokenFile is far more than the file can hold, in bytes.
const maxTokenFile = 1 << 20

func readTokens(path string) (set map[httpapi.TokenKind]string, err error) {
	text, err := regular.Read(path, maxTokenFile)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &set); err != nil || set == nil {
		// The decoder's own words would show a piece of a secret.
		return nil, fmt.Errorf("%s is no JSON object of strings", path)
	}
	return set, nil
}

// Shadowed names the configured tokens that kept ones stand in for.
func (s *Store) Shadowed() []httpapi.TokenKind {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []httpapi.TokenKind
	for kind, secret := range byKind(&s.configured) {
		if own, ok := s.set[kind]; ok && *secret != "" && !sameSecret(own, *secret) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Get returns every token in force.
func (s *Store) Get() config.Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inForceLocked()
}

func (s *Store) inForceLocked() config.Tokens {
	tokens := s.configured
	for kind, secret := range byKind(&tokens) {
		if own, ok := s.set[kind]; ok {
			*secret = own
		}
	}
	return tokens
}

// byKind points at the tokens that can be set.
func byKind(t *config.Tokens) map[httpapi.TokenKind]*string {
	return map[httpapi.TokenKind]*string{
		httpapi.TokenDefault: &t.Default, httpapi.TokenAgent: &t.Agent, httpapi.TokenRecovery: &t.AgentRecovery,
		httpapi.TokenReplication: &t.Replication, httpapi.TokenDNS: &t.DNS, httpapi.TokenConfigFile: &t.ConfigFile,
	}
}

// Configure takes over what a reload brought. Tokens set through the API stay.
func (s *Store) Configure(acl config.ACL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured, s.persist = acl.Tokens, acl.EnableTokenPersistence
}

// SetToken implements httpapi.Tokens. If the token cannot be kept it is not
// used either.
func (s *Store) SetToken(kind httpapi.TokenKind, secret string) error {
	changed, err := s.replace(kind, secret)
	if err != nil {
		return err
	}
	s.logger.Info("Updated agent's ACL token", "token", string(kind))
	if changed {
		s.changed()
	}
	return nil
}

func (s *Store) replace(kind httpapi.TokenKind, secret string) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := maps.Clone(s.set)
	set[kind] = secret
	if s.persist && s.path != "" {
		if err := keepTokens(s.path, set); err != nil {
			return false, err
		}
	}
	before := s.inForceLocked()
	s.set = set
	after := s.inForceLocked()
	return !sameSecret(before.Default, after.Default) || !sameSecret(before.Agent, after.Agent) || !sameSecret(before.DNS, after.DNS), nil
}

// sameSecret takes as long whatever the secrets have in common.
func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// kept is the file, in the order in which Consul writes it (reference/security.md §9).
type kept struct {
	Replication string `json:"replication,omitempty"`
	Recovery    string `json:"agent_recovery,omitempty"`
	Default     string `json:"default,omitempty"`
	Agent       string `json:"agent,omitempty"`
	ConfigFile  string `json:"config_file_service_registration,omitempty"`
	DNS         string `json:"dns,omitempty"`
}

// keepTokens writes the file whole or not at all. A token that was taken away is
// not kept: after a restart the configured one is back.
func keepTokens(path string, set map[httpapi.TokenKind]string) error {
	text, err := json.Marshal(kept{
		set[httpapi.TokenReplication], set[httpapi.TokenRecovery], set[httpapi.TokenDefault],
		set[httpapi.TokenAgent], set[httpapi.TokenConfigFile], set[httpapi.TokenDNS],
	})
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	return nil
}

var _ httpapi.Tokens = (*Store)(nil)
