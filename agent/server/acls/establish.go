package acls

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/acl/builtin"
)

// Establish is what a new leader of the primary datacenter sees to before it answers:
// the built-in policies, the anonymous token, and the management token of the
// configuration, which closes the bootstrap (reference/security.md §1).
func (s *Service) Establish(ctx context.Context) error {
	if !s.opts.Enabled || s.Secondary() {
		return nil
	}
	if err := s.writeBuiltin(ctx); err != nil {
		return err
	}
	if err := s.writeInitial(ctx); err != nil {
		return err
	}
	if _, t := s.Store.Read().ACLToken(nil, acl.AnonymousAccessor); t == nil {
		if err := s.createToken(ctx, false, &catalog.ACLToken{
			AccessorID: acl.AnonymousAccessor, SecretID: anonymousSecret, Description: "Anonymous Token",
		}); err != nil {
			return err
		}
		s.opts.Logger.Info("Created ACL anonymous token from configuration")
	}
	return nil
}

// writeBuiltin stores the built-in policies; one that is there keeps its name, which
// an operator may have changed.
func (s *Service) writeBuiltin(ctx context.Context) error {
	for _, p := range []builtin.Policy{builtin.GlobalManagement(), builtin.GlobalReadOnly()} {
		row, verb := &catalog.ACLPolicy{ID: p.ID, Name: p.Name, Description: p.Description, Rules: p.Rules}, catalog.ACLCreate
		if _, old := s.Store.Read().ACLPolicy(nil, p.ID); old != nil {
			if old.Rules == p.Rules {
				continue
			}
			row.Name, row.Description, verb = old.Name, old.Description, catalog.ACLUpdate
		}
		if _, _, err := s.Apply(ctx, catalog.ACLPolicyCommand, &catalog.ACLPolicyWrite{Verb: verb, Policies: []*catalog.ACLPolicy{row}}); err != nil {
			return err
		}
		s.opts.Logger.Info("Created ACL '" + row.Name + "' policy")
	}
	return nil
}

func (s *Service) writeInitial(ctx context.Context) error {
	if s.opts.Initial == "" {
		return nil
	}
	tx := s.Store.Read()
	if _, t := tx.ACLTokenWithSecret(nil, s.opts.Initial); t != nil {
		return nil
	}
	if !isUUID(s.opts.Initial) {
		s.opts.Logger.Warn("Configuring a non-UUID management token is deprecated")
	}
	accessor, err := uuid.GenerateUUID()
	if err != nil {
		return err
	}
	if err := s.createToken(ctx, tx.ACLBootstrapped() == 0, &catalog.ACLToken{
		AccessorID: accessor, SecretID: s.opts.Initial, Description: "Initial Management Token", Policies: []string{builtin.GlobalManagementID},
	}); err != nil {
		return err
	}
	s.opts.Logger.Info("Bootstrapped ACL token from configuration", "description", "Initial Management Token")
	return nil
}

func (s *Service) createToken(ctx context.Context, bootstrap bool, t *catalog.ACLToken) error {
	t.Created = time.Now().UnixNano()
	_, _, err := s.Apply(ctx, catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{t}, Bootstrap: bootstrap})
	return err
}

const (
	// reapPause is how often a leader looks for tokens whose time is over; they are
	// refused from that moment on whatever it does.
	reapPause = 5 * time.Second
	// reapBatch bounds the tokens of one command.
	reapBatch = 512
)

// ExpireTokens removes tokens whose time is over while this server leads.
func (s *Service) ExpireTokens(ctx context.Context) {
	if !s.opts.Enabled {
		return
	}
	ticker := time.NewTicker(reapPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		expired := s.Store.Read().ACLTokensExpired(time.Now(), reapBatch)
		expired = slices.DeleteFunc(expired, func(t *catalog.ACLToken) bool {
			return !t.Local && s.Secondary() // the primary removes them
		})
		if len(expired) == 0 {
			continue
		}
		if _, _, err := s.Apply(ctx, catalog.ACLTokenCommand, &catalog.ACLTokenWrite{Verb: catalog.ACLDelete, Tokens: expired}); err != nil && ctx.Err() == nil {
			s.opts.Logger.Warn("remove expired tokens", "error", err)
		}
	}
}
