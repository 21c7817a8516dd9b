package rules

import (
	"strings"
	"sync"

	"praetor/internal/acl"
	"praetor/internal/fault"
)

// maxCached bounds the texts of rules that a Cache holds sets for, in bytes. A set
// takes a small multiple of its text.
const maxCached = 16 << 20

// Cache makes authorizers, parsing and merging the same texts once. The zero value is
// ready.
type Cache struct {
	mu    sync.Mutex
	sets  map[string]*Set // by the texts, each ended by a zero byte
	bytes int             // of the keys
}

// Authorizer decides by the rules of all texts, whose order does not count.
// A text that cannot be parsed is an error, not a text without effect: what it denies
// must not be lost.
func (c *Cache) Authorizer(accessor string, texts []string, byDefault bool) (*acl.Authorizer, error) {
	set, err := c.set(texts)
	if err != nil {
		return nil, err
	}
	return acl.NewFrom(accessor, set, func(n acl.Need) bool { return set.Allows(n, byDefault) }), nil
}

func (c *Cache) set(texts []string) (*Set, error) {
	key := strings.Join(texts, "\x00")
	c.mu.Lock()
	set := c.sets[key]
	c.mu.Unlock()
	if set != nil {
		return set, nil
	}
	policies := make([]*Policy, len(texts))
	for i, text := range texts {
		var err error
		if policies[i], err = Parse(text); err != nil {
			return nil, fault.New(fault.Internal, "stored access rules: %w", err)
		}
	}
	set = Merge(policies...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil || c.bytes+len(key) > maxCached {
		c.sets, c.bytes = map[string]*Set{}, 0
	}
	c.sets[key] = set
	c.bytes += len(key)
	return set, nil
}
