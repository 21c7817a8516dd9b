package httpapi

import (
	"praetor/catalog"
	"praetor/internal/budget"
)

// Encoders and decoders for the external tests.
var (
	AppendString         = appendString
	AppendNode           = appendNode
	AppendNodeService    = appendNodeService
	AppendServiceNode    = appendServiceNode
	AppendAgentService   = appendAgentService
	AppendCheck          = appendCheck
	AppendKVEntry        = appendKVEntry
	AppendInstanceHealth = appendInstanceHealth
	AppendFloat          = appendFloat
)

// Kept counts the answers kept, and the bytes accounted to them.
func (a *API) Kept() (answers, bytes int) {
	a.kept.mu.Lock()
	defer a.kept.mu.Unlock()
	return len(a.kept.answers), a.kept.bytes
}

// Bodies of registrations, decoded.
type (
	RegisterBody = registerBody
)

// Services, checks and registrations that bodies describe.
func (r *RegisterBody) Part() catalog.Register { return r.register() }

// MaxKept is the bound on kept answers.
const MaxKept = maxKept

// LimitAnswers sets the budget of answers under way.
func (a *API) LimitAnswers(b *budget.Budget) { a.underWay = b }
