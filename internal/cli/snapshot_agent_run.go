package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-uuid"

	"praetor/internal/backup"
	"praetor/internal/life"
)

const (
	// snapshotRetry is the longest pause after a snapshot that failed.
	snapshotRetry = time.Minute
	// standbyPause is how long one that gave the lock up, or could not ask for it, lets
	// others have it.
	standbyPause = 15 * time.Second
)

// snapshotAgent saves snapshots while it holds the lock.
type snapshotAgent struct {
	opts    *snapshotAgentOptions
	client  *api.Client
	job     *backup.Job
	logger  hclog.Logger
	service *snapshotService
}

// save takes one snapshot, and logs how it went.
func (a *snapshotAgent) save(ctx context.Context) (*backup.Saved, error) {
	saved, err := a.job.Run(ctx)
	if err != nil {
		a.logger.Error("Snapshot failed", "error", err)
		return nil, err
	}
	a.logger.Info(fmt.Sprintf("Saved snapshot %d", saved.ID), "name", saved.Name, "in", a.job.Store, "index", saved.Index, "bytes", saved.Bytes, "took", saved.Took, "removed", saved.Removed)
	if saved.Left != nil {
		a.logger.Warn("Older snapshots were not removed", "error", saved.Left)
	}
	return saved, nil
}

// run stands by and saves until ctx ends.
func (a *snapshotAgent) run(ctx context.Context) error {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return err
	}
	a.service = &snapshotService{agent: a.client.Agent(), opts: a.opts, id: a.opts.service + ":" + id, logger: a.logger, news: make(chan struct{}, 1)}
	if err := a.service.refresh(); err != nil {
		return fail("Error registering the service: %s", err)
	}
	a.logger.Info("Snapshot agent running", "interval", a.opts.interval, "retain", a.opts.retain, "in", a.job.Store)
	var keeping sync.WaitGroup
	keeping.Go(func() { a.service.keep(ctx) })
	defer keeping.Wait()
	for ctx.Err() == nil {
		if err := a.standBy(ctx); err != nil && ctx.Err() == nil {
			a.logger.Error("Lock acquisition failed", "error", err)
		}
		life.Pause(ctx, standbyPause)
	}
	return nil
}

// standBy waits for the lock, saves while it is held, and gives it up.
func (a *snapshotAgent) standBy(ctx context.Context) error {
	a.logger.Info("Waiting to obtain leadership...")
	session, err := newLockSession(a.client, lockOptions{name: "Consul Snapshot Agent"})
	if err != nil {
		return err
	}
	defer session.end()
	lock, err := a.client.LockOpts(&api.LockOptions{Key: a.opts.lockKey, Value: []byte(a.service.id), Session: session.id, MonitorRetries: 3, MonitorRetryTime: lockRetryTime})
	if err != nil {
		return err
	}
	lost, err := acquireUnless(lock.Lock, ctx.Done())
	if lost == nil {
		return err
	}
	a.logger.Info("Obtained leadership")
	leading, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with leading
		select {
		case <-lost:
			stop()
		case <-leading.Done():
		}
	}()
	a.lead(leading)
	a.service.saves(nil)
	if ctx.Err() == nil {
		a.logger.Warn("Lost leadership")
	}
	if err := lock.Unlock(); err != nil && !errors.Is(err, api.ErrLockNotHeld) {
		return err
	}
	return nil
}

// lead saves until ctx ends, or too many snapshots failed in a row.
func (a *snapshotAgent) lead(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		next := a.opts.interval
		saved, err := a.save(ctx)
		if err != nil {
			failures++
			next = min(next, snapshotRetry)
			a.service.saves(&savingState{api.HealthCritical, fmt.Sprintf("%d failures in a row: %s", failures, err)})
		} else {
			failures = 0
			a.service.saves(&savingState{api.HealthPassing, fmt.Sprintf("Saved snapshot %d", saved.ID)})
		}
		if failures >= a.opts.maxFailures {
			a.logger.Error("Too many failures: giving up leadership", "failures", failures)
			return
		}
		life.Pause(ctx, next)
	}
}

const (
	snapshotTTL      = 30 * time.Second
	snapshotTTLRenew = 10 * time.Second
)

// savingState is what the check of who saves shows.
type savingState struct{ status, output string }

// snapshotService is the agent as a service: its checks say whether it lives and, while
// it leads, whether it saves.
type snapshotService struct {
	agent  *api.Agent
	opts   *snapshotAgentOptions
	id     string
	logger hclog.Logger
	news   chan struct{} // one token: saving changed

	mu     sync.Mutex
	saving *savingState // nil while it does not lead
	// registered and shown are what the agent knows, as far as this one does.
	registered, shown bool
}

// saves says how saving goes.
func (s *snapshotService) saves(state *savingState) {
	s.mu.Lock()
	s.saving = state
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// keep keeps the checks alive until ctx ends, and then deregisters the service.
func (s *snapshotService) keep(ctx context.Context) {
	t := time.NewTicker(snapshotTTLRenew)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := s.agent.ServiceDeregister(s.id); err != nil {
				s.logger.Warn("Error deregistering the service", "error", err)
			}
			return
		case <-t.C:
		case <-s.news:
		}
		if err := s.refresh(); err != nil {
			s.logger.Warn("Error updating the service's checks", "error", err)
		}
	}
}

func (s *snapshotService) aliveID() string  { return "service:" + s.id }
func (s *snapshotService) savingID() string { return "service:" + s.id + ":saving" }

// refresh brings the agent up to date. After an error it registers again next time: the
// agent may have forgotten, or be another.
func (s *snapshotService) refresh() (err error) {
	s.mu.Lock()
	saving := s.saving
	s.mu.Unlock()
	defer func() {
		if err != nil {
			s.registered, s.shown = false, false
		}
	}()
	if !s.registered {
		if err := s.agent.ServiceRegisterOpts(s.registration(), api.ServiceRegisterOpts{ReplaceExistingChecks: true}); err != nil {
			return err
		}
		s.registered = true
	}
	if err := s.agent.UpdateTTL(s.aliveID(), "", api.HealthPassing); err != nil {
		return err
	}
	if saving == nil {
		if !s.shown {
			return nil
		}
		s.shown = false
		return s.agent.CheckDeregister(s.savingID())
	}
	if !s.shown {
		check := &api.AgentCheckRegistration{ID: s.savingID(), Name: "Consul Snapshot Agent Saving Snapshots", ServiceID: s.id}
		check.TTL = snapshotTTL.String()
		if err := s.agent.CheckRegister(check); err != nil {
			return err
		}
		s.shown = true
	}
	return s.agent.UpdateTTL(s.savingID(), saving.output, saving.status)
}

func (s *snapshotService) registration() *api.AgentServiceRegistration {
	check := &api.AgentServiceCheck{CheckID: s.aliveID(), Name: "Consul Snapshot Agent Alive", TTL: snapshotTTL.String(), Status: api.HealthPassing}
	if s.opts.deregisterAfter > 0 {
		check.DeregisterCriticalServiceAfter = s.opts.deregisterAfter.String()
	}
	return &api.AgentServiceRegistration{ID: s.id, Name: s.opts.service, Check: check}
}
