package testcluster_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"praetor/internal/ops"
	"praetor/internal/testcluster"
)

// TestKeysAreRotatedWhileTheClusterWorks replaces the gossip key, which port 8300
// asks for too, and then has every server make new connections.
func TestKeysAreRotatedWhileTheClusterWorks(t *testing.T) {
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Encrypt: true}, func(c *testcluster.Cluster) {
		next := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
		n := 0
		write := func() {
			for range 20 {
				n++
				if err := c.TryPutKV(c.Clients()[0], fmt.Sprint("k", n), "v"); err != nil {
					t.Errorf("write %d: %v", n, err)
				}
				pass(50 * time.Millisecond)
			}
		}
		for _, step := range []struct {
			action ops.KeyringAction
			key    string
		}{{ops.KeyringInstall, next}, {ops.KeyringUse, next}, {ops.KeyringRemove, testcluster.GossipKey}} {
			rep, err := ops.OperatorKeyring.Call(context.Background(), c.Clients()[0].Agent().Router(), &ops.OperatorKeyringRequest{Action: step.action, Key: step.key})
			if err != nil {
				t.Fatalf("%v: %+v, %v", step.action, rep, err)
			}
			write()
		}
		for i, node := range c.Servers() {
			node.Crash()
			c.PutKV(fmt.Sprint("without ", i), "v")
			node.Start()
			c.PutKV(fmt.Sprint("with ", i), "v")
		}
		c.Clients()[0].Crash()
		c.Clients()[0].Start()
		c.WantKV("k1", "v")
	})
}
