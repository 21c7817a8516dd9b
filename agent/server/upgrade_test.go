package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/ops"
)

// threeOneOlder starts three servers of which s3 does not know some commands, and
// has another one lead.
func threeOneOlder(f *fleet, lacks ...catalog.CommandType) (leader int) {
	f.t.Helper()
	for i := 1; i <= 3; i++ {
		f.start(i, 3, func(o *server.Options) {
			if i == 3 {
				o.Store = catalog.NewLacking(lacks...)
			}
		})
	}
	f.leader()
	f.waitFor("three peers", f.peers(3))
	f.waitFor("a leader other than s3", func() error {
		if leader = f.leader(); leader != 3 {
			return nil
		}
		_, err := ops.OperatorTransferLeader.Call(context.Background(), f.running[1].Router(), &ops.OperatorTransferLeaderRequest{})
		return errors.Join(errors.New("s3 leads"), err)
	})
	return leader
}

// ended waits for server i to end by itself, and takes it out of the fleet.
func (f *fleet) ended(i int) (u *unit, why error) {
	f.t.Helper()
	f.mu.Lock()
	u = f.running[i]
	delete(f.running, i)
	f.mu.Unlock()
	select {
	case why = <-u.ended:
	case <-time.After(time.Minute):
		f.t.Fatalf("s%d still runs", i)
	}
	if err := u.Close(); err != nil {
		f.t.Errorf("s%d: Close: %v", i, err)
	}
	return u, why
}

// TestOlderServerStopsAtACommandThatItDoesNotKnow: it would diverge from the others
// otherwise. They go on.
func TestOlderServerStopsAtACommandThatItDoesNotKnow(t *testing.T) {
	withFleet(t, func(f *fleet) {
		leader := threeOneOlder(f, catalog.QueryCommand)
		if err := put(f.running[leader], "k", "before"); err != nil {
			t.Fatal(err)
		}
		before := f.running[leader].Store().Read().LastIndex()
		write := catalog.QueryWrite{Query: catalog.Query{Name: "q", Service: catalog.QueryService{Service: "web"}}}
		if _, err := ops.QueryApply.Call(context.Background(), f.running[leader].Router(), &ops.QueryApplyRequest{Write: write}); err != nil {
			t.Fatal(err)
		}
		older, why := f.ended(3)
		if !errors.Is(why, catalog.ErrUnknownCommand) {
			t.Fatalf("s3 ended with %v", why)
		}
		for _, part := range []string{"entry ", fmt.Sprintf("command %d,", catalog.QueryCommand), "newer version", "docs/upgrading.md"} {
			if !strings.Contains(why.Error(), part) {
				t.Errorf("s3 ended with %q, which does not say %q", why, part)
			}
		}
		if last := older.Store().Read().LastIndex(); last < before {
			t.Errorf("s3 stopped at %d, before the entry that it knows at %d", last, before)
		}
		if _, queries := older.Store().Read().Queries(nil); len(queries) > 0 {
			t.Error("s3 has a query although it does not know queries")
		}
		if err := put(f.running[f.leader()], "k", "after"); err != nil {
			t.Errorf("a write after s3 stopped: %v", err)
		}
	})
}

// TestServerNeverLogsAVerbThatItDoesNotKnow: a client must not be able to stop all
// servers with one.
func TestServerNeverLogsAVerbThatItDoesNotKnow(t *testing.T) {
	withFleet(t, func(f *fleet) {
		f.start(1, 1, nil)
		u := f.running[f.leader()]
		_, err := ops.KVApply.Call(context.Background(), u.Router(), &ops.KVApplyRequest{
			Write: catalog.KVWrite{Verb: catalog.KVUnlock + 1, Entry: catalog.KVEntry{Key: "k", Session: "s"}},
		})
		if err == nil || !strings.Contains(err.Error(), "verb") {
			t.Errorf("an unknown verb: %v, want a refusal", err)
		}
		if err := put(u, "k", "v"); err != nil {
			t.Errorf("the write after it: %v", err)
		}
	})
}
