package agent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/agent"
	"praetor/internal/testcluster"
)

// TestServersAreListedAsTheyCome: at once where more is known than was asked for, or the
// state is another, and else with the next change.
func TestServersAreListedAsTheyCome(t *testing.T) {
	t.Parallel()
	testcluster.Virtual(t, testcluster.Options{Servers: 2, Lazy: true, Expect: func(i int) int { return 1 - i }}, func(c *testcluster.Cluster) {
		first, second := c.Servers()[0], c.Servers()[1]
		first.Config = `advertise_addr_wan = "198.51.100.1"`
		first.Start()
		c.Leader()
		ctx := context.Background()
		list, index, err := agent.ListServers(ctx, first.Agent(), 0)
		if want := first.IP() + " 198.51.100.1 1.22.7"; err != nil || strings.Join(list, ",") != want {
			t.Fatalf("%q, %v, want %s", list, err, want)
		}
		if again, at, err := agent.ListServers(ctx, first.Agent(), index+1000); err != nil || at != index || !slices.Equal(again, list) {
			t.Errorf("after an index of another state: %q at %d, %v", again, at, err)
		}
		waiting, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if same, _, err := agent.ListServers(waiting, first.Agent(), index); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a change: %q, %v", same, err)
		}
		next := make(chan []string, 1)
		go func() {
			for at := index; ; {
				var list []string
				if list, at, err = agent.ListServers(ctx, first.Agent(), at); err != nil || len(list) == 2 {
					next <- list
					return
				}
			}
		}()
		second.Start()
		if list := <-next; len(list) != 2 || !slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, second.IP()+" ") }) {
			t.Errorf("with a second server: %q, %v", list, err)
		}
	})
}
