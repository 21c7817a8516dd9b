package server

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/server/kernel"
	"praetor/internal/acl"
	"praetor/internal/backup"
	"praetor/internal/consulstate"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/telemetry"
)

// BackupOptions say how the leader takes backups; Save and Verify of Job are filled in.
type BackupOptions struct {
	Interval time.Duration
	Job      backup.Job
}

const (
	// backupRetry is the first pause after a backup that failed; it doubles, up to the
	// interval.
	backupRetry = time.Minute
	// backupMeasure is how often the age of the last backup is told.
	backupMeasure = 10 * time.Second
)

// backups are taken by the leader. When the next is due follows from the names of those
// that are there, so a new leader goes on where the last one was.
type backups struct {
	interval time.Duration
	job      backup.Job
	logger   hclog.Logger
	asked    chan chan error // backups that operators ask for

	metrics       *telemetry.Metrics
	taken, failed *telemetry.Counter
	took          *telemetry.Timer

	mu     sync.Mutex
	status ops.OperatorBackupReply
}

// newBackups returns nil if none are to be taken.
func (s *Server) newBackups() *backups {
	if s.opts.Backups == nil {
		return nil
	}
	m := s.opts.Metrics
	b := &backups{
		interval: s.opts.Backups.Interval, job: s.opts.Backups.Job, logger: s.opts.Logger.Named("backup"), asked: make(chan chan error),
		metrics: m, taken: m.Counter("backup.success"), failed: m.Counter("backup.failure"), took: m.Timer("backup.time"),
	}
	b.job.Save, b.job.Verify = s.saveBackup, consulstate.Verify
	b.status = ops.OperatorBackupReply{Configured: true, Target: b.job.Store.String(), Interval: b.interval, Retain: b.job.Retain, Encrypted: len(b.job.Recipients) > 0}
	return b
}

func (s *Server) saveBackup(ctx context.Context) (io.ReadCloser, uint64, error) {
	rep, archive, err := s.snapshotSave(ctx, nil, &ops.SnapshotSaveRequest{}, nil)
	if err != nil {
		return nil, 0, err
	}
	return archive, rep.Index, nil
}

// run takes backups until ctx ends with the term.
func (b *backups) run(ctx context.Context) {
	if b == nil {
		return
	}
	due, failures := b.firstDue(ctx), 0
	for {
		b.set(func(s *ops.OperatorBackupReply) { s.Next = due })
		asker := b.wait(ctx, due)
		if ctx.Err() != nil {
			return
		}
		err := b.take(ctx)
		if asker != nil {
			asker <- err
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			due, failures = time.Now().Add(b.interval), 0
		default:
			due = time.Now().Add(min(b.interval, backupRetry<<min(failures, 10)))
			failures++
		}
	}
}

// firstDue is when the first backup of a term is due.
func (b *backups) firstDue(ctx context.Context) time.Time {
	now := time.Now()
	newest, err := b.job.Newest(ctx)
	if err != nil {
		b.logger.Warn("cannot see which backups are there: taking one", "error", err)
	}
	if newest == nil {
		return now
	}
	b.set(func(s *ops.OperatorBackupReply) { s.Last = &ops.Backup{Name: newest.Name, Time: newest.At()} })
	if due := newest.At().Add(b.interval); due.Before(now.Add(b.interval)) {
		return due
	}
	return now.Add(b.interval) // its clock was ahead
}

// wait returns when a backup is due, or asked for: who asks is told how it went.
func (b *backups) wait(ctx context.Context, due time.Time) (asker chan error) {
	tick := time.NewTicker(backupMeasure)
	defer tick.Stop()
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	for {
		b.measure()
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			return nil
		case asker = <-b.asked:
			return asker
		case <-tick.C:
		}
	}
}

// measure tells the age and the size of the last backup, if there is one.
func (b *backups) measure() {
	last := b.reply().Last
	if b.metrics == nil || last == nil {
		return
	}
	b.metrics.Gauge("backup.age", time.Since(last.Time).Seconds())
	if last.Bytes > 0 {
		b.metrics.Gauge("backup.size", float64(last.Bytes))
	}
}

func (b *backups) take(ctx context.Context) error {
	b.set(func(s *ops.OperatorBackupReply) { s.Running = true })
	saved, err := b.job.Run(ctx)
	b.set(func(s *ops.OperatorBackupReply) {
		s.Running = false
		if err != nil {
			s.Failures, s.Failure, s.FailedAt = s.Failures+1, err.Error(), time.Now()
			return
		}
		s.Failures, s.Failure, s.FailedAt = 0, "", time.Time{}
		s.Last = &ops.Backup{Name: saved.Name, Time: saved.At(), Index: saved.Index, Bytes: saved.Bytes, Took: saved.Took}
	})
	if err != nil {
		if ctx.Err() == nil { // else another leader takes it
			b.failed.Incr()
			b.logger.Error("backup failed", "error", err)
		}
		return err
	}
	b.taken.Incr()
	b.took.Took(saved.Took)
	b.logger.Info("backup taken", "name", saved.Name, "in", b.job.Store, "index", saved.Index, "bytes", saved.Bytes, "took", saved.Took, "removed", saved.Removed)
	if saved.Left != nil {
		b.logger.Warn("older backups were not removed", "error", saved.Left)
	}
	return nil
}

// reply is how things are now.
func (b *backups) reply() *ops.OperatorBackupReply {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.status
	return &now
}

func (b *backups) set(change func(*ops.OperatorBackupReply)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.status)
}

func (s *Server) registerBackups(m *kernel.Mux) {
	kernel.Handle(m, ops.OperatorBackup, kernel.NeedsAlways(acl.Operator.Read()), s.operatorBackup)
	kernel.Handle(m, ops.OperatorBackupNow, kernel.NeedsAlways(acl.Operator.Write()), s.operatorBackupNow)
}

func (s *Server) operatorBackup(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorBackupRequest) (*ops.OperatorBackupReply, error) {
	if err := s.kernel.AdmitRead(ctx, &req.ReadOptions); err != nil {
		return nil, err
	}
	if s.backups == nil {
		return &ops.OperatorBackupReply{}, nil
	}
	return s.backups.reply(), nil
}

// operatorBackupNow waits for the backup. One that is under way goes first.
func (s *Server) operatorBackupNow(ctx context.Context, _ *acl.Authorizer, _ *ops.OperatorBackupNowRequest) (*ops.OperatorBackupReply, error) {
	if err := s.kernel.MustLead(); err != nil {
		return nil, err
	}
	if s.backups == nil {
		return nil, fault.New(fault.Rejected, "backups are not configured: set \"backups\" in the configuration of the servers")
	}
	answer := make(chan error, 1)
	select {
	case s.backups.asked <- answer:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case err := <-answer:
		if err != nil {
			return nil, fault.New(fault.Rejected, "backup failed: %w", err)
		}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return s.backups.reply(), nil
}
