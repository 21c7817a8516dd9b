package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"praetor/internal/fault"
)

const (
	// streamBeat is how often a stream says that it is there.
	streamBeat = 2 * time.Second
	// maxTopics is how much one page looks at.
	maxTopics = 16
	// A client may have so many streams, all together so many: each costs two
	// goroutines and a compressor, 300 KB. One that is refused asks by itself.
	maxStreamsPerClient = 64
	maxStreams          = 1024
)

const (
	textNoTopic       = "Missing topic: a path of the API with its query, such as /v1/internal/ui/services"
	textTooManyTopics = "a stream has at most %d topics"
	textNoSuchTopic   = "%q is no topic: it is none of the lists that pages show"
	textManyStreams   = "too many streams: at most %d to one address and %d in all"
)

// streams counts those that are open.
type streams struct {
	mu        sync.Mutex
	all       int
	perClient map[string]int
}

func (s *streams) begin(client string) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.perClient[client] >= maxStreamsPerClient {
		return nil, fault.New(fault.Limit, textManyStreams, maxStreamsPerClient, maxStreams)
	}
	s.all++
	s.perClient[client]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.perClient[client]--; s.perClient[client] == 0 {
			delete(s.perClient, client)
		}
	}, nil
}

// uiStream sends what a page shows whenever it changes, as server-sent events. Each
// event's data are a line about one topic and a line with its answer; the event's ID
// are the versions of all topics, which a client that comes back gives.
func uiStream(x *exchange) error {
	topics, err := x.topics()
	if err != nil {
		return err
	}
	end, err := x.api.streams.begin(clientAddress(x.r))
	if err != nil {
		return err
	}
	defer end()
	_, err = x.access()
	known := err == nil // one of another datacenter may be unknown here
	tell := make(chan struct{}, 1)
	var looks []*feed
	defer func() {
		for _, f := range looks {
			f.leave(tell)
		}
	}()
	for _, target := range topics {
		f, err := x.api.feeds.look(x.r.Context(), feedName{x.token, target}, tell)
		if err != nil {
			return err
		}
		looks = append(looks, f)
	}
	h := x.w.Header()
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"} // nginx would keep what is short
	out, err := x.stream(typeEvents)
	if err != nil {
		return nil // there is nobody to tell
	}
	defer out.close()
	p := &pageStream{x: x, out: out, looks: looks, sent: make([]*news, len(looks)), versions: make([]string, len(looks))}
	if last := strings.Split(x.header("Last-Event-Id"), ","); len(last) == len(looks) {
		p.versions = last
	}
	p.run(tell, known)
	return nil
}

var typeEvents = []string{"text/event-stream"}

// topics reads what is to be streamed.
func (x *exchange) topics() ([]string, error) {
	list := x.query["topic"]
	switch {
	case len(list) == 0:
		return nil, invalid(textNoTopic)
	case len(list) > maxTopics:
		return nil, invalid(textTooManyTopics, maxTopics)
	}
	targets := make([]string, len(list))
	for i, topic := range list {
		u, err := url.Parse(topic)
		if err != nil || u.Host != "" {
			return nil, invalid(textNoSuchTopic, topic)
		}
		if e, _ := x.api.find(u.EscapedPath()); e == nil || e.traits&topical == 0 {
			return nil, invalid(textNoSuchTopic, topic)
		}
		targets[i] = topicTarget(u)
	}
	return targets, nil
}

// pageStream is what one page hears.
type pageStream struct {
	x        *exchange
	out      *stream
	looks    []*feed
	sent     []*news  // what was said last of each
	versions []string // of that
}

// run sends until the client has gone, its token has, or the server stops.
func (p *pageStream) run(tell <-chan struct{}, known bool) {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	err := p.out.write([]byte(":\n\n")) // so that it is seen that nobody keeps it back
	for err == nil {
		if err = p.catchUp(); err == nil {
			err = p.out.flush()
		}
		if err != nil {
			return // there is nobody to tell
		}
		select {
		case <-tell:
		case <-beat.C:
			if _, refused := p.x.access(); known && refused != nil && fault.KindOf(refused) == fault.Denied {
				_ = p.over(refused.Error()) // and nobody to tell that it was not heard
				return
			}
			err = p.out.write([]byte(":\n\n"))
		case <-p.x.r.Context().Done():
			return
		}
	}
}

// catchUp sends what is new.
func (p *pageStream) catchUp() error {
	for i, f := range p.looks {
		n := f.latest.Load()
		if n == nil || n == p.sent[i] {
			continue
		}
		first := p.sent[i] == nil
		p.sent[i] = n
		if first && !n.isRefusal() && n.version == p.versions[i] {
			continue // the client has it
		}
		if n.gone {
			if err := p.over(n.text); err != nil {
				return err
			}
			return errTokenGone
		}
		p.versions[i] = n.version
		if err := p.send(i, n); err != nil {
			return err
		}
	}
	return nil
}

var errTokenGone = fault.New(fault.Denied, "the stream's token is gone")

// headline is what an event says of its topic.
type headline struct {
	Topic  int    `json:"topic"`
	Status int    `json:"status"`
	Text   string `json:"text,omitempty"`
	Silent int64  `json:"silent,omitempty"` // ms since the answering server heard of a leader, if it has none
}

func (p *pageStream) send(i int, n *news) error {
	head := headline{Topic: i, Status: n.status, Text: n.text}
	if n.silent > 0 {
		head.Silent = (n.silent + time.Since(n.at)).Milliseconds()
	}
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if len(n.body) > freeAnswer {
		give, err := p.x.api.underWay.Take(p.x.r.Context(), clientAddress(p.x.r), len(n.body), n)
		if err != nil {
			return err
		}
		defer give()
	}
	if err := p.out.write(fmt.Appendf(nil, "id: %s\ndata: %s\n", strings.Join(p.versions, ","), line)); err != nil {
		return err
	}
	for _, part := range [][]byte{[]byte("data: "), n.body, []byte("\n\n")} {
		if err := p.out.write(part); err != nil {
			return err
		}
	}
	return p.out.flush() // so that what waits behind a long one is not late
}

// over says that the stream ends, and why, to a client that is not to come back.
func (p *pageStream) over(why string) error {
	text, err := json.Marshal(headline{Status: http.StatusForbidden, Text: why})
	if err != nil {
		return err
	}
	if err := p.out.write(fmt.Appendf(nil, "event: end\ndata: %s\n\n", text)); err != nil {
		return err
	}
	return p.out.flush()
}
