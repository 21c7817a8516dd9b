package testcluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing/synctest"
	"time"
)

// Trouble is what is wrong with the disk of a server's log. The zero Trouble is none.
type Trouble struct {
	Write, Sync time.Duration // what one takes
	Full        bool
	Fails       bool // syncs: what was written before may be there or not
}

// disk is a node's, as its server's log finds it.
type disk struct {
	mu      sync.Mutex
	trouble Trouble
	life    int
	under   batch // written and not synced yet
	left    batch // what was, when the node was killed
}

// batch is the end of the log's newest file, from a place on.
type batch struct {
	file  string // "" for none
	begin int64
}

// Trouble makes the node's disk a bad one from now on. Virtual only.
func (n *Node) Trouble(t Trouble) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.disk.trouble = t
}

// Writes tells whether a batch of entries is written and not synced.
func (n *Node) Writes() bool {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	return n.disk.under.file != ""
}

// fileOp is the hook of one life of the node, nil on the real ground.
func (n *Node) fileOp() func(label string) error {
	if n.c.net == nil {
		return nil
	}
	d := &n.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	life, dir := d.life, n.Dir()
	d.under = batch{}
	return func(label string) error {
		// Raft ends its process when it cannot keep a vote, so what keeps it has no faults.
		if kind, _, _ := strings.Cut(label, ":"); kind != "wal" && kind != "snapshot" && kind != "probe" {
			return nil
		}
		t := d.begin(life, label, dir)
		switch {
		case t.Full && label != "wal:remove" && label != "wal:syncdir":
			return syscall.ENOSPC
		case label == "wal:sync":
			time.Sleep(t.Sync)
			d.synced(life)
			if t.Fails {
				return syscall.EIO
			}
		case label == "wal:write" || strings.HasPrefix(label, "snapshot:"):
			time.Sleep(t.Write)
		}
		return nil
	}
}

// begin notes what is about to be written, and tells what is wrong.
func (d *disk) begin(life int, label, dir string) Trouble {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life != life {
		return Trouble{}
	}
	if label == "wal:write" && d.trouble.Sync > 0 && d.under.file == "" {
		// An error is for whoever tears it: no batch then.
		if files, err := filepath.Glob(filepath.Join(dir, "raft", "wal", "*.wal")); err == nil && len(files) > 0 {
			last := files[len(files)-1]
			if b, err := os.ReadFile(last); err == nil {
				d.under = batch{filepath.Base(last), used(b)}
			}
		}
	}
	return d.trouble
}

func (d *disk) synced(life int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life == life {
		d.under = batch{}
	}
}

func (d *disk) killed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.under = d.under, batch{}
	d.life++ // what the process does from here on is none of it
}

// used is up to where a file that ends with zeros holds something.
func used(b []byte) int64 { return int64(len(bytes.TrimRight(b, "\x00"))) }

// Tear loses some of what the node had written and not synced when it was killed, as a power
// cut does; false if there was nothing.
func (n *Node) Tear(r *rand.Rand) bool {
	n.c.t.Helper()
	left := n.disk.left
	if n.disk.left = (batch{}); left.file == "" {
		return false
	}
	path := filepath.Join(n.Dir(), "raft", "wal", left.file)
	b, err := os.ReadFile(path)
	if err != nil {
		n.c.t.Fatalf("tear: %v", err)
	}
	end := used(b)
	if end <= left.begin {
		return false
	}
	from := left.begin + r.Int64N(end-left.begin)
	clear(b[from : from+1+r.Int64N(end-from)])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		n.c.t.Fatalf("tear: %v", err)
	}
	return true
}

// FlipBit turns a bit of something that the node, which must not run, keeps of Raft, and
// tells where.
func (n *Node) FlipBit(r *rand.Rand) string {
	n.c.t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(n.Dir(), "raft"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		n.c.t.Fatalf("files of %s: %v, %v", n.name, files, err)
	}
	for {
		path := files[r.IntN(len(files))]
		b, err := os.ReadFile(path)
		if err != nil {
			n.c.t.Fatalf("flip: %v", err)
		}
		if used(b) == 0 {
			continue
		}
		at, bit := r.Int64N(used(b)), r.IntN(8)
		b[at] ^= 1 << bit
		if err := os.WriteFile(path, b, 0o600); err != nil {
			n.c.t.Fatalf("flip: %v", err)
		}
		return fmt.Sprintf("bit %d of byte %d of %s", bit, at, strings.TrimPrefix(path, n.Dir()))
	}
}

// KeepCopy copies the node's folder as it is now, and PutBack has the node, which must not
// run, find that again. Virtual only.
func (n *Node) KeepCopy() {
	n.c.t.Helper()
	synctest.Wait()
	n.replace(n.copyDir(), n.Dir())
}

// PutBack: see KeepCopy.
func (n *Node) PutBack() {
	n.c.t.Helper()
	n.replace(n.Dir(), n.copyDir())
}

func (n *Node) copyDir() string { return filepath.Join(n.dir, "copy") }

func (n *Node) replace(to, from string) {
	n.c.t.Helper()
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		n.c.t.Fatalf("copy of %s: %v", n.name, err)
	}
}
