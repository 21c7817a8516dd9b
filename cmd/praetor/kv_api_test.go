package main_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func TestTheRealClientWritesKeys(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.18.1")
	kv := c.KV()
	put := func(key, value string) {
		if _, err := kv.Put(&api.KVPair{Key: key, Value: []byte(value), Flags: 7}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"app/a", "app/b/c", "app/ü/", "other"} {
		put(key, "v "+key)
	}
	pair, meta, err := kv.Get("app/a", nil)
	c.same("get", fmt.Sprintf("%s %d", pair.Value, pair.Flags), "v app/a 7", err)
	c.wantMeta("get", meta)
	absent, meta, err := kv.Get("none", nil)
	c.same("absent", absent == nil, true, err)
	c.wantMeta("absent", meta)

	list, meta, err := kv.List("app/", nil)
	c.same("list", names(list, func(p *api.KVPair) string { return p.Key }), []string{"app/a", "app/b/c", "app/ü/"}, err)
	c.wantMeta("list", meta)
	keys, _, err := kv.Keys("app/", "/", nil)
	c.same("keys", keys, []string{"app/a", "app/b/", "app/ü/"}, err)

	done, _, err := kv.CAS(&api.KVPair{Key: "app/a", Value: []byte("new"), ModifyIndex: pair.ModifyIndex}, nil)
	c.same("cas", done, true, err)
	done, _, err = kv.CAS(&api.KVPair{Key: "app/a", Value: []byte("newer"), ModifyIndex: pair.ModifyIndex}, nil)
	c.same("cas of an old index", done, false, err)
	done, _, err = kv.CAS(&api.KVPair{Key: "created"}, nil)
	c.same("cas of 0 creates", done, true, err)
	done, _, err = kv.DeleteCAS(&api.KVPair{Key: "app/a", ModifyIndex: pair.ModifyIndex}, nil)
	c.same("delete of an old index", done, false, err)

	waiting := make(chan *api.KVPair, 1)
	_, meta, err = kv.Get("other", nil)
	c.same("before waiting", err, nil, nil)
	go func() {
		pair, _, err := kv.Get("other", &api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: time.Minute})
		if err != nil {
			t.Error(err)
		}
		waiting <- pair
	}()
	put("other", "changed")
	select {
	case pair := <-waiting:
		c.same("wake-up", string(pair.Value), "changed", nil)
	case <-time.After(20 * time.Second):
		t.Error("a blocked reader was not woken within 20s")
	}

	_, err = kv.DeleteTree("app/", nil)
	c.same("delete tree", err, nil, nil)
	_, err = kv.Delete("created", nil)
	c.same("delete", err, nil, nil)
	keys, _, err = kv.Keys("", "", nil)
	c.same("left", keys, []string{"other"}, err)
	_, err = kv.Put(&api.KVPair{Key: "big", Value: make([]byte, 512<<10+1)}, nil)
	if err == nil || !strings.Contains(err.Error(), "413") {
		t.Errorf("a value over 512 KiB: %v", err)
	}
}

