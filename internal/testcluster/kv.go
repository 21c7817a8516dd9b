package testcluster

import (
	"context"
	"fmt"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// PutKV writes a key through the last running node that is not cut off, and
// remembers it as acknowledged.
func (c *Cluster) PutKV(key, value string) {
	c.t.Helper()
	c.WaitFor("write of "+key, func() error { return c.TryPutKV(c.speaker(), key, value) })
}

// TryPutKV writes a key through one node, once. A success is remembered as
// acknowledged.
func (c *Cluster) TryPutKV(n *Node, key, value string) error {
	_, err := ops.KVApply.Call(context.Background(), n.agent.Router(), &ops.KVApplyRequest{
		Write: catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: key, Value: []byte(value)}},
	})
	if err == nil {
		c.acked[key] = value
	}
	return err
}

// speaker is a running node that reaches the others: a client if there is one.
func (c *Cluster) speaker() *Node {
	var found *Node
	for _, n := range alive(c.home()) {
		if !n.cut {
			found = n
		}
	}
	if found == nil {
		c.t.Fatal("no node runs")
	}
	return found
}

// WantKV wants a key to read value.
func (c *Cluster) WantKV(key, value string) {
	c.t.Helper()
	c.WaitFor("value of "+key, func() error { return readKV(c.speaker(), key, value, rpc.ReadOptions{}) })
}

func readKV(n *Node, key, value string, opts rpc.ReadOptions) error {
	rep, err := ops.KVGet.Call(context.Background(), n.agent.Router(), &ops.KVGetRequest{ReadOptions: opts, Key: key})
	switch {
	case err != nil:
		return err
	case rep.Entry == nil:
		return fmt.Errorf("%s is absent, want %q", key, value)
	case string(rep.Entry.Value) != value:
		return fmt.Errorf("%s is %q, want %q", key, rep.Entry.Value, value)
	}
	return nil
}

// check is what every test ends with.
func (c *Cluster) check() {
	c.t.Helper()
	if len(alive(c.Servers())) == 0 {
		return
	}
	for _, n := range c.nodes {
		if n.cut {
			c.Heal(n)
		}
	}
	c.WaitFor("every acknowledged write", func() error {
		for key, value := range c.acked {
			if err := readKV(c.speaker(), key, value, rpc.ReadOptions{Consistent: true}); err != nil {
				return err
			}
		}
		return nil
	})
	c.WaitFor("the same state on every server", c.sameState)
}

// sameState reports whether the servers of each datacenter hold the same.
func (c *Cluster) sameState() error {
	type first struct {
		name string
		hash uint64
	}
	held := map[int]first{} // by datacenter
	for _, n := range alive(c.nodes) {
		if !n.server {
			continue
		}
		hash, err := n.agent.Server().Store().Read().Hash()
		if err != nil {
			return err
		}
		if one, known := held[n.dc]; !known {
			held[n.dc] = first{n.name, hash}
		} else if hash != one.hash {
			return fmt.Errorf("%s differs from %s", n.name, one.name)
		}
	}
	return nil
}
