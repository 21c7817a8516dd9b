// Package backup takes backups: it saves an archive in a folder or with an
// S3-compatible store, checks it, and removes the oldest.
//
// # Use
//
//	store, err := backup.Open(backup.Target{LocalPath: "/var/backups"})
//	job := backup.Job{Store: store, Prefix: "consul", Retain: 30, Save: save, Verify: verify}
//	saved, err := job.Run(ctx)
//
// # Concurrency
//
// One Run of a Job at a time; who may run it, of several machines, is decided by its
// callers: the leader of the servers, or who holds a lock.
//
// # Invariants
//
// What Run returns without an error was whole when it came, and was read back from
// where it is, byte by byte the same. Memory is bounded whatever the size of an archive.
// Only files whose names Run gives are removed, and the newest Retain never are.
// No error and no log line holds a key of the store.
//
// # Decisions
//
// The names tell the time, in nanoseconds: so who takes over from another knows from a
// list when the last backup was, and nothing has to be kept elsewhere. An archive is
// checked on its way, before it is encrypted, and its sum is compared with that of what
// is read back: who encrypts for somebody else's key cannot read it back otherwise, and
// one rule serves both. The three requests to S3 are signed here: its SDK would be
// the largest part of this program. The archive waits in a file without a name for S3,
// which wants to know size and sum before the first byte. filippo.io/age encrypts.
package backup
