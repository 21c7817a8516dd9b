package ops

import (
	"time"

	"praetor/internal/rpc"
)

var (
	// OperatorBackup tells how the leader's backups go.
	OperatorBackup = rpc.Read[OperatorBackupRequest, OperatorBackupReply]("Operator.Backup")
	// OperatorBackupNow has the leader take one, and waits for it.
	OperatorBackupNow = rpc.Write[OperatorBackupNowRequest, OperatorBackupReply]("Operator.BackupNow")
)

type OperatorBackupRequest struct {
	rpc.ReadOptions
}

type OperatorBackupNowRequest struct {
	rpc.WriteOptions
}

// OperatorBackupReply is what the leader knows; before its first backup, what the names
// of those that are there tell.
type OperatorBackupReply struct {
	Configured bool
	Target     string
	Interval   time.Duration
	Retain     int
	Encrypted  bool
	Running    bool
	Last       *Backup
	Next       time.Time
	Failures   int // since the last that went well
	Failure    string
	FailedAt   time.Time
}

// Backup is one that was taken. Index and Bytes are 0 if another leader took it.
type Backup struct {
	Name  string
	Time  time.Time
	Index uint64
	Bytes int64
	Took  time.Duration
}
