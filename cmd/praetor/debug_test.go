package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// unpack reads the archive of a recording: what is in its files, by their names below
// the one folder.
func unpack(t *testing.T, file string) map[string][]byte {
	t.Helper()
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for in := tar.NewReader(unzipped); ; {
		header, err := in.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		_, name, _ := strings.Cut(header.Name, "/")
		if path.Base(path.Dir(name)) != "." {
			name = "TIME/" + path.Base(name)
		}
		if files[name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

// keepBusy registers a service again and again, so that the agent has something to log.
func keepBusy(n *node) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { // stop waits
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for port := 1000; ; port++ {
			select {
			case <-tick.C:
				if err := n.put("/v1/agent/service/register", fmt.Sprintf(`{"Name":"busy","Port":%d}`, port)); err != nil {
					n.t.Error(err)
				}
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func TestDebugRecordsARunningAgent(t *testing.T) {
	t.Parallel()
	n := newNode(t, "debugged", "127.77.35.1", "-dev", "-hcl", "enable_debug = true").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	output := filepath.Join(t.TempDir(), "rec")
	defer keepBusy(n)()
	out, errs, code := n.cli("debug", "-duration=10s", "-interval=6s", "-output="+output)
	if code != 0 || errs != "" {
		t.Fatalf("code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		"==> Starting debugger and capturing static information...\n     Agent Version: '1.22.7'\n          Interval: '6s'\n          Duration: '10s'\n",
		"           Capture: 'metrics, logs, pprof, host, agent, members'\n", "==> Beginning capture interval ", " (0)\n", " (1)\n",
		"    Saved debug archive: " + output + ".tar.gz\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	files := unpack(t, output+".tar.gz")
	var self struct{ Config struct{ NodeName string } }
	if err := json.Unmarshal(files["agent.json"], &self); err != nil || self.Config.NodeName != "debugged" {
		t.Errorf("agent.json is of %q, %v", self.Config.NodeName, err)
	}
	var index struct {
		Version int
		Targets []string
	}
	if err := json.Unmarshal(files["index.json"], &index); err != nil || index.Version != 1 || len(index.Targets) != 6 {
		t.Errorf("index.json %+v, %v", index, err)
	}
	for name, part := range map[string]string{
		"host.json": `"Memory"`, "members.json": `"Name": "debugged`, "listpeers.json": "debugged  ", "metrics.json": `"Gauges"`, "consul.log": "Synced service: service=busy", "trace.out": "go 1.",
	} {
		if !strings.Contains(string(files[name]), part) {
			t.Errorf("%s has no %s: %.200s", name, part, files[name])
		}
	}
	for _, name := range []string{"profile.prof", "TIME/heap.prof", "TIME/goroutine.prof"} {
		if !bytes.HasPrefix(files[name], []byte{0x1f, 0x8b}) { // profiles are compressed
			t.Errorf("%s is no profile: %d bytes", name, len(files[name]))
		}
	}
	if _, err := os.Stat(output); err == nil {
		t.Error("the folder is still there")
	}
}

func TestDebugWithoutProfiles(t *testing.T) {
	t.Parallel()
	n := newNode(t, "a", "127.77.35.2", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	output := filepath.Join(t.TempDir(), "rec")
	_, errs, code := n.cli("debug", "-duration=10s", "-capture=pprof", "-capture=agent", "-archive=false", "-output="+output)
	if code != 0 || !strings.Contains(errs, "Unable to capture pprof") {
		t.Errorf("code %d, %s", code, errs)
	}
	made, err := os.ReadDir(output)
	if err != nil || len(made) != 2 {
		t.Errorf("files %v, %v; want agent.json and index.json", made, err)
	}
}
