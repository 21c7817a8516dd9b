package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a disk of its own under a node's data folder.
func smallDisk(t *testing.T, n *node, megabytes int) (folder string) {
	t.Helper()
	folder = filepath.Join(n.dir, "data")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		n.stop() // before the disk goes
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// fillDisk leaves no byte free on a folder's disk, until the file it returns is removed.
func fillDisk(t *testing.T, folder string) (path string) {
	t.Helper()
	fill, err := os.Create(filepath.Join(folder, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	defer fill.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = fill.Write(block)
		}
	}
	return fill.Name()
}

// A leader whose disk is full hands over: the others go on writing within seconds, and
// it takes part again when there is room.
func TestLeaderOnAFullDiskHandsOver(t *testing.T) {
	t.Parallel()
	var servers []*node
	folders := map[*node]string{}
	for i := 1; i <= 3; i++ {
		n := newNode(t, fmt.Sprintf("s%d", i), fmt.Sprintf("127.77.146.%d", i), "-server", "-bootstrap-expect=3",
			"-retry-join=127.77.146.1", "-retry-join=127.77.146.2", "-retry-join=127.77.146.3")
		folders[n] = smallDisk(t, n, 256)
		servers = append(servers, n.start())
	}
	for _, n := range servers {
		waitFor(t, "whole cluster at "+n.name, 60*time.Second, func() error { return wantWhole(n, len(servers)) })
	}
	order := lastLeader(t, servers)
	full, other := order[2], order[0]
	fill := fillDisk(t, folders[full])
	var acked []string
	write := func(n *node, size int) error {
		key := fmt.Sprintf("load/%d", len(acked))
		err := n.put("/v1/kv/"+key, key+strings.Repeat(" ", size))
		if err == nil {
			acked = append(acked, key)
		}
		return err
	}
	waitFor(t, "write that finds the disk full", 10*time.Second, func() error { // the segment in use has room for some
		for range 20 {
			if err := write(full, 400<<10); err != nil {
				if !strings.Contains(err.Error(), "no space left on device: make room there") {
					t.Error(err)
				}
				return nil
			}
		}
		if lastLeader(t, servers)[2] != full {
			return nil // a busy machine was quicker
		}
		return fmt.Errorf("%d were stored", len(acked))
	})
	took := waitFor(t, "write by the others", 10*time.Second, func() error { return write(other, 100) })
	t.Logf("after %d writes the disk was full; another leader stored one after %s", len(acked)-1, took.Round(time.Millisecond))
	for range 50 { // on a busy machine leadership may move again, and to the full disk
		waitFor(t, "further write by the others", 10*time.Second, func() error { return write(other, 10<<10) })
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	for _, n := range servers {
		waitFor(t, "whole cluster at "+n.name, 30*time.Second, func() error { return wantWhole(n, len(servers)) })
		waitFor(t, "all writes at "+n.name, 20*time.Second, func() error { return wantAll(n, acked) })
	}
}
