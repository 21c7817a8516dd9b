package duty

import (
	"context"
	"time"

	"praetor/catalog"
)

// When deletions of keys are forgotten (reference/internals.md §6).
const (
	tombstoneTTL = 15 * time.Minute
	tombstoneBin = 30 * time.Second
)

// graveyard knows the deletions that are to be forgotten, in bins. It holds at
// most tombstoneTTL/tombstoneBin of them.
type graveyard struct {
	bins []graveBin
	seen uint64 // deletions up to here are in a bin, or gone
}

// graveBin is all deletions up to an index.
type graveBin struct {
	index uint64
	due   time.Time
}

// look notes that the latest deletion is at index, and returns up to where
// deletions have been there for long enough; 0 for none.
func (g *graveyard) look(index uint64, now time.Time) (ripe uint64) {
	if index > g.seen {
		g.bins, g.seen = append(g.bins, graveBin{index, now.Add(tombstoneTTL)}), index
	}
	for len(g.bins) > 0 && !now.Before(g.bins[0].due) {
		ripe = g.bins[0].index
		g.bins = g.bins[1:]
	}
	return ripe
}

// reapDeletions forgets deletions of keys while this server leads. What earlier
// leaders saw is deleted again.
func (s *Set) reapDeletions(ctx context.Context) {
	var graves graveyard
	ticker := time.NewTicker(tombstoneBin)
	defer ticker.Stop()
	for {
		if ripe := graves.look(s.Store.Read().Deletions(), time.Now()); ripe > 0 {
			s.reapOnce(ctx, ripe)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reapOnce forgets deletions up to an index. If that fails they stay until a
// later deletion takes them along, or the next leader does.
func (s *Set) reapOnce(ctx context.Context, index uint64) {
	defer s.took.reapTombstones.Since(time.Now())
	if _, _, err := s.Apply(ctx, catalog.ReapCommand, &catalog.Reap{Index: index}); err != nil && ctx.Err() == nil {
		s.Logger.Warn("forget deletions of keys", "index", index, "error", err)
	}
}
