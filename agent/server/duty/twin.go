package duty

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"praetor/internal/fault"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

// twinTime bounds how long one address is asked which process answers there. It is
// added to the first connection of a server that came back elsewhere, if its old
// address is a black hole.
const twinTime = 500 * time.Millisecond

// instances remembers which process was found to be each server.
type instances struct {
	mu sync.Mutex

	known map[string]uint64 // by server ID; of known servers only
}

func (i *instances) isKnown(id string, instance uint64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.known[id] == instance
}

func (i *instances) keep(id string, instance uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		i.known = map[string]uint64{}
	}
	i.known[id] = instance
}

// IsTwin reports whether a process that wants to speak Raft as a server is another one
// than that which answers where the server is: a copy of its disk was started beside it.
// The address of the Raft configuration counts before those of gossip. Where nobody
// answers, the server has moved.
func (s *Set) IsTwin(id string, instance uint64) bool {
	if s.instances.isKnown(id, instance) {
		return false
	}
	peers, _ := s.Raft.Peers() // none is known after an error
	at := raftstore.Peer{ID: id, Address: nowhere}
	for _, p := range peers {
		if p.ID == id {
			at = p
		}
	}
	for _, srv := range s.Whereabouts(at) {
		// No caller's context: it is the listener that asks, and the time is bounded.
		ctx, cancel := context.WithTimeout(context.Background(), twinTime)
		answers, err := s.opts.Dialer.Instance(ctx, srv)
		cancel()
		switch {
		case err != nil:
		case answers != instance && answers != 0:
			return true
		default:
			s.instances.keep(id, instance)
			return false
		}
	}
	s.instances.keep(id, instance)
	return false
}

// dialed ends this server if another one found that it is a second one of its ID.
func (s *Set) dialed(err error) {
	if errors.Is(err, rpc.ErrTwin) {
		s.opts.Witness.Stop(&fault.Error{Kind: fault.Rejected, Err: err,
			Text: fmt.Sprintf("another server with the node ID %s runs and keeps its place: this one has a copy of its data folder;", s.ID),
			Hint: "stop one of them; a server of its own starts with an empty data folder: praetor help old-disk"})
	}
}
