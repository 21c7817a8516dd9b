package main_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestCrashesLoseNoAcknowledgedWrite kills a lone server again and again under
// write load. Every write it acknowledged must be there after the next start.
func TestCrashesLoseNoAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	const writers, rounds = 8, 6
	n := newNode(t, "solo", "127.77.2.1", "-server", "-bootstrap-expect=1")
	var (
		mu    sync.Mutex
		acked = map[string]string{}
	)
	for round := range rounds {
		n.start()
		waitFor(t, "leader", 20*time.Second, n.hasLeader)
		wantAcked(t, n, acked)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for w := range writers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					key, value := fmt.Sprintf("r%d/w%d/%d", round, w, i), fmt.Sprint(i)
					if n.put("/v1/kv/"+key, value) == nil {
						mu.Lock()
						acked[key] = value
						mu.Unlock()
					}
				}
			}()
		}
		enough := func() error {
			mu.Lock()
			defer mu.Unlock()
			if want := (round + 1) * 300; len(acked) < want {
				return fmt.Errorf("%d writes, want %d", len(acked), want)
			}
			return nil
		}
		waitFor(t, "write load", 30*time.Second, enough)
		n.kill()
		close(stop)
		wg.Wait()
	}
	n.start()
	waitFor(t, "leader", 20*time.Second, n.hasLeader)
	wantAcked(t, n, acked)
	t.Logf("%d acknowledged writes over %d crashes", len(acked), rounds)
}

// wantAcked reads everything back in one listing.
func wantAcked(t *testing.T, n *node, acked map[string]string) {
	t.Helper()
	if len(acked) == 0 {
		return
	}
	waitFor(t, "readable store", 10*time.Second, func() error {
		status, text, err := n.request("GET", "/v1/kv/?keys", "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, text)
		}
		return err
	})
	var list []struct {
		Key   string
		Value []byte
	}
	if err := n.get("/v1/kv/?recurse", &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range list {
		got[e.Key] = string(e.Value)
	}
	for key, value := range acked {
		if got[key] != value {
			t.Fatalf("acknowledged write %s=%s reads %q after the crash", key, value, got[key])
		}
	}
}
