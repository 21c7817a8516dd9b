package linear

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// A write may hang on a server that is cut off; who gives up on it never
	// learns its outcome. A read costs nothing to wait for, and those that wait
	// at a paused server are the ones most likely to be answered with old news.
	writePatience = 2 * time.Second
	readPatience  = 6 * time.Second
)

// Server is an agent that is asked over its HTTP API.
type Server interface {
	Ask(method, target, body string, patience time.Duration) Answer
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Text   string
	Err    error // there was no whole answer
	Unsent bool  // nobody was there to hear it
}

// Keys are the keys of one history, and what was seen of them. Make them with NewKeys.
type Keys struct {
	history
	prefix string
	dc     string

	values   atomic.Int64 // the last one written
	answered atomic.Int64
	unknown  atomic.Int64

	sessionsMu sync.Mutex
	sessions   []Session
}

// Session is a session of a node. It ends when somebody ends it, or with the node's
// health.
type Session struct {
	ID     string // "" if it is not known to exist
	Server Server // through whose node it was made
	from   int64  // when it was asked for
	gone   bool
}

// NewKeys names Size keys below a prefix, in a datacenter, "" for that of whom is asked.
// Times are counted from begin.
func NewKeys(begin time.Time, prefix, dc string) *Keys {
	return &Keys{history: history{begin: begin}, prefix: prefix, dc: dc}
}

// Calls is how many calls were answered, and how many have an unknown outcome.
func (k *Keys) Calls() (answered, unknown int64) { return k.answered.Load(), k.unknown.Load() }

// Path is the name of key i.
func (k *Keys) Path(i int) string { return fmt.Sprintf("%s%d", k.prefix, i) }

// there adds the datacenter to a target.
func (k *Keys) there(target string) string {
	if k.dc == "" {
		return target
	}
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	return target + sep + "dc=" + k.dc
}

// Open is whether a session was made, and not seen to be gone.
func (s Session) Open() bool { return s.ID != "" && !s.gone }

// Sessions lists all sessions: number n is the one at n-1.
func (k *Keys) Sessions() []Session {
	k.sessionsMu.Lock()
	defer k.sessionsMu.Unlock()
	return slices.Clone(k.sessions)
}

// There asks whether session number n is there. One that is not, and may have ended by
// itself, did so at some time.
func (k *Keys) There(s Server, n int, byItself bool) error {
	one := k.Sessions()[n-1]
	a := s.Ask("GET", k.there("/v1/session/info/"+one.ID+"?consistent"), "", readPatience)
	var list []any
	if a.Err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("%d %s %v", a.Status, a.Text, a.Err)
	}
	if err := json.Unmarshal([]byte(a.Text), &list); err != nil || len(list) > 0 {
		return err
	}
	k.sessionsMu.Lock()
	k.sessions[n-1].gone = true
	k.sessionsMu.Unlock()
	if byItself {
		k.addEnd(n, one.from, k.now())
	}
	return nil
}

// number names a session by its ID, 0 for none and -1 for one of nobody here.
func (k *Keys) number(id string) int {
	if id == "" {
		return 0
	}
	if i := slices.IndexFunc(k.Sessions(), func(s Session) bool { return s.ID == id }); i >= 0 {
		return i + 1
	}
	return -1
}
