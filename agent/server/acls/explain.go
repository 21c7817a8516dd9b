package acls

import (
	"context"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/acl/rules"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// explain says why a token may do something here, or may not. Everybody may ask about
// his own token.
func (s *Service) explain(ctx context.Context, az *acl.Authorizer, req *ops.ACLExplainRequest) (*ops.ACLExplainReply, error) {
	q := req.Question
	need, err := acl.ParseNeed(q.Resource, strings.ToLower(q.Access), q.Segment)
	if err != nil {
		return nil, err
	}
	if req.Below {
		if need, err = need.Below(); err != nil {
			return nil, err
		}
	}
	own := req.AccessorID == "" || strings.EqualFold(req.AccessorID, az.Accessor())
	if !own {
		if err := az.Check(acl.ACL.Read()); err != nil {
			return nil, err
		}
		if err := checkLookup("token", req.AccessorID); err != nil {
			return nil, err
		}
	}
	rep := &ops.ACLExplainReply{AllowByDefault: s.opts.AllowByDefault}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, t, err := s.toExplain(tx, ws, own, req)
		if err != nil {
			return index, err
		}
		rep.AccessorID, rep.Description = t.AccessorID, t.Description
		return index, s.fillExplanation(rep, granted(tx, t, s.Datacenter), need)
	})
}

// toExplain finds the token that is asked about.
func (s *Service) toExplain(tx *catalog.Tx, ws catalog.WatchSet, own bool, req *ops.ACLExplainRequest) (index uint64, t *catalog.ACLToken, err error) {
	if own {
		index, t, err = s.find(tx, ws, req.Token)
	} else if index, t = tx.ACLToken(ws, req.AccessorID); t == nil || t.HasExpired(time.Now()) {
		err = errNoToken
	}
	if t == nil && s.opts.Elsewhere != nil {
		return index, nil, fault.New(fault.NotFound, "the servers of datacenter %q do not keep this token: ask those of %q", s.Datacenter, s.Primary)
	}
	return index, t, err
}

func (s *Service) fillExplanation(rep *ops.ACLExplainReply, grants []*grant, need acl.Need) error {
	texts, policies := make([]string, len(grants)), make([]*rules.Policy, len(grants))
	for i, g := range grants {
		texts[i] = g.policy.Rules
		var err error
		if policies[i], err = rules.Parse(g.policy.Rules); err != nil {
			return fault.New(fault.Internal, "stored access rules of policy %q: %w", g.policy.Name, err)
		}
	}
	az, err := s.sets.Authorizer(rep.AccessorID, texts, s.opts.AllowByDefault)
	if err != nil {
		return err
	}
	rep.Allow = true
	if refusal := az.Check(need); refusal != nil {
		rep.Allow, rep.Refusal = false, refusal.Error()
	}
	e := rules.Explain(policies, need, s.opts.AllowByDefault)
	if e.Decided.Rule.Access != rules.Unset {
		decided := showStated(e.Decided, grants)
		rep.Decided = &decided
	}
	for _, o := range e.Overridden {
		rep.Overridden = append(rep.Overridden, showStated(o, grants))
	}
	rep.More = e.More
	return nil
}

func showStated(s rules.Stated, grants []*grant) ops.ACLStated {
	shown := ops.ACLStated{Rule: s.Rule.String(), Why: s.Why}
	for _, i := range s.Policies {
		shown.By = append(shown.By, grants[i].by...)
	}
	return shown
}
