package gossip

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/serf/serf"

	"praetor/internal/fault"
)

const (
	// MaxQuestionBytes and MaxAnswerBytes bound what Ask carries: it travels in
	// one UDP packet, with serf's own head of up to 256 bytes and the names of
	// both members.
	MaxQuestionBytes = 512
	MaxAnswerBytes   = 512
	// maxQuestions bounds the questions that wait to be answered. One that does
	// not fit is dropped: its sender does not wait for long.
	maxQuestions = 16
	// minAskTime is what a member gets for its answer at least, serf's own time
	// for small pools being sized for members that answer from memory.
	minAskTime = 5 * time.Second
	// askRelays is how many other members carry a copy of the answer, where
	// there are that many: a single packet may be lost.
	askRelays = 1
)

// ErrNoAnswer says that a member did not answer in time: it is gone, busy, or
// of a version that does not know the question.
var ErrNoAnswer = fault.New(fault.Rejected, "the member did not answer in time")

// Question is what another member asks of this one. Answer it before the asker
// gives up, a few seconds after it came.
type Question struct {
	Name    string // what kind of question
	From    string // name of the member that asks, as it says
	Payload []byte

	query *serf.Query
}

// Answer sends the answer. It fails if that is larger than MaxAnswerBytes, or
// comes too late.
func (q Question) Answer(payload []byte) error {
	if len(payload) > MaxAnswerBytes {
		return fault.New(fault.TooLarge, "answer of %d bytes exceeds the limit of %d", len(payload), MaxAnswerBytes)
	}
	if err := q.query.Respond(payload); err != nil {
		return fmt.Errorf("answer %s: %w", q.Name, err)
	}
	return nil
}

// Questions delivers what other members ask of this one. The channel is never
// closed. Those that nobody takes are dropped, and the asker gets ErrNoAnswer.
func (p *Pool) Questions() <-chan Question { return p.questions }

// Ask asks one living member, this one included, and waits for its answer. The
// error is ErrNoAnswer if none came within seconds, fault.TooLarge for a
// payload above MaxQuestionBytes, or ctx's. A member is asked at most once.
func (p *Pool) Ask(ctx context.Context, member, name string, payload []byte) ([]byte, error) {
	if len(payload) > MaxQuestionBytes {
		return nil, fault.New(fault.TooLarge, "question of %d bytes exceeds the limit of %d", len(payload), MaxQuestionBytes)
	}
	params := p.serf.DefaultQueryParams()
	params.FilterNodes = []string{member}
	params.RelayFactor = askRelays
	params.Timeout = max(params.Timeout, minAskTime)
	response, err := p.serf.Query(name, payload, params)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Rejected, Text: err.Error(), Err: fmt.Errorf("ask %s: %w", member, err)}
	}
	defer response.Close()
	select {
	case answer, ok := <-response.ResponseCh(): // serf closes it when time is up
		if !ok {
			return nil, ErrNoAnswer
		}
		return answer.Payload, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// takeQuestion hands a question over and never waits.
func (p *Pool) takeQuestion(q *serf.Query) {
	select {
	case p.questions <- Question{Name: q.Name, From: q.SourceNode(), Payload: q.Payload, query: q}:
	default:
		p.logger.Warn("question dropped: too many wait to be answered", "name", q.Name, "from", q.SourceNode())
	}
}
