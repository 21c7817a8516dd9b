package life

import (
	"context"
	"fmt"
	"runtime/pprof"
)

// Group is an ordered list of parts that live and die together. Build it with
// NewGroup, fill it with Add, then call Run once.
type Group struct {
	parts []part
}

type part struct {
	name string
	run  func(context.Context) error
}

// NewGroup returns an empty group.
func NewGroup() *Group { return &Group{} }

// Add appends a part. Parts start in the order they were added and stop in
// reverse. Add must not be called after Run.
func (g *Group) Add(name string, run func(context.Context) error) {
	g.parts = append(g.parts, part{name, run})
}

// Run starts every part and waits. It returns nil after ctx ended, or the
// first error a part returned ("NAME: …") while ctx was alive. Either way all
// parts have stopped by then.
func (g *Group) Run(ctx context.Context) error {
	type exit struct {
		i   int
		err error
	}
	exits := make(chan exit, len(g.parts))
	stop := make([]context.CancelFunc, len(g.parts))
	done := make([]chan struct{}, len(g.parts))
	// Parts outlive ctx until their turn comes: only the group cancels them.
	base := context.WithoutCancel(ctx)
	for i, p := range g.parts {
		var pctx context.Context
		pctx, stop[i] = context.WithCancel(base)
		done[i] = make(chan struct{})
		go func() { // waited for below through done
			defer close(done[i])
			pprof.Do(pctx, pprof.Labels("part", p.name), func(pctx context.Context) {
				exits <- exit{i, p.run(pctx)}
			})
		}()
	}
	var err error
	if len(g.parts) > 0 {
		select {
		case <-ctx.Done():
		case e := <-exits:
			switch {
			case ctx.Err() != nil:
			case e.err != nil:
				err = fmt.Errorf("%s: %w", g.parts[e.i].name, e.err)
			default:
				err = fmt.Errorf("%s: ended by itself", g.parts[e.i].name)
			}
		}
	}
	for i := len(g.parts) - 1; i >= 0; i-- {
		stop[i]()
		<-done[i]
	}
	return err
}