func TestTheRealClientLocksKeysInSessions(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.19.1")
	kv, sessions := c.KV(), c.Session()
	one, _, err := sessions.Create(&api.SessionEntry{Name: "one", TTL: "10s", LockDelay: time.Millisecond, Behavior: api.SessionBehaviorDelete}, nil)
	c.same("create", err, nil, nil)
	two, _, err := sessions.CreateNoChecks(&api.SessionEntry{Name: "two"}, nil)
	c.same("create without checks", err, nil, nil)

	entry, meta, err := sessions.Info(one, nil)
	c.same("info", fmt.Sprintln(entry.Name, entry.TTL, entry.Behavior, entry.LockDelay, entry.NodeChecks), "one 10s delete 1ms [serfHealth]\n", err)
	c.wantMeta("info", meta)
	entry, _, err = sessions.Info(two, nil)
	c.same("info without checks", fmt.Sprintln(entry.Name, entry.TTL, entry.Behavior, entry.LockDelay, len(entry.NodeChecks)), "two  release 15s 0\n", err)
	list, _, err := sessions.List(nil)
	c.same("list", len(list), 2, err)
	list, _, err = sessions.Node("a", nil)
	c.same("of the node", len(list), 2, err)
	entry, _, err = sessions.Renew(one, nil)
	c.same("renew", entry.ID, one, err)

	acquire := func(session string) bool {
		ok, _, err := kv.Acquire(&api.KVPair{Key: "leader", Value: []byte(session), Session: session}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	c.same("first", acquire(one), true, nil)
	c.same("second", acquire(two), false, nil)
	ok, _, err := kv.Release(&api.KVPair{Key: "leader", Session: two}, nil)
	c.same("release of another's", ok, false, err)
	_, err = sessions.Destroy(one, nil)
	c.same("destroy", err, nil, nil)
	pair, _, err := kv.Get("leader", nil)
	c.same("key of a session that deletes", pair == nil, true, err)
	waitFor(t, "end of the lock-delay", 10*time.Second, func() error {
		if !acquire(two) {
			return errors.New("not acquired")
		}
		return nil
	})
	ok, _, err = kv.Release(&api.KVPair{Key: "leader", Session: two}, nil)
	c.same("release", ok, true, err)

	stop := make(chan struct{})
	ended := make(chan error, 1)
	go func() { ended <- sessions.RenewPeriodic("10s", two, nil, stop) }()
	close(stop)
	c.same("renewing that is told to stop destroys", <-ended, nil, nil)
	entry, _, err = sessions.Info(two, nil)
	c.same("destroyed", entry == nil, true, err)
	entry, _, err = sessions.Renew(two, nil)
	c.same("renewal of what is gone", entry == nil, true, err)
}

func TestTheRealClientRunsTransactions(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.20.1")
	txn := c.Txn()
	key := func(verb api.KVOp, name string, index uint64) *api.TxnOp {
		return &api.TxnOp{KV: &api.KVTxnOp{Verb: verb, Key: name, Value: []byte("v"), Index: index}}
	}
	node := api.Node{Node: "n1", Address: "10.0.0.1"}
	ok, answer, _, err := txn.Txn(api.TxnOps{
		{Node: &api.NodeTxnOp{Verb: api.NodeSet, Node: node}},
		{Service: &api.ServiceTxnOp{Verb: api.ServiceSet, Node: "n1", Service: api.AgentService{ID: "w1", Service: "web", Port: 80}}},
		{Check: &api.CheckTxnOp{Verb: api.CheckSet, Check: api.HealthCheck{Node: "n1", CheckID: "c1", Name: "c1", ServiceID: "w1", Status: api.HealthPassing}}},
		key(api.KVSet, "a", 0),
		key(api.KVCheckNotExists, "b", 0),
	}, nil)
	c.same("writes", ok, true, err)
	if err == nil && (len(answer.Results) != 4 || answer.Results[0].Node.Node != "n1" || answer.Results[1].Service.Port != 80 ||
		answer.Results[2].Check.CheckID != "c1" || answer.Results[3].KV.Key != "a") {
		t.Errorf("results %+v", answer.Results)
	}
	entries, _, err := c.Health().Service("web", "", true, nil)
	c.same("health", entryIDs(entries), []string{"w1"}, err)

	ok, answer, _, err = txn.Txn(api.TxnOps{key(api.KVSet, "b", 0), key(api.KVCAS, "a", 1), key(api.KVDelete, "a", 0)}, nil)
	c.same("a stale index", ok, false, err)
	if err == nil && (len(answer.Errors) != 1 || answer.Errors[0].OpIndex != 1 || len(answer.Results) != 0) {
		t.Errorf("errors %+v", answer.Errors)
	}
	keys, _, err := c.KV().Keys("", "", nil)
	c.same("nothing of it was done", keys, []string{"a"}, err)

	ok, answer, meta, err := txn.Txn(api.TxnOps{key(api.KVGet, "a", 0), key(api.KVGetTree, "a", 0), {Node: &api.NodeTxnOp{Verb: api.NodeGet, Node: node}}}, &api.QueryOptions{AllowStale: true})
	c.same("reads", ok, true, err)
	if err == nil && (len(answer.Results) != 3 || !meta.KnownLeader) {
		t.Errorf("read %+v, %+v", answer.Results, meta)
	}

	old, reply, _, err := c.KV().Txn(api.KVTxnOps{{Verb: api.KVSet, Key: "z", Value: []byte("1")}}, nil)
	c.same("the older method", old, true, err)
	c.same("its results", len(reply.Results), 1, nil)
}

func TestTheRealClientOperatesTheCluster(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.21.1")
	op := c.Operator()
	raft, err := op.RaftGetConfiguration(nil)
	c.same("raft", err, nil, nil)
	if err == nil && (len(raft.Servers) != 1 || raft.Servers[0].Node != "a" || !raft.Servers[0].Leader || !raft.Servers[0].Voter) {
		t.Errorf("raft %+v", raft.Servers[0])
	}
	if err := op.RaftRemovePeerByAddress("127.77.21.9:8300", nil); err == nil || !strings.Contains(err.Error(), "was not found in the Raft configuration") {
		t.Errorf("removal of an unknown address: %v", err)
	}
	if err := op.RaftRemovePeerByID("nobody", nil); err == nil || !strings.Contains(err.Error(), "was not found in the Raft configuration") {
		t.Errorf("removal of an unknown ID: %v", err)
	}
	if _, err := op.RaftLeaderTransfer("", nil); err == nil {
		t.Error("a lone server handed leadership on")
	}

	pilot, err := op.AutopilotGetConfiguration(nil)
	c.same("autopilot", err, nil, nil)
	pilot.LastContactThreshold = api.NewReadableDuration(3 * time.Second)
	done, err := op.AutopilotCASConfiguration(pilot, nil)
	c.same("autopilot cas", done, true, err)
	done, err = op.AutopilotCASConfiguration(pilot, nil)
	c.same("autopilot cas of an old index", done, false, err)
	pilot.CleanupDeadServers = false
	c.same("autopilot set", op.AutopilotSetConfiguration(pilot, nil), nil, nil)
	pilot, err = op.AutopilotGetConfiguration(nil)
	c.same("autopilot after", fmt.Sprint(pilot.CleanupDeadServers, pilot.LastContactThreshold), "false 3s", err)
	waitFor(t, "healthy server", 20*time.Second, func() error {
		health, err := op.AutopilotServerHealth(nil)
		if err == nil && (!health.Healthy || len(health.Servers) != 1) {
			err = fmt.Errorf("%+v", health)
		}
		return err
	})
	state, err := op.AutopilotState(nil)
	c.same("autopilot state", len(state.Servers), 1, err)

	usage, meta, err := op.Usage(nil)
	c.same("usage", usage.Usage["dc1"].Nodes, 1, err)
	c.wantMeta("usage", meta)
	if _, err := op.KeyringList(nil); err == nil || !strings.Contains(err.Error(), "encryption not enabled") {
		t.Errorf("keys of a pool without encryption: %v", err)
	}
}

func TestTheRealClientTurnsGossipKeys(t *testing.T) {
	t.Parallel()
	const first, second = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=", "HS5lJ+XuTlYKWaeGYyG+/A=="
	n := newNode(t, "a", "127.77.22.1", "-server", "-bootstrap-expect=1", "-encrypt="+first).start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	cl, err := api.NewClient(&api.Config{Address: n.ip + ":8500"})
	if err != nil {
		t.Fatal(err)
	}
	c, op := &client{t, cl, "a"}, cl.Operator()
	keys := func() string {
		pools, err := op.KeyringList(nil)
		if err != nil {
			return err.Error()
		}
		text := ""
		for _, p := range pools {
			text += fmt.Sprint(p.WAN, p.Datacenter, p.Keys, p.PrimaryKeys)
		}
		return text
	}
	both := func(keys, primary string) string {
		return fmt.Sprintf("truedc1map[%[1]s] map[%[2]s]falsedc1map[%[1]s] map[%[2]s]", keys, primary)
	}
	c.same("first", keys(), both(first+":1", first+":1"), nil)
	c.same("install", op.KeyringInstall(second, nil), nil, nil)
	c.same("use", op.KeyringUse(second, nil), nil, nil)
	c.same("both", keys(), both(second+":1 "+first+":1", second+":1"), nil)
	c.same("remove", op.KeyringRemove(first, nil), nil, nil)
	c.same("last", keys(), both(second+":1", second+":1"), nil)
	if err := op.KeyringRemove(second, nil); err == nil {
		t.Error("the primary key was removed")
	}
}
