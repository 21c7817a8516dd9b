package httpapi

import (
	"net/http"
	"strings"
	"sync"
	"unsafe"

	"praetor/catalog"
	"praetor/internal/ops"
)

const (
	// maxKept answers are more services than one agent is usually asked about at
	// once; when there are more, some are encoded again.
	maxKept = 1024
	// maxKeptBytes is 700 answers of 100 instances each.
	maxKeptBytes = 64 << 20
)

// kept holds the last encoded answer to each question about a service's health,
// so that a change is encoded once for all who wait for it. A server answers the
// same question with the very same slice while nothing changed
// (ops.HealthServiceReply): that slice is what an answer is known by.
type kept struct {
	mu      sync.Mutex
	answers map[question]*answer
	bytes   int
}

// question is what makes two requests ask the same.
type question struct {
	datacenter, service, tags, meta string
	passing                         bool
}

func questionOf(req *ops.HealthServiceRequest) question {
	q := question{datacenter: req.Datacenter, service: req.Service, tags: strings.Join(req.Tags, "\x00"), passing: req.PassingOnly}
	for _, k := range sortedKeys(req.NodeMeta) {
		q.meta += k + "\x00" + req.NodeMeta[k] + "\x00"
	}
	return q
}

// answer is a list with its encoding, made by whoever needs it first. It holds
// the list, so that no other list can get its address.
type answer struct {
	list   []*catalog.InstanceHealth
	encode sync.Once
	plain  []byte
	zip    sync.Once
	zipped []byte
	size   int // bytes accounted for; guarded by kept.mu
}

func (a *answer) is(list []*catalog.InstanceHealth) bool {
	return len(a.list) == len(list) && unsafe.SliceData(a.list) == unsafe.SliceData(list)
}

// of returns the answer for a list, the kept one if it is the same list.
func (k *kept) of(q question, list []*catalog.InstanceHealth) *answer {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.answers[q]
	if old != nil && old.is(list) {
		return old
	}
	if k.answers == nil {
		k.answers = map[question]*answer{}
	}
	if old != nil {
		k.bytes -= old.size
	}
	a := &answer{list: list}
	k.answers[q] = a
	k.shrink(a)
	return a
}

// grew accounts for what was added to an answer.
func (k *kept) grew(q question, a *answer, bytes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.answers[q] != a {
		return // dropped meanwhile
	}
	a.size += bytes
	k.bytes += bytes
	k.shrink(a)
}

// shrink drops answers, any but one, until the bounds hold; k.mu is held.
func (k *kept) shrink(but *answer) {
	for q, a := range k.answers {
		if len(k.answers) <= maxKept && k.bytes <= maxKeptBytes {
			return
		}
		if a != but {
			k.bytes -= a.size
			delete(k.answers, q)
		}
	}
}

// replyHealth answers with instances, encoded by an earlier exchange if one
// asked the same since the last change.
func (x *exchange) replyHealth(q question, list []*catalog.InstanceHealth) error {
	k := &x.api.kept
	a := k.of(q, list)
	a.encode.Do(func() {
		a.plain = appendList(make([]byte, 0, 64+1024*len(list)), list, appendInstanceHealth)
		if x.api.opts.Dev {
			a.plain = indent(a.plain)
		}
		k.grew(q, a, cap(a.plain))
	})
	switch {
	case x.has("pretty"):
		x.json(http.StatusOK, a.plain)
	case x.wantsGzip(len(a.plain)):
		a.zip.Do(func() {
			a.zipped = appendGzip(make([]byte, 0, len(a.plain)/6), a.plain)
			k.grew(q, a, cap(a.zipped))
		})
		x.w.Header()["Content-Type"] = typeJSON
		x.w.Header()["Content-Encoding"] = headerGzip
		x.send(http.StatusOK, a.zipped)
	default:
		x.w.Header()["Content-Type"] = typeJSON
		x.send(http.StatusOK, a.plain)
	}
	return nil
}
