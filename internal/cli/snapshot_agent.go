package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/backup"
	"praetor/internal/consulstate"
	"praetor/internal/logging"
)

type snapshotAgentOptions struct {
	client                client
	configDirs            []string
	configFiles           []string
	interval              time.Duration
	retain, maxFailures   int
	lockKey, service      string
	deregisterAfter       time.Duration
	logLevel              string
	logJSON, syslog       bool
	syslogFacility        string
	namePrefix            string
	static                string
	target                backup.Target
	serverSide, enableKMS bool
}

func newSnapshotAgentCommand() *cobra.Command {
	var opts snapshotAgentOptions
	cmd := &cobra.Command{
		Use:   "agent [options]",
		Short: "Saves snapshots again and again",
		Long: `Saves snapshots of the servers' state in a folder or with an S3-compatible store
until it is told to stop, checks each, and removes the oldest; with -interval=0 it
saves one and ends. Several may run for the same cluster: one holds the lock and
saves, the others stand by. Each is registered as a service, with checks that say
whether it lives and whether it saves.

Where ACLs are on its token needs acl:write, key:write on the lock's key,
session:write on the agent's node, and service:write on the service's name.

Servers can take backups without it: see "backups" in their configuration.`,
		Example: `praetor snapshot agent -local-path=/var/backups/praetor
praetor snapshot agent -interval=0 -local-path=/mnt/backups
praetor snapshot agent -interval=15m -retain=96 -aws-s3-bucket=backups -aws-s3-region=eu-west-1
praetor snapshot agent -config-file=snapshot-agent.json -encrypt-to=age1…`,
		RunE: func(cmd *cobra.Command, args []string) error { return runSnapshotAgent(cmd, args, &opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	fs := cmd.Flags()
	fs.Var((*list)(&opts.configDirs), "config-dir", "Folder whose .json files are read. May be given several times.")
	fs.Var((*list)(&opts.configFiles), "config-file", "JSON file with a \"snapshot_agent\" object. May be given several times.")
	fs.DurationVar(&opts.interval, "interval", time.Hour, "Time between two snapshots; 0 to save one and end.")
	fs.IntVar(&opts.retain, "retain", 30, "How many snapshots to keep; 0 for all.")
	fs.IntVar(&opts.maxFailures, "max-failures", 3, "After how many failures in a row another agent gets its chance.")
	fs.StringVar(&opts.lockKey, "lock-key", "consul-snapshot/lock", "The key whose holder saves; the same for all agents of a cluster.")
	fs.StringVar(&opts.service, "service", "consul-snapshot", "The name of the service to register as.")
	fs.DurationVar(&opts.deregisterAfter, "deregister-after", 72*time.Hour, "How long after its death the service is deregistered; 0 for never.")
	fs.StringVar(&opts.logLevel, "log-level", "INFO", "Least level of log lines: trace, debug, info, warn or error.")
	fs.BoolVar(&opts.logJSON, "log-json", false, "Print log lines as JSON.")
	fs.BoolVar(&opts.syslog, "syslog", false, "Also log to syslog.")
	fs.StringVar(&opts.syslogFacility, "syslog-facility", "LOCAL0", "Facility for syslog.")
	fs.StringVar(&opts.namePrefix, "name-prefix", "consul", "How the names of the snapshots begin. Those of another prefix are not removed.")
	fs.StringVar(&opts.target.LocalPath, "local-path", ".", "The folder to save in, unless there is a bucket.")
	fs.StringVar(&opts.target.Scratch, "local-scratch-path", "", "Folder for a snapshot on its way to a bucket; the system's if unspecified.")
	fs.Var((*list)(&opts.target.EncryptTo), "encrypt-to", "Public key (age1…) to encrypt to. May be given several times; restore asks for one of the private ones.")
	s3 := &opts.target.S3
	fs.StringVar(&s3.AccessKeyID, "aws-access-key-id", "", "Access key of the store. Also AWS_ACCESS_KEY_ID.")
	fs.StringVar(&s3.SecretAccessKey, "aws-secret-access-key", "", "Its secret. Also AWS_SECRET_ACCESS_KEY, which other users of the machine do not see.")
	fs.StringVar(&s3.SessionToken, "aws-session-token", "", "Token of temporary keys. Also AWS_SESSION_TOKEN.")
	fs.StringVar(&s3.Bucket, "aws-s3-bucket", "", "The bucket to save in.")
	fs.StringVar(&s3.KeyPrefix, "aws-s3-key-prefix", "consul-snapshot", "What stands before the snapshots' names, with a slash between.")
	fs.StringVar(&s3.Region, "aws-s3-region", "", "The bucket's region.")
	fs.StringVar(&s3.Endpoint, "aws-s3-endpoint", os.Getenv("AWS_S3_ENDPOINT"), "Where the store answers, if it is not AWS: https://host[:port]. Also AWS_S3_ENDPOINT.")
	fs.BoolVar(&s3.PathStyle, "aws-s3-force-path-style", false, "Name the bucket in the path with AWS too; with other endpoints that is always so.")
	fs.StringVar(&opts.static, "aws-s3-static-snapshot-name", "", "Save every snapshot under this name: the bucket keeps versions.")
	fs.BoolVar(&opts.serverSide, "aws-s3-server-side-encryption", false, "Have the store encrypt with its own keys.")
	fs.BoolVar(&opts.enableKMS, "aws-s3-enable-kms", false, "Have the store encrypt with a key of KMS.")
	fs.StringVar(&s3.KMSKey, "aws-s3-kms-key", "", "The key of KMS; its default one if unspecified.")
	return cmd
}

func runSnapshotAgent(cmd *cobra.Command, args []string, opts *snapshotAgentOptions) error {
	if len(args) > 0 {
		return misused("Too many arguments (expected 0, got %d)", len(args))
	}
	if err := opts.configure(cmd.Flags()); err != nil {
		return fail("%s", err)
	}
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	job, err := opts.job(cl)
	if err != nil {
		return fail("Error in the configuration: %s", err)
	}
	logger, err := logging.Open(logging.Options{
		Level: opts.logLevel, JSON: opts.logJSON, Output: cmd.OutOrStdout(), Syslog: opts.syslog, SyslogFacility: opts.syslogFacility,
	})
	if err != nil {
		return fail("%s", err)
	}
	defer logger.Close()
	ctx, stop := untilInterrupted(cmd.Context())
	defer stop()
	a := &snapshotAgent{opts: opts, client: cl, job: job, logger: logger}
	if opts.interval == 0 {
		if _, err := a.save(ctx); err != nil {
			return exit{code: exitError} // it is logged
		}
		return nil
	}
	return a.run(ctx)
}

// check says what of the options cannot be.
func (o *snapshotAgentOptions) check() error {
	switch {
	case o.interval < 0 || o.interval > 0 && o.interval < time.Second:
		return fmt.Errorf("-interval must be 0 or at least 1s, not %s", o.interval)
	case o.interval > 0 && o.client.datacenter != "":
		return fmt.Errorf("-datacenter goes with -interval=0 only: run the agent that saves again and again in that datacenter")
	case o.retain < 0:
		return fmt.Errorf("-retain must not be negative")
	case o.maxFailures < 1:
		return fmt.Errorf("-max-failures must be at least 1")
	case o.lockKey == "" || o.service == "" || o.namePrefix == "":
		return fmt.Errorf("-lock-key, -service and -name-prefix must not be empty")
	case o.deregisterAfter < 0:
		return fmt.Errorf("-deregister-after must not be negative")
	}
	return nil
}

// job is what is done at each snapshot.
func (o *snapshotAgentOptions) job(cl *api.Client) (*backup.Job, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	switch {
	case o.enableKMS || o.target.S3.KMSKey != "":
		o.target.S3.Encryption = "aws:kms"
	case o.serverSide:
		o.target.S3.Encryption = "AES256"
	}
	recipients, err := backup.ParseRecipients(o.target.EncryptTo)
	if err != nil {
		return nil, err
	}
	store, err := backup.Open(o.target)
	if err != nil {
		return nil, err
	}
	return &backup.Job{
		Store: store, Prefix: o.namePrefix, Static: o.static, Retain: o.retain, Recipients: recipients, Verify: consulstate.Verify,
		Save: func(ctx context.Context) (io.ReadCloser, uint64, error) {
			archive, meta, err := cl.Snapshot().Save(o.client.query().WithContext(ctx))
			if err != nil {
				return nil, 0, err
			}
			return archive, meta.LastIndex, nil
		},
	}, nil
}
