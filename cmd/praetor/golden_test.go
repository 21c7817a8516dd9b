package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestDataOfEarlierVersionsIsRead starts on copies of the folders that earlier
// versions left (CONTRIBUTING.md says how to add one): killed, with snapshots and
// a log of two segments behind them.
func TestDataOfEarlierVersionsIsRead(t *testing.T) {
	t.Parallel()
	versions, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no folders: %v", err)
	}
	for i, version := range versions {
		for k, folder := range []string{"wal", "bolt"} {
			args := []string{"-server", "-bootstrap"}
			if folder == "bolt" {
				args = append(args, "-datacenter=dc2")
			}
			n := newNode(t, "golden-"+folder, fmt.Sprintf("127.77.63.%d", 1+10*i+k), args...)
			unpackFolder(t, filepath.Join(version, folder+".tar.gz"), n.dir)
			n.start()
			waitFor(t, "leader", 20*time.Second, n.hasLeader)
			for key := 1; key <= 180; key++ {
				var rows []struct{ Value []byte }
				if err := n.get(fmt.Sprintf("/v1/kv/golden/%d", key), &rows); err != nil || len(rows) != 1 || string(rows[0].Value) != fmt.Sprintf("value %d", key) {
					t.Fatalf("%s: key %d: %v, %v\n%s", folder, key, rows, err, n.tail())
				}
			}
			var service struct{ Port int }
			if err := n.get("/v1/agent/service/web1", &service); err != nil || service.Port != 80 {
				t.Errorf("%s: service of the journal: %+v, %v", folder, service, err)
			}
			n.stop()
		}
		n := newNode(t, "golden-client", fmt.Sprintf("127.77.63.%d", 3+10*i))
		unpackFolder(t, filepath.Join(version, "client.tar.gz"), n.dir)
		n.start()
		waitFor(t, "the client's services", 20*time.Second, func() error {
			var service struct{ Port int }
			if err := n.get("/v1/agent/service/db1", &service); err != nil || service.Port != 5432 {
				return fmt.Errorf("service of the journal: %+v, %v", service, err)
			}
			return nil
		})
		n.stop()
	}
}

func unpackFolder(t *testing.T, archive, dir string) {
	t.Helper()
	cmd := exec.Command("tar", "-xzf", archive, "-C", dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}
