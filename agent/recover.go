package agent

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/fault"
	"praetor/raftstore"
)

// Recovery is the data folder of a server that does not run, held while its cluster,
// which has lost the majority of its voters for good, is made anew from it.
type Recovery struct {
	raftstore.Remains
	dir *dataDir
}

// OpenRecovery takes the data folder of a server; fault.Conflict if an agent runs on it.
func OpenRecovery(folder string, logger hclog.Logger) (*Recovery, error) {
	if _, err := os.Stat(filepath.Join(folder, raftFolder)); err != nil {
		return nil, fault.New(fault.Invalid, "%q is not the data_dir of a server: %w", folder, err)
	}
	dir, err := openDataDir(folder)
	if err != nil {
		return nil, err
	}
	r := &Recovery{dir: dir}
	if r.Remains, err = raftstore.Survey(dir.join(raftFolder), logger); err != nil {
		dir.Close()
		return nil, err
	}
	return r, nil
}

// Successors are the voters of the cluster to be: those given, as ID@HOST:PORT, and
// this server, which need not be given unless its address has changed.
func (r *Recovery) Successors(given []string) ([]raftstore.Peer, error) {
	var peers []raftstore.Peer
	for _, text := range given {
		id, address, _ := strings.Cut(text, "@")
		if host, port, err := net.SplitHostPort(address); id == "" || err != nil || host == "" || port == "" {
			return nil, fault.New(fault.Invalid, "%q is no ID@ADDRESS like 2d1c4b5f-a8cf-4e1c-b2c5-3a5e6f6f0a11@10.0.0.1:8300", text)
		}
		peers = append(peers, raftstore.Peer{ID: strings.ToLower(id), Address: address, Voter: true})
	}
	if slices.ContainsFunc(peers, r.isOwn) {
		return peers, nil
	}
	own := slices.IndexFunc(r.Peers, r.isOwn)
	if own < 0 {
		return nil, &fault.Error{Kind: fault.Invalid,
			Text: fmt.Sprintf("this server, %s, is not in its own list of servers, which cannot tell its address;", r.ID),
			Hint: fmt.Sprintf("give it: -peer=%s@ADDRESS:PORT", r.ID)}
	}
	return append([]raftstore.Peer{{ID: r.ID, Address: r.Peers[own].Address, Voter: true}}, peers...), nil
}

func (r *Recovery) isOwn(p raftstore.Peer) bool { return p.ID == r.ID }

// Fate is what becomes of a server.
type Fate struct {
	ID, Address  string
	Was, Becomes string // voter, non-voter, - or gone
}

// Fates are what becomes of the servers known and of the successors, who come first.
func (r *Recovery) Fates(successors []raftstore.Peer) []Fate {
	var fates []Fate
	named := func(peers []raftstore.Peer, id string) int {
		return slices.IndexFunc(peers, func(p raftstore.Peer) bool { return p.ID == id })
	}
	for _, p := range successors {
		was := "-"
		if i := named(r.Peers, p.ID); i >= 0 {
			was = suffrage(r.Peers[i])
		}
		fates = append(fates, Fate{p.ID, p.Address, was, suffrage(p)})
	}
	for _, p := range r.Peers {
		if named(successors, p.ID) < 0 {
			fates = append(fates, Fate{p.ID, p.Address, suffrage(p), "gone"})
		}
	}
	return fates
}

func suffrage(p raftstore.Peer) string {
	if p.Voter {
		return "voter"
	}
	return "non-voter"
}

// Order has the next start of the server make successors the cluster, after it has
// copied the raft folder. It returns where the copy is.
func (r *Recovery) Order(successors []raftstore.Peer, now time.Time) (backup string, err error) {
	backup = r.dir.join(raftFolder + ".before-recovery-" + now.UTC().Format("20060102T150405Z"))
	return backup, raftstore.OrderRecovery(r.dir.join(raftFolder), backup, successors)
}

// Close gives the data folder back.
func (r *Recovery) Close() error { return r.dir.Close() }
