package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"praetor/agent/server"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/userevent"
)

func (s *lone) fire(e *userevent.Event) error {
	_, err := ops.EventFire.Call(context.Background(), s.Router(), &ops.EventFireRequest{Event: *e})
	return err
}

func TestFiredEventGoesThroughThePoolAsItIs(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = rights{acl.Event.Write("deploy")} }, func(s *lone) {
		e, err := userevent.New("deploy", []byte("v2"))
		if err != nil {
			t.Fatal(err)
		}
		e.NodeFilter = "web"
		if err := s.fire(e); err != nil {
			t.Fatal(err)
		}
		name, payload := s.lastUserEvent()
		if got, _, err := userevent.Decode(name, 0, []byte(payload)); err != nil || got.ID != e.ID || string(got.Payload) != "v2" || got.NodeFilter != "web" {
			t.Errorf("got %+v, %v; want %+v", got, err, e)
		}
		e.Name = "other"
		if err := s.fire(e); fault.KindOf(err) != fault.Denied || err.Error() != "Permission denied" {
			t.Errorf("got %v, want the exact refusal", err)
		}
		e.Name, e.TagFilter = "deploy", "x"
		if err := s.fire(e); fault.KindOf(err) != fault.Rejected {
			t.Errorf("a bad filter: got %v, want a refusal", err)
		}
		s.pool.mu.Lock()
		s.pool.fireErr = errors.New("user event exceeds configured limit of 512 bytes before encoding")
		s.pool.mu.Unlock()
		e.TagFilter = ""
		if err := s.fire(e); err == nil || err.Error() != "error broadcasting event: user event exceeds configured limit of 512 bytes before encoding" {
			t.Errorf("got %v, want the pool's error", err)
		}
	})
}

// lastUserEvent is the last event fired by a user.
func (s *lone) lastUserEvent() (name, payload string) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	for _, fired := range s.pool.fired {
		if strings.HasPrefix(fired, userevent.Prefix) {
			name, payload, _ = strings.Cut(fired, " ")
		}
	}
	return name, payload
}
