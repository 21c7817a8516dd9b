package acls

import (
	"context"
	"strings"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

func (s *Service) authorize(ctx context.Context, az *acl.Authorizer, req *ops.ACLAuthorizeRequest) (*ops.ACLAuthorizeReply, error) {
	needs := make([]acl.Need, len(req.Questions))
	for i, q := range req.Questions {
		need, err := acl.ParseNeed(q.Resource, strings.ToLower(q.Access), q.Segment)
		if err != nil {
			return nil, err
		}
		needs[i] = need
	}
	rep := &ops.ACLAuthorizeReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		rep.Allow = make([]bool, len(needs))
		for i, need := range needs {
			rep.Allow[i] = az.Allows(need)
		}
		return 0, nil
	})
}
