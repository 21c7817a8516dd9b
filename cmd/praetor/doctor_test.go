package main_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDoctorExaminesACluster looks at three servers, all well and then one after the other
// gone.
func TestDoctorExaminesACluster(t *testing.T) {
	t.Parallel()
	const network = "127.77.66"
	var servers []*node
	for _, i := range []string{"1", "2", "3"} {
		n := newNode(t, "s"+i, network+"."+i, "-server", "-bootstrap-expect=3", "-retry-join", network+".1", "-encrypt", "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=",
			"-hcl=autopilot { cleanup_dead_servers = false }") // or a dead one is gone before the doctor has seen it
		servers = append(servers, n.start())
	}
	n := servers[0]
	waitFor(t, "healthy cluster", time.Minute, func() error {
		return examined(n, 0, "3 of 3 members live", "the members' ports are open (6)", "3 clocks within 2s of this machine's", "leads 3 voters", "fsync takes ", ":8600 answers")
	})
	if status, text, err := n.request("GET", "/v1/agent/doctor", ""); err != nil || status != 200 || !strings.Contains(text, "leads 3 voters") || !strings.Contains(text, "fsync takes ") || strings.Contains(text, `"problem"`) {
		t.Errorf("the agent's own doctor: %d %v\n%s", status, err, text)
	}
	servers[2].kill()
	waitFor(t, "warning", time.Minute, func() error {
		return examined(n, 1, "1 member failed: s3", "one more lost server stops the cluster: 2 of 3 voters live")
	})
	if out, errs, code := n.cli("force-leave", "s3"); code != 0 {
		t.Fatal(out, errs)
	}
	waitFor(t, "warning of what is left", time.Minute, func() error {
		return examined(n, 1, "no server may be lost now: 2 of 2 are needed; s3 left ", " ago")
	})
	servers[1].kill()
	waitFor(t, "problem", time.Minute, func() error {
		return examined(n, 2, "no server leads", "1 of 2 voters live, and 2 are needed: s2")
	})
	begin := time.Now()
	out, _, _ := n.cli("doctor")
	if first := strings.Join(strings.Fields(out), " "); !strings.HasPrefix(first, "problem leader no server leads") || strings.Count(first, "problem ") != 1 {
		t.Errorf("the loss of the leader is not the first and only problem:\n%s", out)
	}
	t.Logf("that no server leads was said within %s", time.Since(begin))
	left, err := os.ReadDir(n.dir + "/data")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		if strings.HasPrefix(file.Name(), ".doctor") {
			t.Errorf("%s was left in the data folder", file.Name())
		}
	}
	n.kill()
	if err := examined(n, 2, "the agent does not answer", "nothing listens there"); err != nil {
		t.Error(err)
	}
}

// TestDoctorSaysWhyAnAgentStaysOut asks agents that are kept out of a cluster by their
// name, their ID and lists of networks, theirs and others'.
func TestDoctorSaysWhyAnAgentStaysOut(t *testing.T) {
	t.Parallel()
	const network, id = "127.77.92", "aaaaaaaa-0000-0000-0000-000000000001"
	start := func(name, host string, args ...string) *node {
		return newNode(t, name, network+"."+host, append(args, "-retry-join", network+".1", "-retry-interval=1s")...).start()
	}
	server := newNode(t, "s", network+".1", "-server", "-bootstrap", "-serf-lan-allowed-cidrs", network+".0/29").start()
	host, original := start("host", "2"), start("original", "3", "-node-id", id)
	for _, n := range []*node{host, original} {
		waitFor(t, "it has joined", 30*time.Second, func() error { return examined(n, 0, "the catalog has all of this agent's services") })
	}
	type row struct {
		n     *node
		code  int
		words []string
	}
	examineAll := func(rows ...row) {
		for _, r := range rows {
			waitFor(t, "the doctor's word on "+r.n.name, 30*time.Second, func() error { return examined(r.n, r.code, r.words...) })
		}
	}
	second, picky, shunned := start("host", "4"), start("picky", "6", "-serf-lan-allowed-cidrs=10.0.0.0/8"), start("shunned", "20")
	examineAll(
		row{second, 2, []string{"has not joined the others yet: Failed to join " + network + ".1:8301: Node name 'host' is taken by a living agent at " + network + ".2", "-> give this agent another name (-node)"}},
		row{picky, 2, []string{"serf_lan_allowed_cidrs here (10.0.0.0/8) leaves out " + network + ".1"}},
		row{shunned, 1, []string{"this agent's node has no serfHealth", "is its address in serf_lan_allowed_cidrs of the servers"}},
		row{server, 1, []string{"in the catalog, but no members: shunned (" + network + ".20)"}},
	)
	clone := start("clone", "5", "-node-id", id)
	examineAll(
		row{clone, 2, []string{"Member 'original' has conflicting node ID '" + id + "'", "delete node-id in its data folder"}},
		row{server, 2, []string{"clone, original have one node ID"}},
	)
	// The clone's own log says so in a line.
	clone.kill()
	if text := clone.tail(); !strings.Contains(text, `error="Failed to join `+network+`.1:8301: Member 'original' has conflicting node ID '`+id+`' with this agent's ID (two agents cannot share an ID: delete node-id`) {
		t.Errorf("it does not say why:\n%s", text)
	}
}

// examined runs the doctor and wants its code and words.
func examined(n *node, code int, words ...string) error {
	out, errs, got := n.cli("doctor", "-data-dir", n.dir+"/data")
	said := strings.Join(strings.Fields(out), " ")
	for _, w := range words {
		if got != code || !strings.Contains(said, w) {
			return fmt.Errorf("code %d, want %d and %q in\n%s%s", got, code, w, out, errs)
		}
	}
	return nil
}
