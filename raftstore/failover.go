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
	for {
		changed := d.store.LeaderChanged()
		d.store.pace()
		var due <-chan time.Time
		if leader, _ := d.store.Leader(); leader != "" && !d.store.IsLeader() {
			wait := patience
			if last := d.store.raft.LastContact(); !last.IsZero() {
				wait -= time.Since(last)
			}
			if wait <= 0 {
				d.store.nudge()
				patience = d.patience()
				wait = patience
			}
			due = time.After(wait)
		}
		select {
		case <-due:
		case <-changed:
		case <-d.stopping:
			return
		}
	}
}

// patience is how old a follower lets its last contact grow. It is random, so
// that followers become candidates one after the other.
func (d *detector) patience() time.Duration {
	timeout := d.store.raft.ReloadableConfig().HeartbeatTimeout
	return timeout + rand.N(timeout/2+1)
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

// pace has raft keep the timeouts of a leader or those of a follower, as this server is.
// A leader's only say how often it is heard, a tenth to a fifth of its heartbeat timeout.
// With a follower's that is 5 to 10 times within one, which keeps three idle servers
// busy; leaderPace leaves 3 to 6, and two within a lease.
func (s *Store) pace() {
	s.tuning.Lock()
	defer s.tuning.Unlock()
	if leads := s.IsLeader(); leads != s.paced.leads {
		s.paced.leads = leads
		if err := s.retime(s.raft.ReloadableConfig()); err != nil {
			s.logger.Warn("could not change how often a leader is heard", "error", err)
		}
	}
}

// retime gives raft conf with the timeouts that this server keeps now.
func (s *Store) retime(conf raft.ReloadableConfig) error {
	conf.HeartbeatTimeout, conf.ElectionTimeout = s.paced.heartbeat, s.paced.election
	if s.paced.leads {
		conf.HeartbeatTimeout = leaderPace(conf.HeartbeatTimeout)
		conf.ElectionTimeout = leaderPace(conf.ElectionTimeout)
	}
	return s.raft.ReloadConfig(conf)
}

// leaderPace is a leader's timeout for a follower's.
func leaderPace(timeout time.Duration) time.Duration { return timeout * 7 / 4 }

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
	s.paced.heartbeat, s.paced.election = opts.HeartbeatTimeout, opts.ElectionTimeout
	return s.retime(raft.ReloadableConfig{
		SnapshotThreshold: opts.SnapshotThreshold,
		SnapshotInterval:  opts.SnapshotInterval,
		TrailingLogs:      opts.TrailingLogs,
	})
}
