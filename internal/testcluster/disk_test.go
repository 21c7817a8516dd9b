package testcluster_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// smallLog makes segments that are soon copied.
const smallLog = "raft_logstore { wal { segment_size_mb = 1 } }\n"

// TestAServerKilledBeforeItSyncedStartsOnATornLog: what the disk lost of a batch that nobody
// was told of is no damage, wherever it is torn.
func TestAServerKilledBeforeItSyncedStartsOnATornLog(t *testing.T) {
	var log tail
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Config: smallLog, Log: &log}, func(c *testcluster.Cluster) {
		dice := rand.New(rand.NewPCG(1, 0))
		torn := 0
		for i := range 10 {
			leader := c.Leader()
			leader.Trouble(testcluster.Trouble{Sync: time.Second})
			go leader.Ask("", http.MethodPut, fmt.Sprint("/v1/kv/", i), strings.Repeat("x", 1000)) // it dies with the server
			c.WaitFor("a write under way", func() error {
				if !leader.Writes() {
					return fmt.Errorf("nothing is")
				}
				return nil
			})
			leader.Kill()
			if leader.Tear(dice) {
				torn++
			}
			leader.Trouble(testcluster.Trouble{})
			leader.Start()
			c.PutKV("after", fmt.Sprint(i))
		}
		if torn < 8 {
			t.Errorf("%d of 10 were torn", torn)
		}
	})
	if said := strings.Count(log.String(), "torn"); said == 0 {
		t.Errorf("no server said that it found a torn write:\n%s", log.String())
	}
}

// TestALeaderWhoseDiskIsFullHandsOverInVirtualTimeToo: the pretend disk does what a real one
// does (cmd/praetor: TestLeaderOnAFullDiskHandsOver).
func TestALeaderWhoseDiskIsFullHandsOverInVirtualTimeToo(t *testing.T) {
	var log tail
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Config: smallLog, Log: &log}, func(c *testcluster.Cluster) {
		leader := c.Leader()
		leader.Trouble(testcluster.Trouble{Full: true})
		a := leader.Ask("", http.MethodPut, "/v1/kv/a", "1")
		if !strings.Contains(a.Body, "no space left on device: make room there") {
			t.Errorf("%d %q, want the disk to be full", a.Status, a.Body)
		}
		c.WaitFor("another leader", func() error {
			if now := c.Leader(); now == leader {
				return fmt.Errorf("%s still leads", now.Name())
			}
			return nil
		})
		c.PutKV("b", "1")
		leader.Trouble(testcluster.Trouble{})
	}) // which wants the same on all servers
}

// TestAServerOnAnOldCopyOfItsDiskAndOneWithAFlippedBitLoseNothing: the first is repaired, the
// second refuses to start and says where, or the bit did not matter.
func TestAServerOnAnOldCopyOfItsDiskAndOneWithAFlippedBitLoseNothing(t *testing.T) {
	var log tail
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Config: smallLog, Log: &log}, func(c *testcluster.Cluster) {
		victim := c.Servers()[1]
		victim.KeepCopy()
		for i := range 50 {
			c.PutKV(fmt.Sprint("a", i), "1")
		}
		victim.Kill()
		victim.PutBack()
		victim.Start()
		c.PutKV("b", "1")
		refused, dice := 0, rand.New(rand.NewPCG(1, 0))
		for range 10 {
			victim.Kill()
			victim.KeepCopy()
			where := victim.FlipBit(dice)
			if err := victim.TryStart(); err == nil {
				continue
			} else if refused++; !strings.Contains(err.Error(), victim.Dir()) {
				t.Errorf("with %s turned: %v", where, err)
			}
			victim.PutBack()
			victim.Start()
		}
		if refused == 0 {
			t.Error("no bit mattered")
		}
	})
}
