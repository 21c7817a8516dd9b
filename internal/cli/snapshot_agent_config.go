package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"praetor/internal/regular"
)

// snapshotAgentKeys are the keys of a "snapshot_agent" object, as Consul documents
// them, with the flags that say the same; "" for what is accepted and ignored.
var snapshotAgentKeys = map[string]string{
	"http_addr":       "http-addr",
	"token":           "token",
	"token_file":      "token-file",
	"datacenter":      "datacenter",
	"ca_file":         "ca-file",
	"ca_path":         "ca-path",
	"cert_file":       "client-cert",
	"key_file":        "client-key",
	"tls_server_name": "tls-server-name",
	"license_path":    "",

	"log.level":           "log-level",
	"log.enable_syslog":   "syslog",
	"log.syslog_facility": "syslog-facility",

	"snapshot.interval":           "interval",
	"snapshot.retain":             "retain",
	"snapshot.stale":              "stale",
	"snapshot.service":            "service",
	"snapshot.deregister_after":   "deregister-after",
	"snapshot.lock_key":           "lock-key",
	"snapshot.max_failures":       "max-failures",
	"snapshot.local_scratch_path": "local-scratch-path",
	"snapshot.name_prefix":        "name-prefix",
	"snapshot.encrypt_to":         "encrypt-to",

	"local_storage.path": "local-path",

	"aws_storage.access_key_id":             "aws-access-key-id",
	"aws_storage.secret_access_key":         "aws-secret-access-key",
	"aws_storage.session_token":             "aws-session-token",
	"aws_storage.s3_region":                 "aws-s3-region",
	"aws_storage.s3_endpoint":               "aws-s3-endpoint",
	"aws_storage.s3_bucket":                 "aws-s3-bucket",
	"aws_storage.s3_key_prefix":             "aws-s3-key-prefix",
	"aws_storage.s3_force_path_style":       "aws-s3-force-path-style",
	"aws_storage.s3_server_side_encryption": "aws-s3-server-side-encryption",
	"aws_storage.s3_static_snapshot_name":   "aws-s3-static-snapshot-name",
	"aws_storage.s3_enable_kms":             "aws-s3-enable-kms",
	"aws_storage.s3_kms_key":                "aws-s3-kms-key",
}

// maxSnapshotConfig bounds a file of the snapshot agent.
const maxSnapshotConfig = 1 << 20

// configure sets what files say, and flags do not.
func (o *snapshotAgentOptions) configure(fs *pflag.FlagSet) error {
	files, err := o.files()
	if err != nil || len(files) == 0 {
		return err
	}
	given := map[string]bool{}
	fs.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	found := false
	for _, file := range files {
		text, err := regular.Read(file, maxSnapshotConfig)
		if err != nil {
			return err
		}
		object, err := snapshotAgentObject(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if object == nil {
			continue
		}
		found = true
		if err := applySnapshotConfig(fs, given, "", object); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if !found {
		return errors.New("no configuration file has a \"snapshot_agent\" object")
	}
	return nil
}

// files lists what -config-file and -config-dir name.
func (o *snapshotAgentOptions) files() ([]string, error) {
	files := o.configFiles
	for _, dir := range o.configDirs {
		entries, err := os.ReadDir(dir) // sorted
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".json" && !e.IsDir() {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	return files, nil
}

// snapshotAgentObject returns nil if a file has none: it is one for the other agent.
func snapshotAgentObject(text []byte) (map[string]any, error) {
	var file struct {
		Object map[string]any `json:"snapshot_agent"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	return file.Object, nil
}

// applySnapshotConfig sets the flags that an object's keys stand for. No error shows a
// value: it may be a secret.
func applySnapshotConfig(fs *pflag.FlagSet, given map[string]bool, prefix string, object map[string]any) error {
	for name, value := range object {
		key := prefix + name
		if inner, ok := destination(key, value); ok {
			if err := applySnapshotConfig(fs, given, strings.TrimPrefix(key, "backup_destinations.")+".", inner); err != nil {
				return err
			}
			continue
		}
		if value == nil || value == "" { // as in Consul's own example, which shows every key
			continue
		}
		flag, known := snapshotAgentKeys[strings.TrimPrefix(key, "backup_destinations.")]
		switch {
		case !known:
			return fmt.Errorf("snapshot_agent.%s is not known: snapshots go to local_storage or aws_storage, to one of each at most", key)
		case flag == "" || given[flag]:
			continue
		}
		for _, one := range words(value) {
			if err := fs.Set(flag, one); err != nil {
				return fmt.Errorf("snapshot_agent.%s has a value that -%s does not take", key, flag)
			}
		}
	}
	return nil
}

// destination is an object, or a list of one.
func destination(key string, value any) (map[string]any, bool) {
	if many, ok := value.([]any); ok && strings.HasPrefix(key, "backup_destinations.") && len(many) == 1 {
		value = many[0]
	}
	object, ok := value.(map[string]any)
	return object, ok
}

// words are the values of a flag.
func words(value any) (list []string) {
	if many, ok := value.([]any); ok {
		for _, one := range many {
			list = append(list, fmt.Sprint(one))
		}
		return list
	}
	return []string{fmt.Sprint(value)}
}
