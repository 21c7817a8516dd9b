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
