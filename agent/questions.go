package agent

import (
	"context"

	"praetor/agent/server"
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
	if q.Name != server.EvictQuestionName {
		a.logger.Debug("question of an unknown kind left unanswered", "name", q.Name, "from", q.From)
		return
	}
	if err := q.Answer(a.evict(ctx, q).Encode()); err != nil {
		a.logger.Warn("answer to a server may be lost", "question", q.Name, "server", q.From, "error", err)
	}
}

// isServer tells whether a member is a living server of this datacenter.
func (a *Agent) isServer(name string) bool {
	for _, m := range a.lan.Members() {
		info, ok := gossip.ParseServer(m)
		if ok && m.Name == name && m.Status == gossip.Alive && info.Datacenter == a.runtime.Load().Datacenter {
			return true
		}
	}
	return false
}
