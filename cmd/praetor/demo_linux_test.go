package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDemoShowsAClusterAndLeavesNothing runs it in a network of its own, since it has the usual ports.
func TestDemoShowsAClusterAndLeavesNothing(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Skip("only root makes networks, with ip")
	}
	tmp := t.TempDir()
	sh := exec.Command("sh", "-c", `
		ip link set lo up || exit 77
		praetor demo & pid=$!
		for i in $(seq 200); do [ "$(praetor catalog services 2>/dev/null | wc -l)" = 4 ] && break; sleep 0.1; done
		praetor catalog services
		praetor members
		kill -INT $pid; wait $pid; echo code $?`)
	sh.Env = []string{"TMPDIR=" + tmp, "HOME=" + tmp, "PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH")}
	sh.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Skipf("this system gives us no network of our own: %v %s", err, out)
	}
	for _, want := range []string{"http://127.0.0.1:8500/ui/", "dig @127.0.0.1 -p 8600 web", "\nbilling\n", "\ndb\n", "\nserver-3 ", "\nclient-1 ", "\ncode 0\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}
