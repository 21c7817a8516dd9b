package agent_test

import (
	"bytes"
	"testing"

	"praetor/agent"
	"praetor/gossip"
)

// pool is one with a key, or without.
func pool(t *testing.T, name string, key []byte) *gossip.Pool {
	t.Helper()
	p, err := gossip.Open(gossip.Options{
		Name: name, BindAddr: "127.0.0.1", EncryptKey: key, EncryptVerifyIncoming: true, EncryptVerifyOutgoing: true,
		Tags: gossip.ClientTags{ID: name, Datacenter: "dc1"}.Map(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestKeysThatAreSharedWithADatacenter(t *testing.T) {
	lanKey, wanKey := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 32)
	lan, wan, open := pool(t, "lan", lanKey), pool(t, "wan", wanKey), pool(t, "open", nil)
	for _, c := range []struct {
		name       string
		lan, wan   *gossip.Pool
		datacenter string
		want       []byte
	}{
		{"the own", lan, wan, "dc1", lanKey},
		{"another", lan, wan, "dc2", wanKey},
		{"another, where the WAN pool has no keys", lan, open, "dc2", lanKey},
		{"another, where the LAN pool has none", open, wan, "dc2", wanKey},
		{"the own, where the LAN pool has none", open, wan, "dc1", nil},
		{"another, of a client", lan, nil, "dc2", lanKey},
		{"no keys", open, open, "dc2", nil},
	} {
		keys := agent.SharedKeys(c.lan, c.wan, "dc1", c.datacenter)
		if c.want == nil && len(keys) > 0 || c.want != nil && (len(keys) != 1 || !bytes.Equal(keys[0], c.want)) {
			t.Errorf("%s: %x, want %x", c.name, keys, c.want)
		}
	}
}
