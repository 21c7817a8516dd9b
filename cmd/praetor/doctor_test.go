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
		n := newNode(t, "s"+i, network+"."+i, "-server", "-bootstrap-expect=3", "-retry-join", network+".1", "-encrypt", "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=")
		servers = append(servers, n.start())
	}
	n := servers[0]
	waitFor(t, "healthy cluster", 30*time.Second, func() error {
		return examined(n, 0, "3 of 3 members live", "6 ports of members are open", "3 clocks looked at", "leads 3 voters", "fsync takes ", ":8600 answers")
	})
	servers[2].kill()
	waitFor(t, "warning", 30*time.Second, func() error {
		return examined(n, 1, "1 member failed: s3", "one more lost server stops the cluster: 2 of 3 voters live")
	})
	servers[1].kill()
	waitFor(t, "problem", 30*time.Second, func() error {
		return examined(n, 2, "no server leads", "voters live, and 2 are needed: s2") // autopilot may have removed s3
	})
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
