package dnsserver

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"praetor/internal/rpc"
)

const (
	// keptBytes bounds what each of the two generations of kept answers takes,
	// keptAnswers their number, basisBytes the replies they were made of.
	keptBytes   = 16 << 20
	keptAnswers = 16384
	basisBytes  = 32 << 20
	// mostVariants is how many orders of one answer are kept at once, as long as
	// they take variantBytes at most together, but leastVariants anyway.
	mostVariants  = 32
	leastVariants = 4
	variantBytes  = 64 << 10
	// moreUses is how often an order is given at least before it is made anew,
	// allNamed how many times as often if no instance is left out of it.
	moreUses = 4
	allNamed = 8
)

// kept holds packed replies to questions that are asked again and again. A reply
// is kept with what it was made of and is not given any more once that changed.
//
// It has two generations: what was not asked while the younger one filled up goes.
type kept struct {
	mu         sync.RWMutex
	young, old map[string]*keptAnswer
	bytes      int                  // of young
	bases      map[rpc.Message]bool // that young ones were made of
	basesBytes int

	// seen holds hashes of questions asked not long ago. Only what is asked again
	// is kept: random names without number do not push out the others.
	seed maphash.Seed
	seen [8192]atomic.Uint32
}

// keptAnswer is the reply to one question.
type keptAnswer struct {
	basis
	config *Config
	size   int // of its key and all variants
	// anyCase: the asked name stands in it once, wherever else it is meant there is a
	// pointer to it. So it is the reply to the name in any letter case.
	anyCase bool

	// variants are the replies in different orders; just one if order is not
	// random.
	variants []atomic.Pointer[variant]
}

// basis is what a reply was made of.
type basis struct {
	known    rpc.Message // the reply to the lookup, if it was made before
	found    rpc.Message // the reply to the lookup, if it was made now
	live     *rpc.Live   // for how long found holds
	unknown  bool        // something besides: the reply must not be kept
	stale    bool        // servers had not been heard for a while
	second   int64       // Unix seconds of the time that is in it; 0 if there is none
	shuffled bool        // its order is random
}

// holds tells whether a reply made of b is right at now.
func (b *basis) holds(now time.Time) bool {
	return (b.second == 0 || b.second == now.Unix()) && (b.live == nil || b.live.Holds(staleAfter))
}

// sameAs tells whether two replies were made of the same. A lookup is known by what
// announces its change.
func (b *basis) sameAs(o *basis) bool {
	if b.live == nil || o.live == nil {
		return b.live == o.live && b.second == o.second
	}
	if b.second != o.second || b.shuffled != o.shuffled || len(b.live.Changed) != len(o.live.Changed) {
		return false
	}
	for _, c := range b.live.Changed { // in any order
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

func (k *kept) find(key []byte) *keptAnswer {
	k.mu.RLock()
	a := k.young[string(key)]
	if a != nil {
		k.mu.RUnlock()
		return a
	}
	a = k.old[string(key)]
	k.mu.RUnlock()
	if a != nil {
		k.insert(key, a)
	}
	return a
}

// insert puts an answer into the young generation.
func (k *kept) insert(key []byte, a *keptAnswer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	basis := 0
	if a.found != nil && !k.bases[a.found] {
		basis = a.found.Msgsize()
	}
	if k.young == nil || len(k.young) >= keptAnswers || k.bytes+a.size > keptBytes || basis > 0 && k.basesBytes+basis > basisBytes {
		k.old, k.young, k.bytes = k.young, make(map[string]*keptAnswer), 0
		k.bases, k.basesBytes = make(map[rpc.Message]bool), 0
	}
	if before := k.young[string(key)]; before != nil {
		k.bytes -= before.size
	}
	k.young[string(key)] = a
	k.bytes += a.size
	if a.found != nil && !k.bases[a.found] {
		k.bases[a.found] = true
		k.basesBytes += a.found.Msgsize()
	}
}

// get returns the answer to a question if it is right, and one of its packed
// replies if that may still be given. lower says that the question's name is spelled
// as in the key, without capitals.
func (k *kept) get(key []byte, lower bool, config *Config, now time.Time) (*keptAnswer, []byte) {
	a := k.find(key)
	if a == nil || a.config != config || !(lower || a.anyCase) || !a.holds(now) {
		return nil, nil
	}
	v := a.variants[rand.IntN(len(a.variants))].Load()
	if v == nil || a.shuffled && v.left.Add(-1) < 0 {
		return a, nil
	}
	return a, v.packed
}

// put keeps a packed reply of so many records if its question is asked again and
// again. A reply in random order is given the more often the more records it has:
// one that names all instances need not be made anew as often as one that picks
// three of a thousand, which is cut.
func (k *kept) put(key []byte, config *Config, b *basis, packed []byte, records int, cut, anyCase bool) {
	if b.unknown || b.stale {
		return
	}
	a := k.find(key)
	if a == nil && !k.askedBefore(key) {
		return
	}
	uses := records + moreUses
	if !cut {
		uses *= allNamed
	}
	v := &variant{packed: packed}
	v.left.Store(int64(uses))
	if a == nil || a.config != config || a.anyCase != anyCase || !a.sameAs(b) {
		a = &keptAnswer{basis: *b, config: config, anyCase: anyCase, variants: make([]atomic.Pointer[variant], variants(b, len(packed)))}
		a.size = len(key) + len(a.variants)*len(packed)
		a.variants[0].Store(v)
		k.insert(key, a)
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

// variants is how many orders of a reply are kept.
func variants(b *basis, size int) int {
	if !b.shuffled {
		return 1
	}
	return min(max(variantBytes/size, leastVariants), mostVariants)
}

func (k *kept) askedBefore(key []byte) bool {
	hash := maphash.Bytes(k.seed, key)
	slot := &k.seen[hash%uint64(len(k.seen))]
	return slot.Swap(uint32(hash>>32)) == uint32(hash>>32)
}
