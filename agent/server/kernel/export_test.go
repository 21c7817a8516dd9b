package kernel

import (
	"context"

	"praetor/catalog"
)

// Sleep waits as blocking reads do.
func Sleep(ctx context.Context, ws catalog.WatchSet, leaderChanged <-chan struct{}) bool {
	return sleep(ctx, ws, leaderChanged)
}
