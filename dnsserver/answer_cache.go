package dnsserver

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"praetor/internal/cache"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

const (
	// answerBytes bounds what cached answers take, sourceBytes the replies of the
	// catalog they were made of.
	answerBytes = 32 << 20
	sourceBytes = 64 << 20
	// mostVariants is how many orders of one answer are cached at once, as long as
	// they take variantBytes at most together, but leastVariants anyway.
	mostVariants  = 32
	leastVariants = 4
	variantBytes  = 64 << 10
	// moreUses is how often an order is given at least before it is rebuilt,
	// allNamed how many times as often if no instance is left out of it.
	moreUses = 4
	allNamed = 8
)

// answerCache holds packed replies to questions that are asked again and again. A
// reply is cached with what it was made of and is not given any more once that
// changed.
type answerCache struct {
	mu      sync.RWMutex
	answers cache.Map[string, *cachedAnswer]
	sources map[any]sourceUse // what the answers were made of, by identity
	bytes   int               // of sources

	// seen holds hashes of questions asked not long ago. Only what is asked again
	// is cached: random names without number do not push out the others.
	seed maphash.Seed
	seen [8192]atomic.Uint32
}

// identity tells replies of the catalog apart by what they hold: on a server,
// each caller gets a reply of its own around the same instances.
func identity(found rpc.Message) any {
	if h, ok := found.(*ops.HealthServiceReply); ok && len(h.Instances) > 0 {
		return unsafe.SliceData(h.Instances)
	}
	return found
}

// sourceUse says how many cached answers were made of a reply of the catalog, and
// what that holds.
type sourceUse struct{ answers, bytes int }

// cachedAnswer is the reply to one question.
type cachedAnswer struct {
	source
	config *Config
	// anyCase: the asked name stands in it once, wherever else it is meant there is a
	// pointer to it. So it is the reply to the name in any letter case.
	anyCase bool

	// variants are the replies in different orders; just one if order is not
	// random.
	variants []atomic.Pointer[variant]
}

// What an answer takes besides its key and replies, and a variant besides its reply.
const (
	cachedAnswerBytes = int(unsafe.Sizeof(cachedAnswer{}))
	variantOwnBytes   = int(unsafe.Sizeof(variant{}) + unsafe.Sizeof(&variant{}))
)

// source is what a reply was made of.
type source struct {
	known    rpc.Message // the reply to the lookup, if it was made before
	found    rpc.Message // the reply to the lookup, if it was made now
	live     *rpc.Live   // for how long found holds
	unknown  bool        // something besides: the reply must not be cached
	stale    bool        // servers had not been heard for a while
	second   int64       // Unix seconds of the time that is in it; 0 if there is none
	shuffled bool        // its order is random
}

// holds reports whether a reply made of s is right at now.
func (s *source) holds(now time.Time) bool {
	return (s.second == 0 || s.second == now.Unix()) && (s.live == nil || s.live.Holds(staleAfter))
}

// sameAs reports whether two replies were made of the same. A lookup is known by what
// announces its change.
func (s *source) sameAs(o *source) bool {
	if s.live == nil || o.live == nil {
		return s.live == o.live && s.second == o.second
	}
	if s.second != o.second || s.shuffled != o.shuffled || len(s.live.Changed) != len(o.live.Changed) {
		return false
	}
	for _, c := range s.live.Changed { // in any order
		if !slices.Contains(o.live.Changed, c) {
			return false
		}
	}
	return true
}

// variant is a packed reply and how often it may still be given.
type variant struct {
	packed []byte
	left   atomic.Int64
}

func newAnswerCache() *answerCache {
	c := &answerCache{sources: map[any]sourceUse{}, seed: maphash.MakeSeed()}
	c.answers.MaxBytes = answerBytes
	c.answers.Dropped = func(_ string, a *cachedAnswer) { c.release(a.found) }
	return c
}

func (c *answerCache) find(key []byte) *cachedAnswer {
	c.mu.RLock()
	defer c.mu.RUnlock()
	a, _ := c.answers.Get(unsafe.String(unsafe.SliceData(key), len(key))) // which does not keep it
	return a
}

