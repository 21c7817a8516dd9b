package kernel

import (
	"context"
	"time"

	"praetor/internal/life"
)

const (
	// copyPause is the least time between two comparisons with the primary datacenter, and
	// so about how long a change takes to arrive.
	copyPause = time.Second
	// maxCopyPause bounds how long a leader waits after an error; the pause doubles with
	// each.
	maxCopyPause = time.Minute
)

// CopyPrimary keeps something of this datacenter as it is in the primary, until ctx ends.
// once waits until the primary has something else than at an index, 0 for whatever it has,
// makes this datacenter like it and returns its index then. note is told of each attempt.
func (k *Kernel) CopyPrimary(ctx context.Context, once func(ctx context.Context, at uint64) (uint64, error), note func(index uint64, err error)) {
	var at uint64
	for pause := copyPause; ; {
		index, err := once(ctx, at)
		if ctx.Err() != nil {
			return
		}
		if index < at { // restored: its indexes start over
			index = 0
		}
		note(index, err)
		if err != nil {
			at, pause = 0, min(2*pause, maxCopyPause)
		} else {
			at, pause = index, copyPause
		}
		if !life.Pause(ctx, pause) {
			return
		}
	}
}
