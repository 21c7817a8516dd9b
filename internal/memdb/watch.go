package memdb

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
)

// WatchSet collects channels of which one closes when the answer to a query may
// change. A nil set collects nothing.
type WatchSet map[<-chan struct{}]struct{}

// Add takes one more channel.
func (ws WatchSet) Add(ch <-chan struct{}) {
	if ws != nil && ch != nil {
		ws[ch] = struct{}{}
	}
}

// selected is how many channels one goroutine waits for.
const selected = 8

// WatchCtx waits until a channel closes, or for the end of ctx, whose error it returns then.
// For a handful of channels, which is what queries watch, it needs no goroutine.
func (ws WatchSet) WatchCtx(ctx context.Context) error {
	if len(ws) <= selected {
		var few [selected]<-chan struct{}
		i := 0
		for ch := range ws {
			few[i] = ch
			i++
		}
		return watchFew(ctx, &few)
	}
	all := slices.Collect(maps.Keys(ws))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, (len(all)+selected-1)/selected)
	for len(all) > 0 {
		var few [selected]<-chan struct{}
		all = all[copy(few[:], all):]
		go func() { ended <- watchFew(ctx, &few) }() // cancel ends it
	}
	return <-ended
}

// watchFew is WatchCtx for channels of which some may be nil, and never ready.
func watchFew(ctx context.Context, c *[selected]<-chan struct{}) error {
	select {
	case <-c[0]:
	case <-c[1]:
	case <-c[2]:
	case <-c[3]:
	case <-c[4]:
	case <-c[5]:
	case <-c[6]:
	case <-c[7]:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// watch has the channels of a part of a tree, made when somebody asks for them.
type watch struct{ made atomic.Pointer[channels] }

type channels struct {
	place chan struct{} // of the part in its place; nil: nobody has asked
	row   chan struct{} // of a leaf's row, wherever it stands; nil likewise
}

// retired stands in every watch of what a commit has replaced.
var retired = func() *channels {
	c := &channels{make(chan struct{}), make(chan struct{})}
	close(c.place)
	close(c.row)
	return c
}()

// ofPlace closes when the part is replaced; it is closed if that has happened.
func (w *watch) ofPlace() <-chan struct{} {
	for {
		var next channels
		was := w.made.Load()
		if was != nil {
			next = *was
		}
		if next.place != nil {
			return next.place
		}
		next.place = make(chan struct{})
		w.made.CompareAndSwap(was, &next)
	}
}

// ofRow closes when the row of a leaf changes or goes. It may be closed by a move that
// is under way.
func (w *watch) ofRow() <-chan struct{} {
	for {
		var next channels
		was := w.made.Load()
		if was != nil {
			next = *was
		}
		if next.row != nil {
			return next.row
		}
		next.row = make(chan struct{})
		w.made.CompareAndSwap(was, &next)
	}
}

// takeRow has w, which nobody knows yet, stand for the row that o stands for.
func (w *watch) takeRow(o *watch) {
	if c := o.made.Load(); c != nil && c.row != nil {
		w.made.Store(&channels{row: c.row})
	}
}

// retire wakes those who asked, and those who will, but for who waits for a row that
// has moved.
func (r *replaced) retire() {
	was := r.watch.made.Swap(retired)
	if was == nil || was == retired {
		return
	}
	if was.place != nil {
		close(was.place)
	}
	if was.row == nil {
		return
	}
	if r.moved != nil {
		if now := r.moved.made.Load(); now != nil && now.row == was.row {
			return
		}
	}
	close(was.row)
}
