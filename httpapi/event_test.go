package httpapi_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"praetor/httpapi"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/userevent"
)

// withEvents is a fixture with a ring, and with a server that fires into it.
func withEvents(t *testing.T, change func(*httpapi.Options)) (*fixture, *userevent.Ring) {
	ring := userevent.NewRing()
	f := newFixture(t, func(o *httpapi.Options) {
		o.Events = ring
		if change != nil {
			change(o)
		}
	})
	on(f.caller, ops.EventFire, func(_ context.Context, req *ops.EventFireRequest) (*ops.Empty, error) {
		if req.Datacenter != "" {
			return nil, fault.New(fault.Rejected, "No path to datacenter")
		}
		e := req.Event
		e.LTime = 7
		ring.Add(&e)
		return &ops.Empty{}, nil
	})
	return f, ring
}

func add(t *testing.T, r *userevent.Ring, name string) *userevent.Event {
	t.Helper()
	e, err := userevent.New(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Add(e)
	return e
}

func TestFiredEventIsAnsweredAndListed(t *testing.T) {
	f, ring := withEvents(t, nil)
	res, body := f.do("PUT", "/v1/event/fire/a%2Fb?node=n&service=s&tag=t", "v2")
	list, _ := ring.Events()
	if len(list) != 1 {
		t.Fatalf("got %d %s and %d events", res.StatusCode, body, len(list))
	}
	const shape = `{"ID":"%s","Name":"a/b","Payload":"djI=","NodeFilter":"n","ServiceFilter":"s","TagFilter":"t","Version":1,"LTime":%d}`
	if want := fmt.Sprintf(shape, list[0].ID, 0); body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	got := f.want("GET", "/v1/event/list", "", 200, "["+fmt.Sprintf(shape, list[0].ID, 7)+"]")
	wantHeader(t, got, "X-Consul-Index", strconv.FormatUint(list[0].Index(), 10))
	wantHeader(t, got, "X-Consul-Knownleader", "")
	f.want("GET", "/v1/event/list?name=a", "", 200, "[]")
}

func TestEventsThatCannotBeFiredAreRefused(t *testing.T) {
	f, _ := withEvents(t, nil)
	f.want("PUT", "/v1/event/fire/", "", 400, "Missing name")
	f.want("PUT", "/v1/event/fire/x?tag=t", "", 500, "Cannot provide tag filter without service filter")
	f.want("PUT", "/v1/event/fire/x?node=(", "", 500, "Invalid node filter: error parsing regexp: missing closing ): `(`")
	f.want("PUT", "/v1/event/fire/x", strings.Repeat("x", 513), 500,
		"error broadcasting event: user event exceeds configured limit of 512 bytes before encoding")
	f.want("PUT", "/v1/event/fire/x?dc=dc9", "", 500, "No path to datacenter")
}

func TestEventListWithoutEventsHasIndexOne(t *testing.T) {
	f := newFixture(t, nil)
	wantHeader(t, f.want("GET", "/v1/event/list", "", 200, "[]"), "X-Consul-Index", "1")
	f.want("GET", "/v1/event/list?index=x", "", 400, "Invalid index")
	f.want("GET", "/v1/event/list?wait=1", "", 400, "Invalid wait time")
}

func TestEventListBlocksWhileItsIndexIsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ring := withEvents(t, nil)
		first := add(t, ring, "one")
		target := fmt.Sprintf("/v1/event/list?name=one&index=%d", first.Index())
		tests := []struct {
			name   string
			target string
			min    time.Duration
		}{
			{"any other index, greater or less", "/v1/event/list?name=one&index=5&wait=5s", 0},
			{"no index", "/v1/event/list?name=one&wait=5s", 0},
			{"a name without events, as if newer ones had gone", fmt.Sprintf("/v1/event/list?name=two&index=%d&wait=5s", first.Index()), 0},
			{"a name without events", "/v1/event/list?name=two&index=1&wait=5s", 5 * time.Second},
			{"its own index", target + "&wait=5s", 5 * time.Second},
			{"its own index, by default", target, 10 * time.Minute},
			{"longer than allowed", target + "&wait=1h", 10 * time.Minute},
		}
		for _, test := range tests {
			begin := time.Now()
			if status := f.serve(t.Context(), test.target); status != 200 {
				t.Errorf("%s: status %d", test.name, status)
			}
			if took := time.Since(begin); took != test.min { // no jitter
				t.Errorf("%s: took %s, want %s", test.name, took, test.min)
			}
		}
	})
}

// A waiter is woken by events of its name, and leaves nothing behind: the
// bubble would not end.
func TestThousandsWaitForAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ring := withEvents(t, nil)
		index := add(t, ring, "one").Index()
		begin := time.Now()
		var waiters sync.WaitGroup
		for range 3000 {
			waiters.Go(func() {
				if status := f.serve(t.Context(), fmt.Sprintf("/v1/event/list?name=one&index=%d", index)); status != 200 {
					t.Errorf("status %d", status)
				}
			})
		}
		gone, leave := context.WithCancel(t.Context())
		waiters.Go(func() { f.serve(gone, fmt.Sprintf("/v1/event/list?name=one&index=%d", index)) })
		synctest.Wait()
		leave()
		add(t, ring, "two")
		time.Sleep(time.Second)
		add(t, ring, "one")
		waiters.Wait()
		if took := time.Since(begin); took != time.Second {
			t.Errorf("woken after %s, want 1s: with the second event", took)
		}
	})
}

// readsOne reads events of one name only.
type readsOne struct{}

func (readsOne) Resolve(_ context.Context, token string) (*acl.Authorizer, error) {
	return authorizer(token, func(n acl.Need) bool { return n == acl.Event.Read("one") }), nil
}

func TestEventsThatATokenMayNotReadAreHidden(t *testing.T) {
	f, ring := withEvents(t, func(o *httpapi.Options) { o.ACL = readsOne{} })
	one := add(t, ring, "one")
	add(t, ring, "two")
	res, body := f.do("GET", "/v1/event/list", "", "X-Consul-Token", "secret")
	if !strings.Contains(body, one.ID) || strings.Contains(body, `"two"`) {
		t.Errorf("got %s, want one alone", body)
	}
	wantHeader(t, res, "X-Consul-Index", strconv.FormatUint(one.Index(), 10))
	wantHeader(t, res, "X-Consul-Results-Filtered-By-Acls", "true")
}
