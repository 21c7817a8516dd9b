package agent

import (
	"context"

	"praetor/agent/server/duty"
	"praetor/gossip"
)

// runQuestions answers what servers ask of this agent through the LAN pool,
// one after the other, until ctx ends.
func (a *Agent) runQuestions(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case q := <-a.lan.Questions():
			a.answer(ctx, q)
		}
	}
}

func (a *Agent) answer(ctx context.Context, q gossip.Question) {
	if q.Name != duty.EvictQuestionName {
		a.logger.Debug("question of an unknown kind left unanswered", "name", q.Name, "from", q.From)
		return
	}
	a.evict(ctx, string(q.Payload))
	if err := q.Answer(nil); err != nil {
		a.logger.Debug("question answered too late", "question", q.Name, "from", q.From, "error", err)
	}
}
