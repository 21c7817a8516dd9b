package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheSnapshotAgentRefusesWhatCannotBe has a configuration file, flags, and what is
// said of them. None shows a secret.
func TestTheSnapshotAgentRefusesWhatCannotBe(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	answer(t, map[string]string{})
	for _, c := range []struct{ file, flags, says string }{
		{``, "x", "Too many arguments (expected 0, got 1)"},
		{``, "-interval=10ms", "-interval must be 0 or at least 1s, not 10ms"},
		{``, "-datacenter=dc2", "-datacenter goes with -interval=0 only"},
		{``, "-retain=-1", "-retain must not be negative"},
		{``, "-max-failures=0", "-max-failures must be at least 1"},
		{``, "-lock-key=", "-lock-key, -service and -name-prefix must not be empty"},
		{``, "-deregister-after=-1s", "-deregister-after must not be negative"},
		{``, "-aws-s3-bucket=b", "the region of the bucket is not named"},
		{``, "-aws-s3-bucket=b -aws-s3-region=r", "the store's access key or its secret is missing"},
		{``, "-encrypt-to=age1", `"age1" is no public key`},
		{``, "-log-level=loud", "Invalid log level: LOUD"},
		{``, "-config-file=/nowhere.json", "/nowhere.json"},
		{`{"datacenter": "dc1"}`, "", `no configuration file has a "snapshot_agent" object`},
		{`{"snapshot_agent"`, "", "it is no JSON"},
		{`{"snapshot_agent": {"snapshot": {"intervall": "1h"}}}`, "", "snapshot_agent.snapshot.intervall is not known"},
		{`{"snapshot_agent": {"backup_destinations": {"google_storage": [{"bucket": "b"}]}}}`, "", "snapshot_agent.google_storage.bucket is not known"},
		{`{"snapshot_agent": {"backup_destinations": {"local_storage": [{"path": "a"}, {"path": "b"}]}}}`, "", "snapshot_agent.backup_destinations.local_storage is not known"},
		{`{"snapshot_agent": {"snapshot": {"interval": "hush-hush"}}}`, "", "snapshot_agent.snapshot.interval has a value that -interval does not take"},
		{`{"snapshot_agent": {"snapshot": {"retain": -5}}}`, "", "-retain must not be negative"},
		// What is set is taken: the next fault says so. Flags win, empty values say nothing.
		{`{"snapshot_agent": {"snapshot": {"retain": -5, "interval": ""}, "license_path": "x"}}`, "-retain=1 -max-failures=0", "-max-failures must be at least 1"},
		{`{"snapshot_agent": {"backup_destinations": {"aws_storage": [{"s3_bucket": "b", "s3_region": "r", "secret_access_key": "hush-hush"}]}}}`, "", "access key or its secret is missing"},
		{`{"snapshot_agent": {"aws_storage": {"s3_bucket": "b/c", "s3_region": "r"}}}`, "", `"b/c" is no name of a bucket`},
		{`{"snapshot_agent": {"snapshot": {"encrypt_to": ["age1"]}}}`, "", `"age1" is no public key`},
	} {
		args := append([]string{"snapshot", "agent"}, strings.Fields(c.flags)...)
		if c.file != "" {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, "-config-dir="+dir)
		}
		stdout, stderr, code := run(t, args...)
		if code != 1 || !strings.Contains(stderr, c.says) || strings.Contains(stdout+stderr, "hush") {
			t.Errorf("%s %s: %d %s%s, want %q", c.file, c.flags, code, stdout, stderr, c.says)
		}
	}
}