// insert puts an answer of so many bytes into the cache.
func (c *answerCache) insert(key []byte, a *cachedAnswer, bytes int) {
	held := c.bytesOf(a.found)
	if held > sourceBytes {
		return // alone it would push out all others
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.use(a.found, held)
	c.answers.Put(string(key), a, bytes)
	for c.bytes > sourceBytes && c.answers.Drop() {
	}
}

// bytesOf is what a reply of the catalog holds. It is measured once, without the lock:
// a long one takes milliseconds.
func (c *answerCache) bytesOf(found rpc.Message) int {
	if found == nil {
		return 0
	}
	c.mu.RLock()
	u, known := c.sources[identity(found)]
	c.mu.RUnlock()
	if known {
		return u.bytes
	}
	return found.Msgsize()
}

// use accounts for an answer made of a reply of the catalog that holds so many bytes;
// c.mu is held, as for release.
func (c *answerCache) use(found rpc.Message, bytes int) {
	if found == nil {
		return
	}
	u, known := c.sources[identity(found)]
	if !known {
		u.bytes = bytes
		c.bytes += bytes
	}
	u.answers++
	c.sources[identity(found)] = u
}

func (c *answerCache) release(found rpc.Message) {
	u, known := c.sources[identity(found)]
	if !known {
		return
	}
	if u.answers--; u.answers > 0 {
		c.sources[identity(found)] = u
		return
	}
	delete(c.sources, identity(found))
	c.bytes -= u.bytes
}

// get returns the answer to a question if it is right, and one of its packed
// replies if that may still be given. lower says that the question's name is spelled
// as in the key, without capitals.
func (c *answerCache) get(key []byte, lower bool, config *Config, now time.Time) (*cachedAnswer, []byte) {
	a := c.find(key)
	if a == nil || a.config != config || !(lower || a.anyCase) || !a.holds(now) {
		return nil, nil
	}
	v := a.variants[rand.IntN(len(a.variants))].Load()
	if v == nil || a.shuffled && v.left.Add(-1) < 0 {
		return a, nil
	}
	return a, v.packed
}

// put caches a packed reply of so many records if its question is asked again and
// again. A reply in random order is given the more often the more records it has:
// one that names all instances need not be rebuilt as often as one that picks
// three of a thousand, which is cut.
func (c *answerCache) put(key []byte, config *Config, s *source, packed []byte, records int, cut, anyCase bool) {
	if s.unknown || s.stale {
		return
	}
	a := c.find(key)
	if a == nil && !c.askedBefore(key) {
		return
	}
	uses := records + moreUses
	if !cut {
		uses *= allNamed
	}
	v := &variant{packed: packed}
	v.left.Store(int64(uses))
	if a == nil || a.config != config || a.anyCase != anyCase || !a.sameAs(s) {
		a = &cachedAnswer{source: *s, config: config, anyCase: anyCase, variants: make([]atomic.Pointer[variant], variants(s, len(packed)))}
		a.variants[0].Store(v)
		c.insert(key, a, cachedAnswerBytes+len(key)+len(a.variants)*(variantOwnBytes+len(packed)))
		return
	}
	for i, from := 0, rand.IntN(len(a.variants)); i < len(a.variants); i++ {
		slot := &a.variants[(from+i)%len(a.variants)]
		if was := slot.Load(); was == nil || was.left.Load() <= 0 {
			slot.Store(v)
			return
		}
	}
}

// variants is how many orders of a reply are cached.
func variants(s *source, size int) int {
	if !s.shuffled {
		return 1
	}
	return min(max(variantBytes/size, leastVariants), mostVariants)
}

func (c *answerCache) askedBefore(key []byte) bool {
	hash := maphash.Bytes(c.seed, key)
	slot := &c.seen[hash%uint64(len(c.seen))]
	return slot.Swap(uint32(hash>>32)) == uint32(hash>>32)
}
