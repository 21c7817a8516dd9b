package httpapi

import (
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"praetor/catalog"
	"praetor/httpapi/wire"
)

const (
	// maxKept answers are more questions than one agent is usually asked at
	// once; when there are more, some are encoded again.
	maxKept = 1024
	// maxKeptBytes is 700 answers of 100 instances each.
	maxKeptBytes = 64 << 20
)

// kept holds the last encoded answer to each question, so that a change is
// encoded once for all who wait for it. While nothing changed, the same question
// is answered with the very same list (ops.HealthServiceReply, catalog.Tx.Services,
// a view's reply): that list is what an answer is known by.
type kept struct {
	mu      sync.Mutex
	answers map[question]*answer
	bytes   int
}

// question is what makes two requests ask the same: all that shapes an answer,
// but for who asks and how fresh it must be.
type question struct {
	endpoint, name, datacenter, tags, meta, filter, near, separator string
	passing, keys                                                   bool
}

func (x *exchange) question(passing bool) question {
	return question{
		endpoint: x.pattern, name: x.name, datacenter: x.datacenter(), passing: passing,
		tags: strings.Join(x.query["tag"], "\x00"), meta: strings.Join(x.query["node-meta"], "\x00"),
		filter: x.query.Get("filter"), near: x.query.Get("near"), separator: x.separator(), keys: x.has("keys"),
	}
}

// source is the list or map that an answer was made of. Holding it keeps its
// address from being given to another.
type source struct {
	held any
	at   unsafe.Pointer
	n    int
}

func listSource[E any](list []E) source {
	return source{list, unsafe.Pointer(unsafe.SliceData(list)), len(list)}
}

func mapSource[V any](m map[string]V) source {
	return source{m, reflect.ValueOf(m).UnsafePointer(), len(m)}
}

// answer is a list with its encoding, made by whoever needs it first.
type answer struct {
	of     source
	encode sync.Once
	plain  []byte
	zip    sync.Once
	zipped []byte
	size   int // bytes accounted for; guarded by kept.mu
}

func (a *answer) isOf(s source) bool { return a.of.at == s.at && a.of.n == s.n }

// of returns the answer made of s, the kept one if it was.
func (k *kept) of(q question, s source) *answer {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.answers[q]
	if old != nil && old.isOf(s) {
		return old
	}
	if k.answers == nil {
		k.answers = map[question]*answer{}
	}
	if old != nil {
		k.bytes -= old.size
	}
	a := &answer{of: s}
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

// replyHealth answers with instances that may be shared.
func (x *exchange) replyHealth(q question, list []*catalog.InstanceHealth) error {
	return x.replyKept(q, listSource(list), 1024*len(list), func(b []byte) []byte { return wire.AppendList(b, list, wire.AppendInstanceHealth) })
}

// replyShared answers with what of holds if that came from a view, and so will
// be asked for again as it is.
func (x *exchange) replyShared(of source, encode func(b []byte) []byte) error {
	if !x.shared {
		return x.reply(encode)
	}
	return x.replyKept(x.question(false), of, 256*of.n, encode)
}

// replyKept answers with what encode makes of a source, or with what an earlier
// exchange made of it that asked the same. sizeHint is in bytes.
func (x *exchange) replyKept(q question, of source, sizeHint int, encode func(b []byte) []byte) error {
	k := &x.api.kept
	a := k.of(q, of)
	a.encode.Do(func() {
		a.plain = encode(make([]byte, 0, 64+sizeHint))
		if x.api.opts.Dev {
			a.plain = indent(a.plain, "")
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
		x.sendShared(http.StatusOK, a.zipped, &a.zipped)
	default:
		x.w.Header()["Content-Type"] = typeJSON
		x.sendShared(http.StatusOK, a.plain, &a.plain)
	}
	return nil
}
