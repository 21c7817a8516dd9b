package config

import (
	"time"

	"praetor/internal/backup"
)

// minBackupInterval keeps a slip of the hand from filling a disk.
const minBackupInterval = 10 * time.Second

// Backups is what the leader saves where.
type Backups struct {
	Enabled    bool
	Interval   time.Duration
	Retain     int
	Target     backup.Target
	Recipients backup.Recipients
}

func (b *builder) backups() {
	s := &b.s.Backups
	s3 := &s.S3
	out := Backups{
		Interval: b.duration("backups.interval", s.Interval), Retain: val(s.Retain),
		Target: backup.Target{LocalPath: val(s.LocalPath), Scratch: val(s.ScratchPath), EncryptTo: s.EncryptTo, S3: backup.S3{
			Bucket: val(s3.Bucket), Region: val(s3.Region), KeyPrefix: val(s3.KeyPrefix), Endpoint: val(s3.Endpoint), PathStyle: val(s3.PathStyle),
			AccessKeyID: val(s3.AccessKeyID), SecretAccessKey: val(s3.SecretAccessKey), SessionToken: val(s3.SessionToken),
		}},
	}
	out.Enabled = out.Target.LocalPath != "" || out.Target.S3.Bucket != ""
	b.rt.Backups = out
	if !out.Enabled {
		return
	}
	var err error
	if b.rt.Backups.Recipients, err = backup.ParseRecipients(s.EncryptTo); err != nil {
		b.refuse("backups.encrypt_to", "backups.encrypt_to: %s", err)
	}
	switch {
	case out.Interval < minBackupInterval:
		b.refuse("backups.interval", "backups.interval cannot be %s. Must be at least %s", out.Interval, minBackupInterval)
	case out.Retain < 0:
		b.refuse("backups.retain", "backups.retain cannot be %d. Must be greater than or equal to zero", out.Retain)
	case out.Target.LocalPath != "" && out.Target.S3.Bucket != "":
		b.refuse("backups.local_path", "backups.local_path and backups.s3.bucket are both set: backups go to one place")
	case out.Target.S3.Bucket != "":
		if err := out.Target.S3.Validate(); err != nil {
			b.refuse("backups.s3.bucket", "backups.s3: %s", err)
		}
	}
}
