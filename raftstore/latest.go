package raftstore

import (
	"sync"

	"github.com/hashicorp/raft"
)

// latest hands each server one thing at a time, and of what waits meanwhile the
// latest: a server that does not answer holds one goroutine, not one per thing.
// The zero value is ready.
type latest[T any] struct {
	mu sync.Mutex

	waiting map[raft.Server]*T // by server that a goroutine deals with: what it does next, nil for nothing
	running sync.WaitGroup
}

// give has do deal with thing, in a goroutine, after what it does for srv now.
func (l *latest[T]) give(srv raft.Server, thing T, do func(raft.Server, T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, busy := l.waiting[srv]
	if l.waiting == nil {
		l.waiting = map[raft.Server]*T{}
	}
	l.waiting[srv] = &thing
	if busy {
		return
	}
	l.running.Add(1)
	go func() { // wait waits
		defer l.running.Done()
		for next := l.take(srv); next != nil; next = l.take(srv) {
			do(srv, *next)
		}
	}()
}

func (l *latest[T]) take(srv raft.Server) *T {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.waiting[srv]
	if next == nil {
		delete(l.waiting, srv)
	} else {
		l.waiting[srv] = nil
	}
	return next
}

// wait returns when nothing is done any more. Nothing may be given meanwhile.
func (l *latest[T]) wait() { l.running.Wait() }
