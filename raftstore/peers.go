package raftstore

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/fault"
)

// changeWait is how long a change of the configuration may wait for the one
// before it to be committed.
const changeWait = 10 * time.Second

// HasState reports whether this server ever had a log entry, a vote or a snapshot.
func (s *Store) HasState() bool {
	return s.raft.CurrentTerm() > 0 || s.raft.LastIndex() > 0
}

// What raft keeps beside the log.
var (
	keyTerm     = []byte("CurrentTerm")
	keyVoteTerm = []byte("LastVoteTerm")
)

// forgetCutBootstrap takes back the half of a bootstrap that a crash has cut: raft
// writes term 1, then the first configuration, and with the term alone it would for
// ever have state, but nobody to be elected by. Nothing else leaves term 1 without a
// vote, an entry and a snapshot: the first election is of term 2.
func (f *folder) forgetCutBootstrap(lastIndex uint64, logger hclog.Logger) error {
	if f.dir == "" || lastIndex > 0 {
		return nil
	}
	term, err := f.stable.GetUint64(keyTerm)
	if err != nil || term != 1 {
		return err
	}
	voted, err := f.stable.GetUint64(keyVoteTerm)
	if err != nil || voted > 0 {
		return err
	}
	if list, err := f.snapshots.List(); err != nil || len(list) > 0 {
		return err
	}
	logger.Warn("the first start of this server was cut while it made its cluster: beginning again", "path", f.dir)
	return f.stable.SetUint64(keyTerm, 0)
}

// Bootstrap makes peers the first configuration. Only for a Store without
// state: fault.Conflict otherwise, fault.Invalid if peers cannot work. When
// this server is the only voter it elects itself at once.
func (s *Store) Bootstrap(peers []Peer) error {
	var conf raft.Configuration
	for _, p := range peers {
		conf.Servers = append(conf.Servers, server(p))
	}
	if err := checkServers(conf); err != nil {
		return fault.New(fault.Invalid, "bootstrap: the list of servers %w", err)
	}
	// raft's call takes no context and ends by itself.
	err := s.calls.do(context.Background(), func() error {
		return s.raft.BootstrapCluster(conf).Error()
	})
	switch {
	case errors.Is(err, raft.ErrCantBootstrap):
		return &fault.Error{Kind: fault.Conflict, Text: "bootstrap: this server has raft state already", Err: err}
	case errors.Is(err, raft.ErrNotVoter):
		return &fault.Error{Kind: fault.Invalid, Text: "bootstrap: the list of servers does not give " + s.id + " a vote", Err: err}
	case err != nil:
		return translate(err)
	}
	s.electIfAlone()
	return nil
}

func server(p Peer) raft.Server {
	suffrage := raft.Nonvoter
	if p.Voter {
		suffrage = raft.Voter
	}
	return raft.Server{Suffrage: suffrage, ID: raft.ServerID(p.ID), Address: raft.ServerAddress(p.Address)}
}

// electIfAlone makes a server that is the only voter a candidate now: nobody
// else's heartbeat is worth waiting for. Raft has no call for that, but obeys a
// leader that hands over; the message goes to ourselves, through a pipe.
func (s *Store) electIfAlone() {
	if !s.alone() || s.raft.State() != raft.Follower {
		return
	}
	req := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax,
		ID:              []byte(s.id),
		Addr:            s.trans.EncodePeer(raft.ServerID(s.id), raft.ServerAddress(s.address)),
	}}
	var resp raft.TimeoutNowResponse
	err := s.trans.TimeoutNow(raft.ServerID(s.id), raft.ServerAddress(s.address), req, &resp)
	if err != nil { // the heartbeat timeout does it then
		s.logger.Debug("could not start the election at once", "error", err)
	}
	s.trans.CloseStreams() // the pipe's buffers are half a megabyte
}

func (s *Store) alone() bool {
	others, us := 0, false
	for _, srv := range s.raft.GetConfiguration().Configuration().Servers {
		switch {
		case srv.ID == raft.ServerID(s.id):
			us = srv.Suffrage == raft.Voter
		case srv.Suffrage == raft.Voter:
			others++
		}
	}
	return us && others == 0
}

// Peers returns the latest configuration, which may not be committed yet.
func (s *Store) Peers() ([]Peer, error) {
	future := s.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return nil, translateRead(err)
	}
	servers := future.Configuration().Servers
	peers := make([]Peer, len(servers))
	for i, srv := range servers {
		peers[i] = Peer{ID: string(srv.ID), Address: string(srv.Address), Voter: srv.Suffrage == raft.Voter}
	}
	return peers, nil
}

// RemovePeer takes a server out of the configuration; one that is not in it is
// no error. Leader only: fault.NoLeader.
func (s *Store) RemovePeer(id string) error {
	// raft's call takes no context and ends by its own timeout.
	return translate(s.calls.do(context.Background(), func() error {
		return s.raft.RemoveServer(raft.ServerID(id), 0, changeWait).Error()
	}))
}

// AddNonvoter adds or re-addresses a server without a vote. A voter keeps its
// vote and gets the address. Leader only: fault.NoLeader.
func (s *Store) AddNonvoter(id, address string) error {
	// raft's call takes no context and ends by its own timeout.
	return translate(s.calls.do(context.Background(), func() error {
		return s.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(address), 0, changeWait).Error()
	}))
}

// Redial has Raft's requests travel over new connections from now on. Those under way
// fail, and Raft makes them again.
func (s *Store) Redial() { s.layer.redial() }
