package rpc_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// TestAHandlerThatPanicsFailsItsRequestAlone: one that came over the wire ended the server,
// and asked again it would have ended the next.
func TestAHandlerThatPanicsFailsItsRequestAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var log bytes.Buffer
		w.logger = hclog.New(&hclog.LoggerOptions{Output: &log})
		s := w.server("dc1", "10.0.0.1")
		c := w.client("dc1", "10.0.1.1")
		w.elect("dc1", s)
		s.read = func(context.Context, *rpc.ReadOptions) (*rpc.ReadMeta, error) {
			var none *rpc.ReadMeta
			none.Index++
			return none, nil
		}
		s.write = func(context.Context, *rpc.WriteOptions) (*rpc.ReadMeta, error) { panic("nobody thought of this") }
		const says = " failed by a fault in this program, which the agent's log describes: "
		for name, n := range map[string]*node{"from a client agent": c, "here": s} {
			_, err := n.doRead(rpc.ReadOptions{})
			if fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), says+"runtime error: invalid memory address") {
				t.Errorf("a read %s: %v", name, err)
			}
			_, err = n.doWrite(rpc.WriteOptions{})
			if fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), says+"nobody thought of this") {
				t.Errorf("a write %s: %v", name, err)
			}
		}
		if got := log.String(); !strings.Contains(got, "survive_test.go") || strings.Count(got, "please report it") != 4 {
			t.Errorf("the log does not show where:\n%s", got)
		}
		s.read, s.write = nil, nil
		got, err := c.doRead(rpc.ReadOptions{})
		wantBy(t, s, got, err)
	})
}
