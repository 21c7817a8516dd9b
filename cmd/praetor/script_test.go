package main_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar: the program's commands against one lone
// server whose address is in CONSUL_HTTP_ADDR.
func TestScripts(t *testing.T) {
	t.Parallel()
	n := newNode(t, "dev", "127.77.6.1", "-server", "-bootstrap-expect=1").start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	waitFor(t, "node in the catalog", 20*time.Second, func() error { return wantSerfHealth(n, "dev", "passing") })
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("CONSUL_HTTP_ADDR", n.ip+":8500")
			env.Setenv("PRAETOR", binary)
			return nil
		},
	})
}
