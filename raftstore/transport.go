package raftstore

import (
	"io"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// transport is raft's network transport, with connections that belong to a
// server and not to an address: its stream layer learns the ID of the server that raft
// means, and finds it wherever it is.
//
// raft's transport keeps connections, and opens them, by a string that it takes
// for the address. Here that string is a target.
type transport struct {
	*raft.NetworkTransport
}

func newTransport(s *streamLayer, logger hclog.Logger) *transport {
	return &transport{raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: s, MaxPool: maxPool, Timeout: rpcTimeout,
		Logger: logger, MsgpackUseNewTimeFormat: true,
	})}
}

// target names a server to the stream layer: its ID, a space, and its address in the
// Raft configuration. Neither contains spaces.
func target(id raft.ServerID, address raft.ServerAddress) raft.ServerAddress {
	return raft.ServerAddress(string(id) + " " + string(address))
}

func peerOf(target raft.ServerAddress) Peer {
	id, address, _ := strings.Cut(string(target), " ")
	return Peer{ID: id, Address: address}
}

// AppendEntriesPipeline implements raft.Transport.
func (t *transport) AppendEntriesPipeline(id raft.ServerID, address raft.ServerAddress) (raft.AppendPipeline, error) {
	return t.NetworkTransport.AppendEntriesPipeline(id, target(id, address))
}

// AppendEntries implements raft.Transport.
func (t *transport) AppendEntries(id raft.ServerID, address raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return t.NetworkTransport.AppendEntries(id, target(id, address), req, resp)
}

// RequestVote implements raft.Transport.
func (t *transport) RequestVote(id raft.ServerID, address raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.NetworkTransport.RequestVote(id, target(id, address), req, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (t *transport) RequestPreVote(id raft.ServerID, address raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.NetworkTransport.RequestPreVote(id, target(id, address), req, resp)
}

// InstallSnapshot implements raft.Transport. A server that has all of it is as good as
// one that took it.
func (t *transport) InstallSnapshot(id raft.ServerID, address raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	err := t.NetworkTransport.InstallSnapshot(id, target(id, address), req, resp, data)
	if err != nil && err.Error() == errHasAll.Error() {
		resp.Term, resp.Success = req.Term, true
		return nil
	}
	return err
}

// TimeoutNow implements raft.Transport.
func (t *transport) TimeoutNow(id raft.ServerID, address raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, target(id, address), req, resp)
}

var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)
