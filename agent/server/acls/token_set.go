package acls

import (
	"context"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

// minTTL is how long a token must live at least.
const minTTL = time.Minute

func (s *Service) tokenSet(ctx context.Context, _ *acl.Authorizer, req *ops.ACLTokenSetRequest) (*ops.ACLTokenReply, error) {
	t, tx := req.Given.Row, s.Store.Read()
	if req.Create {
		if err := prepareNew(tx, &t, req.Given.ExpirationTTL); err != nil {
			return nil, err
		}
		if t.AuthMethod != "" {
			return nil, rejected("AuthMethod field is disallowed outside of login")
		}
		return s.storeToken(ctx, tx, catalog.ACLCreate, &t, &req.Given)
	}
	if !isUUID(t.AccessorID) {
		return nil, rejected("AccessorID is not a valid UUID")
	}
	_, old := tx.ACLToken(nil, t.AccessorID)
	if old == nil || old.HasExpired(time.Now()) {
		return nil, rejected("Cannot find token %q", t.AccessorID)
	}
	if err := keepFixed(&t, old, req.Given.ExpirationTTL); err != nil {
		return nil, err
	}
	return s.storeToken(ctx, tx, catalog.ACLUpdate, &t, &req.Given)
}

// prepareNew chooses what the caller left to the server, and refuses what he may not
// choose.
func prepareNew(tx *catalog.Tx, t *catalog.ACLToken, ttl time.Duration) (err error) {
	if t.AccessorID, err = newID("AccessorID", t.AccessorID); err != nil {
		return err
	}
	if t.SecretID, err = newID("SecretID", t.SecretID); err != nil {
		return err
	}
	if _, other := tx.ACLToken(nil, t.AccessorID); other != nil {
		return rejected("Invalid Token: AccessorID is already in use")
	}
	if _, other := tx.ACLTokenWithSecret(nil, t.SecretID); other != nil {
		return rejected("Invalid Token: SecretID is already in use")
	}
	t.Created = time.Now().UnixNano()
	return setExpiry(t, ttl)
}

func newID(field, given string) (string, error) {
	if given == "" {
		return uuid.GenerateUUID()
	}
	return given, checkNewID(field, given)
}

func setExpiry(t *catalog.ACLToken, ttl time.Duration) error {
	switch {
	case ttl < 0:
		return rejected("Token Expiration TTL '%s' should be > 0", ttl)
	case ttl > 0 && t.Expires != 0:
		return rejected("Token Expiration TTL and Expiration Time cannot both be set")
	case ttl > 0:
		t.Expires = t.Created + int64(ttl)
	case t.Expires == 0:
		return nil
	}
	switch left := time.Duration(t.Expires - t.Created); {
	case left <= 0:
		return rejected("ExpirationTime cannot be before CreateTime")
	case left < minTTL:
		return rejected("ExpirationTime cannot be less than %s in the future (was %s)", minTTL, left)
	}
	return nil
}

// keepFixed takes over what an update must not change, and refuses one that tries.
func keepFixed(t, old *catalog.ACLToken, ttl time.Duration) error {
	switch {
	case t.SecretID != "" && t.SecretID != old.SecretID:
		return rejected("Changing a token's SecretID is not permitted")
	case t.Local != old.Local:
		return rejected("Cannot toggle local mode of %s", old.AccessorID)
	case t.AuthMethod != "" && t.AuthMethod != old.AuthMethod:
		return rejected("Cannot change AuthMethod of %s", old.AccessorID)
	case t.Expires != 0 && t.Expires != old.Expires, ttl != 0 && old.Created+int64(ttl) != old.Expires:
		return rejected("Cannot change expiration time of %s", old.AccessorID)
	}
	t.AccessorID, t.SecretID, t.AuthMethod, t.Expires, t.Created = old.AccessorID, old.SecretID, old.AuthMethod, old.Expires, old.Created
	return nil
}

func (s *Service) storeToken(ctx context.Context, tx *catalog.Tx, verb catalog.ACLVerb, t *catalog.ACLToken, given *ops.ACLToken) (_ *ops.ACLTokenReply, err error) {
	if t.Roles, err = roles.ids(tx, given.Roles); err != nil {
		return nil, err
	}
	if t.Policies, err = policies.ids(tx, given.Policies); err != nil {
		return nil, err
	}
	has := identities{on: "token", local: t.Local, services: t.ServiceIdentities, nodes: t.NodeIdentities, templates: t.TemplatedPolicies}
	if err := has.check(); err != nil {
		return nil, err
	}
	return s.writeToken(ctx, &catalog.ACLTokenWrite{Verb: verb, Tokens: []*catalog.ACLToken{t}})
}

// writeToken writes one token and shows it as it is stored.
func (s *Service) writeToken(ctx context.Context, write *catalog.ACLTokenWrite) (*ops.ACLTokenReply, error) {
	if _, _, err := s.Apply(ctx, catalog.ACLTokenCommand, write); err != nil {
		return nil, err
	}
	tx := s.Store.Read()
	_, stored := tx.ACLToken(nil, write.Tokens[0].AccessorID)
	if stored == nil {
		return nil, errNoToken // somebody has deleted it since
	}
	return &ops.ACLTokenReply{Token: *showToken(tx, stored, true)}, nil
}

func (s *Service) tokenClone(ctx context.Context, _ *acl.Authorizer, req *ops.ACLTokenCloneRequest) (*ops.ACLTokenReply, error) {
	if err := checkLookup("token", req.AccessorID); err != nil {
		return nil, err
	}
	tx := s.Store.Read()
	_, old := tx.ACLToken(nil, req.AccessorID)
	switch {
	case old == nil || old.HasExpired(time.Now()):
		return nil, errNoToken
	case old.AuthMethod != "":
		return nil, rejected("Cannot clone a token created from an auth method")
	}
	t := *old
	t.AccessorID, t.SecretID = "", ""
	if req.Description != "" {
		t.Description = req.Description
	}
	expires := t.Expires
	t.Expires = 0 // as it is, however little is left
	if err := prepareNew(tx, &t, 0); err != nil {
		return nil, err
	}
	t.Expires = expires
	return s.writeToken(ctx, &catalog.ACLTokenWrite{Verb: catalog.ACLCreate, Tokens: []*catalog.ACLToken{&t}})
}
