package agent

import (
	"context"
	"reflect"

	"praetor/agent/config"
)

// watching is a watch that runs.
type watching struct {
	conf config.Watch
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// runWatches runs the watches of the configuration until ctx ends. A reload starts
// those that it brought and stops those that it took away; one whose definition did not
// change goes on from its index: its handler is not told again what it knows.
func (a *Agent) runWatches(ctx context.Context) error {
	if a.duties.Watch == nil {
		<-ctx.Done()
		return nil
	}
	var running []*watching
	for ctx.Err() == nil {
		running = a.rewatchOnce(ctx, running)
		select {
		case <-ctx.Done():
		case <-a.rewatch:
		}
	}
	for _, w := range running {
		<-w.done
	}
	return nil
}

// rewatchOnce brings what runs in step with the configuration.
func (a *Agent) rewatchOnce(ctx context.Context, running []*watching) []*watching {
	var kept []*watching
	var fresh []config.Watch
	for _, conf := range a.runtime.Load().Watches {
		if w := takeWatch(&running, conf); w != nil {
			kept = append(kept, w)
		} else {
			fresh = append(fresh, conf)
		}
	}
	for _, w := range running {
		w.stop()
		<-w.done
	}
	for _, conf := range fresh {
		kept = append(kept, a.startWatch(ctx, conf))
	}
	return kept
}

// takeWatch takes a watch of that definition out of running, nil if there is none. One
// that ended by itself is none: a reload tries it again.
func takeWatch(running *[]*watching, conf config.Watch) *watching {
	for i, w := range *running {
		if !w.ended() && reflect.DeepEqual(w.conf, conf) {
			*running = append((*running)[:i:i], (*running)[i+1:]...)
			return w
		}
	}
	return nil
}

func (w *watching) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

func (a *Agent) startWatch(ctx context.Context, conf config.Watch) *watching {
	ctx, stop := context.WithCancel(ctx)
	w := &watching{conf: conf, stop: stop, done: make(chan struct{})}
	go func() { // waited for through done
		defer close(w.done)
		defer stop()
		a.duties.Watch(ctx, a.self(), conf) // reports its faults itself
	}()
	return w
}
