package duty

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/life"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

const (
	// vetTime bounds one question to a server; vetPause is the first pause before
	// it is asked again, which doubles up to vetPauseMost.
	vetTime      = 3 * time.Second
	vetPause     = 250 * time.Millisecond
	vetPauseMost = 10 * time.Second
	// vetWarnAfter is after how many questions a server that fails is worth a
	// warning. One that has just joined may not know the leader yet.
	vetWarnAfter = 4
	// vetHolds is how long what a server has shown holds: long enough for those who
	// look at it again before they act.
	vetHolds = 10 * time.Second
	// maxVetted bounds how many servers are asked at a time. Where anybody can put
	// servers into gossip there may be any number; the full pass over all members
	// comes back to the rest.
	maxVetted = 32
)

// errVetting means that a server is being asked who it is: it comes up again
// when it has shown it.
var errVetting = errors.New("it has not shown yet who it is")

// claim is what gossip says of a server's address.
type claim struct{ id, address string }

// vetting asks servers who they are before the leader gives them a place, or an
// address, in the Raft configuration, and with it the log: where gossip is not
// encrypted, whatever it says of a server anybody may have said.
type vetting struct {
	passed  chan string    // members whose claims were shown, to the reconcile loop
	running sync.WaitGroup // one per claim that is not settled

	mu     sync.Mutex
	claims map[claim]time.Time // when it was shown; zero while it is asked
}

func newVetting() *vetting {
	return &vetting{passed: make(chan string, maxVetted), claims: map[claim]time.Time{}}
}

// vet returns nil if a server has shown within vetHolds that it is at the address
// where gossip has it, and errVetting if that takes time. The asking ends with ctx.
func (s *Set) vet(ctx context.Context, info gossip.ServerInfo) error {
	c, v := claim{info.ID, info.RPCAddress}, s.vetting
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.claims, func(_ claim, shown time.Time) bool { return !shown.IsZero() && time.Since(shown) > vetHolds })
	shown, asked := v.claims[c]
	switch {
	case !shown.IsZero():
		return nil
	case !asked && len(v.claims) < maxVetted && info.ID != "":
		v.claims[c] = time.Time{}
		v.running.Go(func() { s.vetUntilShown(ctx, c, info) }) // waited for by the reconcile loop
	}
	return errVetting
}

// vetUntilShown asks a server until it has shown who it is, or gossip says so no
// more.
func (s *Set) vetUntilShown(ctx context.Context, c claim, info gossip.ServerInfo) {
	wait := vetPause
	for tries := 1; ; tries++ {
		err := s.askWho(ctx, info)
		if err == nil {
			s.vetting.show(ctx, c, info.MemberName)
			return
		}
		if tries == vetWarnAfter {
			s.Logger.Warn("not letting server into Raft: it does not show who it is", "server", info.Name, "id", info.ID, "address", info.RPCAddress, "error", err)
		}
		if !life.Pause(ctx, wait) || !s.gossipHas(c.id, c.address) {
			s.vetting.drop(c)
			return
		}
		wait = min(2*wait, vetPauseMost)
	}
}

// askWho opens the connection for Raft that would carry the log: the server must
// say its ID, prove the gossip key where there is one, be of this datacenter, and
// know this server. One that is to be added must not be of another cluster.
func (s *Set) askWho(ctx context.Context, info gossip.ServerInfo) error {
	ctx, cancel := context.WithTimeout(ctx, vetTime)
	defer cancel()
	srv := kernel.ServerAt(info)
	conn, err := s.opts.Dialer.DialRaft(ctx, srv)
	if err != nil {
		return err
	}
	conn.Close()
	peers, err := s.Raft.Peers()
	if err != nil || isIn(peers, info.ID) {
		return err
	}
	return s.askCluster(ctx, srv, peers)
}

// askCluster refuses a server that has a Raft configuration of its own without
// anybody of ours, such as one at an address that was ours before: whichever
// cluster took the other's servers would erase what they hold.
func (s *Set) askCluster(ctx context.Context, srv rpc.Server, ours []raftstore.Peer) error {
	theirs, err := s.peersAt(ctx, srv)
	if err != nil {
		return err
	}
	if len(theirs.IDs) == 0 || slices.ContainsFunc(theirs.IDs, func(id string) bool { return isIn(ours, id) }) {
		return nil
	}
	return fmt.Errorf("it is of another cluster, with the servers %s: if it is to join this one, stop it and empty its data folder", strings.Join(theirs.Addresses, ", "))
}

// show notes that a claim was shown and has its member looked at again.
func (v *vetting) show(ctx context.Context, c claim, member string) {
	v.mu.Lock()
	v.claims[c] = time.Now()
	v.mu.Unlock()
	select {
	case v.passed <- member:
	case <-ctx.Done():
	}
}

func (v *vetting) drop(c claim) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.claims, c)
}

// reconcileVetted gives a server the place that it waited for.
func (s *Set) reconcileVetted(ctx context.Context, member string) {
	for _, m := range s.LAN.Members() {
		if m.Name == member {
			s.reconcileOne(ctx, m, false)
		}
	}
}

// stop waits until nobody is asked any more, after ctx of all vet calls ended.
func (v *vetting) stop() {
	v.running.Wait()
	for len(v.passed) > 0 {
		<-v.passed
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.claims)
}
