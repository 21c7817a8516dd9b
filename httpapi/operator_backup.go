package httpapi

import (
	"net/http"
	"time"

	"praetor/internal/ops"
)

// operatorBackup tells how the leader's backups go, or by PUT has it take one. Consul
// has no such endpoint.
func operatorBackup(x *exchange) error {
	if x.r.Method == http.MethodPut {
		rep, err := ops.OperatorBackupNow.Call(x.r.Context(), x.api.opts.Caller, &ops.OperatorBackupNowRequest{WriteOptions: x.writeOptions()})
		if err != nil {
			return err
		}
		return x.replyBackup(rep)
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex, opts.Stale = 0, false // only the leader knows
	rep, err := ops.OperatorBackup.Call(x.r.Context(), x.api.opts.Caller, &ops.OperatorBackupRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.replyBackup(rep)
}

// backupBody is the answer.
type backupBody struct {
	Configured bool
	Target     string
	Interval   string
	Retain     int
	Encrypted  bool
	Running    bool
	Last       *lastBackup
	Next       time.Time
	Failures   int
	Failure    string
	FailedAt   *time.Time
}

type lastBackup struct {
	Name  string
	Time  time.Time
	Index uint64
	Bytes int64
	Took  string
}

func (x *exchange) replyBackup(rep *ops.OperatorBackupReply) error {
	body := backupBody{
		Configured: rep.Configured, Target: rep.Target, Interval: rep.Interval.String(), Retain: rep.Retain, Encrypted: rep.Encrypted,
		Running: rep.Running, Next: rep.Next.UTC(), Failures: rep.Failures, Failure: rep.Failure,
	}
	if last := rep.Last; last != nil {
		body.Last = &lastBackup{last.Name, last.Time.UTC(), last.Index, last.Bytes, last.Took.String()}
	}
	if !rep.FailedAt.IsZero() {
		at := rep.FailedAt.UTC()
		body.FailedAt = &at
	}
	return x.reflected(body)
}
