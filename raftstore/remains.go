package raftstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"praetor/internal/fault"
	"praetor/internal/regular"
)

// Remains is what the raft folder of a server that does not run holds.
type Remains struct {
	ID                  string // of the server whose folder it is
	LastIndex, LastTerm uint64
	LastWritten         time.Time // by the clock of who led then; zero if the log is empty
	Peers               []Peer    // the newest configuration, committed or not
}

// Survey looks at the raft folder of a server that does not run; the caller holds
// the data folder's lock. It changes no more than a start does: a write that was torn
// before it was acknowledged is cut off. A damaged folder is refused, as at a start.
func Survey(dir string, logger hclog.Logger) (Remains, error) {
	owner, err := ownerOf(dir)
	if err != nil {
		return Remains{}, err
	}
	opts := &Options{ID: owner, Dir: dir, Logger: logger, SegmentBytes: defaultSegmentBytes}
	if err := opts.setDefaults(); err != nil {
		return Remains{}, err
	}
	f, err := openFolder(opts)
	if err != nil {
		return Remains{}, err
	}
	r, err := f.survey(opts)
	return r, errors.Join(err, f.Close())
}

// ownerOf tells whose raft folder it is, if it is one.
func ownerOf(dir string) (string, error) {
	path := filepath.Join(dir, stableFile)
	if there, err := exists(path); err != nil {
		return "", err
	} else if !there {
		return "", fault.New(fault.Invalid, "%s is not there: no server has its log here", path)
	}
	stable, err := openStable(path, &disk{})
	if err != nil {
		return "", err
	}
	owner, err := stable.Get(ownerKey)
	if err == nil && owner == nil {
		err = fault.New(fault.Invalid, "%s names no server: none has run here", path)
	}
	return string(owner), errors.Join(err, stable.Close())
}

func (f *folder) survey(opts *Options) (Remains, error) {
	r := Remains{ID: opts.ID}
	var err error
	if r.LastIndex, err = f.logs.LastIndex(); err != nil {
		return r, err
	}
	if r.LastIndex > 0 {
		var end raft.Log
		if err := f.logs.GetLog(r.LastIndex, &end); err != nil {
			return r, err
		}
		r.LastTerm, r.LastWritten = end.Term, end.AppendedAt
	}
	list, err := f.snapshots.List()
	if err != nil {
		return r, err
	}
	if len(list) > 0 && list[0].Index > r.LastIndex {
		r.LastIndex, r.LastTerm = list[0].Index, list[0].Term
	}
	if r.LastIndex == 0 {
		return r, fault.New(fault.Invalid, "%s holds no entry and no snapshot: there is nothing to recover", f.dir)
	}
	conf, err := f.configuration(opts)
	for _, s := range conf.Servers {
		r.Peers = append(r.Peers, Peer{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter})
	}
	return r, err
}

// configuration is the newest one, as raft would find it.
func (f *folder) configuration(opts *Options) (conf raft.Configuration, err error) {
	defer func() {
		if p := recover(); p != nil { // raft's way to say that an entry cannot be read
			err = fmt.Errorf("read the list of servers in %s: %v", f.dir, p)
		}
	}()
	settings := opts.raftConfig()
	settings.Logger = hclog.NewNullLogger()
	settings.NoSnapshotRestoreOnStart = true // the state itself does not matter
	_, trans := raft.NewInmemTransport("")
	defer func() { _ = trans.Close() }()
	return raft.GetConfiguration(settings, nil, f.logs, f.stable, f.snapshots, trans)
}

// OrderRecovery copies a raft folder to backup, which must not be there, and then
// orders the next Open of it to make peers the list of servers, by a peers.json. The
// caller holds the data folder's lock. Without an error all of it is on disk.
func OrderRecovery(dir, backup string, peers []Peer) error {
	entries, conf := make([]peerEntry, len(peers)), raft.Configuration{}
	for i, p := range peers {
		entries[i] = peerEntry{ID: p.ID, Address: p.Address, NonVoter: !p.Voter}
		conf.Servers = append(conf.Servers, server(p))
	}
	if err := checkServers(conf); err != nil {
		return fault.New(fault.Invalid, "the list of servers %w", err)
	}
	text, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return err
	}
	if err := copyFolder(dir, backup); err != nil {
		return fmt.Errorf("back up the raft folder: %w", err)
	}
	d := &disk{}
	return errors.Join(
		d.WriteFile("peers.info", filepath.Join(dir, peersInfoFile), []byte(peersInfo), 0o644),
		d.WriteFile("peers.json", filepath.Join(dir, peersJSONFile), append(text, '\n'), fileMode))
}

// copyFolder copies a raft folder, synced. Half a copy is removed.
func copyFolder(from, to string) (err error) {
	if err := os.Mkdir(to, folderMode); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(to))
		}
	}()
	d := &disk{}
	var folders []string
	err = filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		copied := filepath.Join(to, name)
		switch {
		case e.IsDir():
			folders = append(folders, copied)
			return os.MkdirAll(copied, folderMode)
		case !e.Type().IsRegular():
			return nil // nothing of ours
		}
		in, err := regular.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
		return d.WriteNew("backup", copied, fileMode, func(out *os.File) error {
			_, err := io.Copy(out, in)
			return err
		})
	})
	for _, folder := range append(folders, filepath.Dir(to)) {
		if err == nil {
			err = d.SyncFolder("backup", folder)
		}
	}
	return err
}
