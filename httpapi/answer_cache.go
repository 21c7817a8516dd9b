package httpapi

import (
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/cache"
)

// answerCacheBytes bounds what cached answers hold, with the lists they were made of:
// 700 answers of 100 instances each.
const answerCacheBytes = 128 << 20

// answerCache holds the last encoded answer to each request, so that a change is
// encoded once for all who wait for it. While nothing changed, the same request
// is answered with the very same list (rpc.ReadMeta.Shared, a view's reply): that list
// is what an answer is known by.
type answerCache struct {
	mu      sync.Mutex
	answers cache.Map[answerKey, *answer]
}

// answerKey is what makes two requests ask the same: all that shapes an answer,
// except the client and how fresh the answer must be.
type answerKey struct {
	scope                                                           catalog.Scope
	endpoint, name, datacenter, tags, meta, filter, near, separator string
	passing, keys                                                   bool
}

func (x *exchange) answerKey(passing bool) answerKey {
	return answerKey{
		scope: x.scope, endpoint: x.pattern, name: x.name, datacenter: x.datacenter(), passing: passing,
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
	bytes  int // held, but for the key; guarded by answerCache.mu
}

func (a *answer) isOf(s source) bool { return a.of.at == s.at && a.of.n == s.n }

// bytes is what the texts of a key hold.
func (k *answerKey) bytes() int {
	return k.scope.Size() + len(k.endpoint) + len(k.name) + len(k.datacenter) + len(k.tags) + len(k.meta) + len(k.filter) + len(k.near) + len(k.separator)
}

// of returns the answer made of s, the cached one if it was.
func (c *answerCache) of(key answerKey, s source) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.answers.Get(key); ok && a.isOf(s) {
		return a
	}
	a := &answer{of: s}
	c.answers.Put(key, a, key.bytes())
	return a
}

// grew accounts for what was added to an answer.
func (c *answerCache) grew(key answerKey, a *answer, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now, _ := c.answers.Peek(key); now != a {
		return // dropped meanwhile
	}
	a.bytes += bytes
	c.answers.Resize(key, a.bytes+key.bytes())
}

// replyHealth answers with instances that may be shared.
func (x *exchange) replyHealth(key answerKey, list []*catalog.InstanceHealth) error {
	return x.replyCached(key, listSource(list), 1024*len(list), func(b []byte) []byte { return wire.AppendList(b, list, wire.AppendInstanceHealth) })
}

// replyShared answers with what of holds if others are given the same, and with what
// was made of it for one of them.
func (x *exchange) replyShared(of source, encode func(b []byte) []byte) error {
	if !x.shared {
		return x.reply(encode)
	}
	return x.replyCached(x.answerKey(false), of, 256*of.n, encode)
}

// replyCached answers with what encode makes of a source, or with what an earlier
// exchange made of it that asked the same. sizeHint is in bytes.
func (x *exchange) replyCached(key answerKey, of source, sizeHint int, encode func(b []byte) []byte) error {
	c := &x.api.answers
	a := c.of(key, of)
	a.encode.Do(func() {
		a.plain = encode(make([]byte, 0, 64+sizeHint))
		if x.api.opts.Dev {
			a.plain = indent(a.plain, "")
		}
		c.grew(key, a, 2*cap(a.plain)) // the list takes about what its JSON takes
	})
	switch {
	case x.has("pretty"):
		x.json(http.StatusOK, a.plain)
	case x.wantsGzip(len(a.plain)):
		a.zip.Do(func() {
			a.zipped = appendGzip(make([]byte, 0, len(a.plain)/6), a.plain)
			c.grew(key, a, cap(a.zipped))
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
