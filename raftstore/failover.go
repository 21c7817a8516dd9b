package raftstore

import (
	"math/rand/v2"
	"time"

	"github.com/hashicorp/raft"
)

// detector makes a follower notice a dead leader when it is due. Raft itself
// looks at the last contact when a timer of one to two heartbeat timeouts ends,
// not when the contact is that old: up to three timeouts pass, and with
// pre-vote a candidate needs a quorum that noticed. The detector makes raft look
// one timeout and a random half after the last contact; raft still decides.
type detector struct {
	store    *Store
	stopping chan struct{}
	stopped  chan struct{}
}

func detectDeadLeaders(s *Store) *detector {
	d := &detector{s, make(chan struct{}), make(chan struct{})}
	go d.run() // stop waits
	return d
}

func (d *detector) run() {
	defer close(d.stopped)
	patience := d.patience()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-d.stopping:
			return
		}
		wait := d.due(patience)
		if wait <= 0 {
			d.store.nudge()
			patience = d.patience()
			wait = patience
		}
		timer.Reset(wait)
	}
}

// patience is how old a follower lets its last contact grow. It is random, so
// that followers become candidates one after the other.
func (d *detector) patience() time.Duration {
	timeout := d.store.raft.ReloadableConfig().HeartbeatTimeout
	return timeout + rand.N(timeout/2+1)
}

// due is how long until the last contact is patience old; all of it where
// there is no leader to miss.
func (d *detector) due(patience time.Duration) time.Duration {
	r := d.store.raft
	addr, _ := r.LeaderWithID()
	last := r.LastContact()
	if addr == "" || last.IsZero() || r.State() != raft.Follower {
		return patience
	}
	return patience - time.Since(last)
}

func (d *detector) stop() {
	close(d.stopping)
	<-d.stopped
}

// nudge makes raft look at its last contact now: it does so when its heartbeat
// timeout gets shorter, if only by a nanosecond.
func (s *Store) nudge() {
	s.tuning.Lock()
	defer s.tuning.Unlock()
	conf := s.raft.ReloadableConfig()
	conf.HeartbeatTimeout--
	if err := s.raft.ReloadConfig(conf); err != nil { // as short as it may be
		s.logger.Debug("could not look for the leader early", "error", err)
	}
}

// Reload takes over what may change while a Store runs: HeartbeatTimeout,
// ElectionTimeout, Multiplier (for these two), SnapshotThreshold,
// SnapshotInterval and TrailingLogs. Zero means the default, as in Open. Use
// it, not Raft().ReloadConfig.
func (s *Store) Reload(opts Options) error {
	if err := opts.setDefaults(); err != nil {
		return err
	}
	s.tuning.Lock()
	defer s.tuning.Unlock()
	return s.raft.ReloadConfig(raft.ReloadableConfig{
		HeartbeatTimeout:  opts.HeartbeatTimeout,
		ElectionTimeout:   opts.ElectionTimeout,
		SnapshotThreshold: opts.SnapshotThreshold,
		SnapshotInterval:  opts.SnapshotInterval,
		TrailingLogs:      opts.TrailingLogs,
	})
}
