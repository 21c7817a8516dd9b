package raftstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/fault"
	"praetor/internal/regular"
)

// maxPeersBytes bounds peers.json: thousands of servers.
const maxPeersBytes = 1 << 20

// peersInfo is the text of peers.info, whose presence says that a peers.json
// beside it is meant for this version (reference/internals.md §9).
const peersInfo = `Praetor keeps the list of servers in the raft log. The file peers.json is not
there in normal operation: it is only for recovery after an outage in which too
many servers were lost for good to elect a leader.

To recover, stop all remaining servers. In the raft folder of each, put the same
peers.json beside this file, naming all servers that remain:

    [
      {"id": "adf4238a-882b-9ddc-4a9d-5b6758e4159e", "address": "10.1.0.1:8300", "non_voter": false},
      {"id": "8b6dda82-3103-11e7-93ae-92361f002671", "address": "10.1.0.2:8300", "non_voter": false}
    ]

"id" is the content of the server's node-id file in its data folder; "address"
is its RPC address; "non_voter" may be left out. Then start the servers. Each
reads its peers.json once, takes it as the new list, and deletes it.

Do not delete this file: a peers.json without it is deleted unread.
`

// recoverPeers does what peers.json asks for, if it is there: it becomes the
// list of servers, and all log entries count as committed. Afterwards the
// machine holds a state that NewRaft replaces.
func (f *folder) recoverPeers(conf *raft.Config, machine raft.FSM, logger hclog.Logger) error {
	if f.dir == "" {
		return nil
	}
	info, err := exists(f.path(peersInfoFile))
	if err != nil {
		return err
	}
	json, err := exists(f.path(peersJSONFile))
	if err != nil {
		return err
	}
	switch {
	case !info && json:
		logger.Warn("deleting peers.json unread: there is no peers.info beside it", "path", f.path(peersJSONFile))
		if err := f.disk.Remove("peers.json", f.path(peersJSONFile)); err != nil {
			return err
		}
	case json:
		return f.recoverFrom(f.path(peersJSONFile), conf, machine, logger)
	}
	return f.writePeersInfo(info, logger)
}

// writePeersInfo writes peers.info where it is missing or is not what was written.
func (f *folder) writePeersInfo(found bool, logger hclog.Logger) error {
	last, err := f.logs.LastIndex()
	if err != nil {
		return err
	}
	text, err := regular.Read(f.path(peersInfoFile), maxPeersBytes)
	switch {
	case err == nil && string(text) == peersInfo:
		return nil
	case found:
		logger.Info("peers.info is not what this version writes: writing it anew", "path", f.path(peersInfoFile))
	case last > 0:
		logger.Info("peers.info is missing: writing it anew", "path", f.path(peersInfoFile))
	}
	return f.disk.WriteFile("peers.info", f.path(peersInfoFile), []byte(peersInfo), 0o644)
}

func (f *folder) recoverFrom(path string, conf *raft.Config, machine raft.FSM, logger hclog.Logger) error {
	logger.Info("found peers.json: recovering the list of servers", "path", path)
	servers, err := readPeers(path)
	if err != nil {
		return err
	}
	// The transport only says how to write addresses down.
	_, trans := raft.NewInmemTransport("")
	defer func() { _ = trans.Close() }()
	if err := raft.RecoverCluster(conf, machine, f.logs, f.stable, f.snapshots, trans, servers); err != nil {
		return fmt.Errorf("recover from %s: %w", path, err)
	}
	if err := f.forgetSeen(); err != nil {
		return err
	}
	if err := f.disk.Remove("peers.json", path); err != nil {
		return err
	}
	logger.Info("deleted peers.json after recovery", "servers", len(servers.Servers))
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func readPeers(path string) (raft.Configuration, error) {
	file, err := regular.Open(path)
	if err != nil {
		return raft.Configuration{}, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxPeersBytes+1))
	if err != nil {
		return raft.Configuration{}, err
	}
	conf, err := parsePeers(data)
	if err != nil {
		return raft.Configuration{}, fault.New(fault.Invalid, "%s: %w", path, err)
	}
	return conf, nil
}

// peerEntry is a server in a peers.json.
type peerEntry struct {
	ID       string `json:"id"`
	Address  string `json:"address"`
	NonVoter bool   `json:"non_voter"`
}

// parsePeers reads a peers.json: [{"id": …, "address": …, "non_voter": …}].
func parsePeers(data []byte) (raft.Configuration, error) {
	var conf raft.Configuration
	if len(data) > maxPeersBytes {
		return conf, fmt.Errorf("is longer than %d bytes", maxPeersBytes)
	}
	var entries []peerEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return conf, fmt.Errorf("is not a list of servers: %w", err)
	}
	for i, e := range entries {
		if e.ID == "" || e.Address == "" {
			return conf, fmt.Errorf("server %d needs an \"id\" and an \"address\"", i+1)
		}
		conf.Servers = append(conf.Servers, server(Peer{ID: e.ID, Address: e.Address, Voter: !e.NonVoter}))
	}
	return conf, checkServers(conf)
}

// checkServers says what raft would say, before anything is changed.
func checkServers(conf raft.Configuration) error {
	ids, addresses, voters := map[raft.ServerID]bool{}, map[raft.ServerAddress]bool{}, 0
	for _, s := range conf.Servers {
		switch {
		case s.ID == "" || s.Address == "":
			return fmt.Errorf("names a server without an id or an address (%q at %q)", s.ID, s.Address)
		case ids[s.ID]:
			return fmt.Errorf("names the id %s twice", s.ID)
		case addresses[s.Address]:
			return fmt.Errorf("names the address %s twice", s.Address)
		}
		ids[s.ID], addresses[s.Address] = true, true
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	if voters == 0 {
		return errors.New("names no server with a vote")
	}
	return nil
}
