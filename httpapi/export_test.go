package httpapi

import (
	"context"
	"time"

	"praetor/catalog"
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
	DecodeStrict         = decodeStrict
)

// Kept counts the answers kept, and the bytes accounted to them.
func (a *API) Kept() (answers, bytes int) {
	a.kept.mu.Lock()
	defer a.kept.mu.Unlock()
	return len(a.kept.answers), a.kept.bytes
}

// Bodies of registrations, decoded.
type (
	AgentServiceBody = agentServiceBody
	AgentCheckBody   = agentCheckBody
	RegisterBody     = registerBody
)

// Services, checks and registrations that bodies describe.
func (s *AgentServiceBody) Parts() (*catalog.Service, []*catalog.Check) {
	return s.service(), s.checks()
}
func (c *AgentCheckBody) Part() *catalog.Check { return c.check() }
func (r *RegisterBody) Part() catalog.Register { return r.register() }

// MaxKept is the bound on kept answers.
const MaxKept = maxKept

// Budget is a budget of answers under way.
type Budget struct{ budget }

func NewBudget(most, mostPerClient int, wait time.Duration) *Budget {
	return &Budget{budget{most: most, mostPerClient: mostPerClient, wait: wait}}
}

func (b *Budget) Take(ctx context.Context, client string, bytes int, of any) (func(), error) {
	return b.take(ctx, client, bytes, of)
}

// Total is what is under way; the tables must be empty with it.
func (b *Budget) Total() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total == 0 && len(b.perClient)+len(b.shared) > 0 {
		return -1
	}
	return b.total
}

// LimitAnswers sets the budget of answers under way.
func (a *API) LimitAnswers(b *Budget) {
	a.underWay.most, a.underWay.mostPerClient, a.underWay.wait = b.most, b.mostPerClient, b.wait
}
