package httpapi

import "praetor/internal/budget"

// Kept counts the answers kept, and the bytes accounted to them.
func (a *API) Kept() (answers, bytes int) {
	a.kept.mu.Lock()
	defer a.kept.mu.Unlock()
	return len(a.kept.answers), a.kept.bytes
}

// MaxKept is the bound on kept answers.
const MaxKept = maxKept

// LimitAnswers sets the budget of answers under way.
func (a *API) LimitAnswers(b *budget.Budget) { a.underWay = b }
