package acls

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/acl/builtin"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/regular"
)

const (
	// resetFile, below the data directory of the leader, allows one more bootstrap: it
	// holds the index that the refusal named (reference/security.md §9).
	resetFile = "acl-bootstrap-reset"
	// maxResetFile bounds what is read of it, in bytes.
	maxResetFile = 64
)

func (s *Service) bootstrap(ctx context.Context, _ *acl.Authorizer, req *ops.ACLBootstrapRequest) (*ops.ACLTokenReply, error) {
	if s.Secondary() {
		return nil, errDisabled
	}
	reset := s.resetIndex()
	if done := s.Store.Read().ACLBootstrapped(); done != 0 && reset == 0 {
		return nil, fault.New(fault.Denied, "ACL bootstrap no longer allowed (reset index: %d)", done)
	}
	t := &catalog.ACLToken{
		SecretID: req.Secret, Description: "Bootstrap Token (Global Management)",
		Policies: []string{builtin.GlobalManagementID}, Created: time.Now().UnixNano(),
	}
	var err error
	if t.SecretID, err = newID("SecretID", req.Secret); err != nil {
		return nil, err
	}
	if t.AccessorID, err = uuid.GenerateUUID(); err != nil {
		return nil, err
	}
	rep, err := s.writeToken(ctx, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{t}, Bootstrap: true, ResetIndex: reset})
	if err != nil {
		return nil, err
	}
	if reset != 0 {
		if err := os.Remove(s.resetPath()); err != nil {
			s.opts.Logger.Error("cannot remove the bootstrap reset file: remove it by hand", "path", s.resetPath(), "error", err)
		}
	}
	s.opts.Logger.Info("ACL bootstrap completed")
	return rep, nil
}

func (s *Service) resetPath() string { return filepath.Join(s.opts.DataDir, resetFile) }

// resetIndex reads the reset file: 0 if there is none, or nothing useful in it.
func (s *Service) resetIndex() uint64 {
	if s.opts.DataDir == "" {
		return 0
	}
	text, err := regular.Read(s.resetPath(), maxResetFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0
	case err != nil:
		s.opts.Logger.Error("cannot read the bootstrap reset file", "path", s.resetPath(), "error", err)
		return 0
	}
	index, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		s.opts.Logger.Error("the bootstrap reset file holds no index: write the number of the refusal into it", "path", s.resetPath(), "error", err)
		return 0
	}
	return index
}
