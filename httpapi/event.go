package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/ops"
	"praetor/internal/rpc"
	"praetor/internal/userevent"
)

// Events is the agent's ring of user events.
type Events interface {
	// Events lists what is kept, oldest first, and gives a channel that closes
	// with the next one. The list is shared and never changed.
	Events() ([]*userevent.Event, <-chan struct{})
}

const (
	// maxEventBytes is what gossip carries at most, name and encoding included;
	// textEventTooLarge is what a server says of more (reference/internals.md §7).
	maxEventBytes     = 512
	textEventTooLarge = "error broadcasting event: user event exceeds configured limit of 512 bytes before encoding"
	// maxEventWait bounds a blocking list, and is its default
	// (reference/http-kv-session-txn.md §4).
	maxEventWait = 10 * time.Minute
)

func eventFire(x *exchange) error {
	if x.name == "" {
		return invalid("Missing name")
	}
	e, err := userevent.New(x.name, nil)
	if err != nil {
		return err
	}
	e.NodeFilter, e.ServiceFilter, e.TagFilter = x.query.Get("node"), x.query.Get("service"), x.query.Get("tag")
	if err := e.Check(); err != nil {
		return err
	}
	if e.Payload, err = x.readPayload(); err != nil {
		return err
	}
	_, err = ops.EventFire.Call(x.r.Context(), x.api.opts.Caller, &ops.EventFireRequest{WriteOptions: x.writeOptions(), Event: *e})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendEvent(b, e) })
}

// readPayload reads a body whose length was announced; a body without
// Content-Length is ignored (reference/http-api.md §4).
func (x *exchange) readPayload() ([]byte, error) {
	if x.r.ContentLength <= 0 {
		return nil, nil
	}
	body := x.open(maxEventBytes)
	payload, err := readAll(body, x.r.ContentLength)
	var tooBig *http.MaxBytesError
	switch {
	case err == nil:
		return payload, nil
	case errors.As(err, &tooBig):
		return nil, rejected(textEventTooLarge)
	}
	return nil, invalid("read payload: %w", err)
}

// eventList lists the events of this agent. It blocks only while the index is
// the one that the caller gave: it is no counter, so none is past another.
func eventList(x *exchange) error {
	var opts rpc.ReadOptions
	if err := x.readBlocking(&opts); err != nil {
		return err
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	if x.query.Get("wait") == "" {
		opts.MaxWait = maxEventWait
	}
	name := x.query.Get("name")
	patience := time.NewTimer(min(opts.MaxWait, maxEventWait))
	defer patience.Stop()
	for over := opts.MinIndex == 0; ; {
		all, changed := x.api.opts.Events.Events()
		hidden := false
		list := slices.DeleteFunc(slices.Clone(all), func(e *userevent.Event) bool {
			if name != "" && e.Name != name {
				return true
			}
			readable := az.Allows(acl.Event.Read(e.Name))
			hidden = hidden || !readable
			return !readable
		})
		index := eventIndex(list)
		if over || index != opts.MinIndex {
			return x.replyEvents(index, list, hidden)
		}
		select {
		case <-changed:
		case <-patience.C:
			over = true
		case <-x.r.Context().Done():
			return x.r.Context().Err()
		}
	}
}

// eventIndex is that of the newest event, 1 if there is none.
func eventIndex(list []*userevent.Event) uint64 {
	if len(list) == 0 {
		return 1
	}
	return list[len(list)-1].Index()
}

func (x *exchange) replyEvents(index uint64, list []*userevent.Event, hidden bool) error {
	x.w.Header()["X-Consul-Index"] = []string{strconv.FormatUint(index, 10)}
	if hidden {
		x.writeFiltered()
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, list, wire.AppendEvent) })
}
