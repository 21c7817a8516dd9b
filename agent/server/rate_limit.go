package server

import (
	"context"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/rpc"
)

// followRateLimit has this server keep the limits that the cluster agreed on, as they
// are now and whenever they change, until ctx ends.
func (s *Server) followRateLimit(ctx context.Context) error {
	for ctx.Err() == nil {
		tx := s.kernel.Store.Read()
		ws := catalog.WatchSet{tx.Replaced(): {}}
		_, row := tx.ConfigEntry(ws, configentry.KindRateLimit, configentry.NameGlobal)
		agreed, err := agreedLimits(row)
		if err != nil {
			s.opts.Logger.Error("read the rate limit of the cluster: the one before stays in force", "error", err)
		} else {
			s.kernel.Router.LimitAsAgreed(agreed)
		}
		if err := ws.WatchCtx(ctx); err != nil {
			break
		}
	}
	return nil
}

func agreedLimits(row *catalog.ConfigEntry) (*rpc.Agreed, error) {
	if row == nil {
		return nil, nil
	}
	entry, err := row.Parsed()
	if err != nil {
		return nil, err
	}
	limit, ok := entry.(*configentry.RateLimit)
	if !ok || limit.Config == nil {
		return nil, nil
	}
	rate := func(perSecond *float64) float64 {
		if perSecond == nil {
			return -1
		}
		return *perSecond
	}
	c := limit.Config
	return &rpc.Agreed{ReadRate: rate(c.ReadRate), WriteRate: rate(c.WriteRate), Alone: c.Priority, Except: c.ExcludeEndpoints}, nil
}
