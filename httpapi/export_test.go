package httpapi

import "praetor/internal/budget"

// Cached counts the answers cached, and what they hold.
func (a *API) Cached() (answers, bytes int) {
	a.answers.mu.Lock()
	defer a.answers.mu.Unlock()
	return a.answers.answers.Len(), a.answers.answers.Bytes()
}

// CachedReplies counts the replies cached, and what they hold.
func (a *API) CachedReplies() (replies, bytes int) {
	a.replies.mu.Lock()
	defer a.replies.mu.Unlock()
	return a.replies.replies.Len(), a.replies.replies.Bytes()
}

// AnswerCacheBytes bounds what cached answers hold.
const AnswerCacheBytes = answerCacheBytes

// ReplyCacheBytes bounds what cached replies hold.
const ReplyCacheBytes = replyCacheBytes

// LimitAnswers sets the budget of answers under way.
func (a *API) LimitAnswers(b *budget.Budget) { a.underWay = b }

// Traits reports whether an endpoint knows ?cached, and whether it shares what blocks.
func Traits(pattern string) (cached, shared bool) {
	for _, r := range routes {
		if r.pattern == pattern {
			return r.traits&cacheable != 0, r.traits&viewed != 0
		}
	}
	return false, false
}

// Feeds counts the feeds, and what they hold.
func (a *API) Feeds() (feeds, bytes int) {
	a.feeds.mu.Lock()
	defer a.feeds.mu.Unlock()
	return len(a.feeds.byName), a.feeds.bytes
}

// The bounds of streams.
const (
	MaxTopics           = maxTopics
	MaxStreamsPerClient = maxStreamsPerClient
	MaxFeedBytes        = maxFeedBytes
)
