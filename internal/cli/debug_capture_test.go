package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// capturing is a recording of an agent with canned answers, and what it says.
func capturing(t *testing.T, answers map[string]string, targets ...string) (d *debugCapture, out, errs *bytes.Buffer) {
	t.Helper()
	out, errs = new(bytes.Buffer), new(bytes.Buffer)
	cmd := newDebugCommand()
	cmd.SetOut(out)
	cmd.SetErr(errs)
	folder := filepath.Join(t.TempDir(), "rec")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return &debugCapture{cmd: cmd, cl: answering(t, answers), opts: debugOptions{output: folder, capture: targets}}, out, errs
}

// TestStreamsAreKeptToTheirEnd: an agent that stops while it is recorded ends its
// streams, and what it said is kept.
func TestStreamsAreKeptToTheirEnd(t *testing.T) {
	for _, row := range []struct {
		name, path, says string
		file, want       string
		record           func(*debugCapture, context.Context) error
	}{
		{"log", "/v1/agent/monitor", "one\n\ntwo\n", "consul.log", "one\n \ntwo\n", (*debugCapture).captureLogs},
		{"an empty log", "/v1/agent/monitor", "", "consul.log", "", (*debugCapture).captureLogs},
		{"metrics", "/v1/agent/metrics/stream", "{}\n{}\n", "metrics.json", "{}\n{}\n", (*debugCapture).captureMetrics},
		{"a profile", "/debug/pprof/profile", "pprof", "profile.prof", "pprof", func(d *debugCapture, ctx context.Context) error {
			return d.captureProfile(ctx, "profile", "profile.prof", time.Second)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d, _, _ := capturing(t, map[string]string{row.path: row.says})
			if err := row.record(d, ctx); err != nil || ctx.Err() != nil {
				t.Fatalf("%v, %v", err, ctx.Err())
			}
			text, err := os.ReadFile(d.file(row.file))
			if err != nil || string(text) != row.want {
				t.Errorf("%s is %q, %v; want %q", row.file, text, err, row.want)
			}
			if info, err := os.Stat(d.file(row.file)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if err := row.record(d, ctx); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a file that is there is written over: %v", err)
			}
			refused, _, _ := capturing(t, map[string]string{row.path: "!no"})
			if err := row.record(refused, ctx); err == nil || !strings.Contains(err.Error(), "500") {
				t.Errorf("a refusal is %v", err)
			}
		})
	}
}

// TestPartsThatCannotBeHadAreReported: and the others are recorded.
func TestPartsThatCannotBeHadAreReported(t *testing.T) {
	const lan, raft = `[{"Name":"n1"}]`, `{"Servers":[{"ID":"u","Node":"n1","Address":"10.0.0.1:8300"}]}`
	for _, row := range []struct {
		name    string
		targets []string
		answers map[string]string
		says    string
		files   string
	}{
		{"all", []string{"agent", "host", "members"}, map[string]string{"/v1/agent/host": "{}", "/v1/agent/members": lan, "/v1/operator/raft/configuration": raft}, "", "agent.json host.json listpeers.json members.json"},
		{"no host", []string{"agent", "host", "members"}, map[string]string{"/v1/agent/host": "!no", "/v1/agent/members": lan, "/v1/operator/raft/configuration": raft}, "==> Error capturing host: Unexpected response code: 500 (no)\n", "agent.json listpeers.json members.json"},
		{"no members", []string{"members", "agent"}, map[string]string{"/v1/agent/members": "!no"}, "==> Error capturing members: Unexpected response code: 500 (no)\n", "agent.json"},
		{"no Raft", []string{"members"}, map[string]string{"/v1/agent/members": lan, "/v1/operator/raft/configuration": "!no"}, "==> Error capturing members: Unexpected response code: 500 (no)\n", "members.json"},
		{"only what is asked for", []string{"logs", "host"}, map[string]string{"/v1/agent/host": "{}"}, "", "host.json"},
		{"nothing", nil, nil, "", ""},
	} {
		d, out, errs := capturing(t, row.answers, row.targets...)
		d.captureStatic(map[string]map[string]any{"Config": {"NodeName": "n1"}})
		var files []string
		entries, err := os.ReadDir(d.opts.output)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			files = append(files, e.Name())
		}
		if got := strings.Join(files, " "); got != row.files || errs.String() != row.says || out.String() != "" {
			t.Errorf("%s: files %s and %s%s\nwant %s and %s", row.name, got, out, errs, row.files, row.says)
		}
	}
	d, _, errs := capturing(t, nil, "agent")
	d.captureStatic(map[string]map[string]any{"Config": {"no JSON": func() {}}})
	if !strings.HasPrefix(errs.String(), "==> Error capturing agent: json: unsupported type") {
		t.Errorf("says %q", errs)
	}
}

// TestMomentsAreRecorded: the profiles of one interval, or why there are none.
func TestMomentsAreRecorded(t *testing.T) {
	both := map[string]string{"/debug/pprof/heap": "heap", "/debug/pprof/goroutine": "goroutines"}
	for _, row := range []struct {
		name    string
		targets []string
		answers map[string]string
		spoil   bool // the folder cannot be written to
		ended   bool // the recording has ended meanwhile
		files   int
		out     string // the first words of its lines
		errs    string
	}{
		{"both", []string{"pprof"}, both, false, false, 2, "Beginning Capture", ""},
		{"not asked for", []string{"logs"}, both, false, false, 0, "Beginning Capture", ""},
		{"one is refused", []string{"pprof"}, map[string]string{"/debug/pprof/heap": "!no", "/debug/pprof/goroutine": "g"}, false, false, 1, "Beginning Capture", "==> Error capturing heap: "},
		{"no folder", []string{"pprof"}, both, true, false, 0, "Beginning", "==> Error capturing interval: "},
		{"at the end", []string{"pprof"}, both, false, true, 2, "Beginning", ""},
	} {
		d, out, errs := capturing(t, row.answers, row.targets...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if row.ended {
			cancel()
		}
		if row.spoil {
			if err := os.Remove(d.opts.output); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(d.opts.output, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d.captureInterval(ctx, 7)
		var words []string
		for line := range strings.Lines(out.String()) {
			words = append(words, strings.Fields(line)[1])
			if !strings.HasSuffix(line, " +0000 UTC (7)\n") {
				t.Errorf("%s: says %q", row.name, line)
			}
		}
		files, err := filepath.Glob(d.file("*", "*.prof"))
		if err != nil || len(files) != row.files || strings.Join(words, " ") != row.out || !strings.HasPrefix(errs.String(), row.errs) || (row.errs == "") != (errs.Len() == 0) {
			t.Errorf("%s: %v, %v, says %s%s", row.name, files, err, out, errs)
		}
	}
}

// TestFoldersArePacked: with all that is in them, under their own name.
func TestFoldersArePacked(t *testing.T) {
	base := t.TempDir()
	folder, archive := filepath.Join(base, "rec"), filepath.Join(base, "rec.tar.gz")
	if err := os.MkdirAll(filepath.Join(folder, "sub", "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.txt": "alpha", "sub/b.txt": "", "sub/c.txt": strings.Repeat("c", 70000)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := packFolder(folder, archive); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var packed []string
	for in := tar.NewReader(unzipped); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		packed = append(packed, fmt.Sprint(header.Name, " ", len(text)))
	}
	if got, want := strings.Join(packed, ", "), "rec/ 0, rec/a.txt 5, rec/sub/ 0, rec/sub/b.txt 0, rec/sub/c.txt 70000, rec/sub/empty/ 0"; got != want {
		t.Errorf("packed %s\nwant   %s", got, want)
	}

	if err := packFolder(folder, archive); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an archive that is there is written over: %v", err)
	}
	if _, err := os.Stat(archive); err != nil {
		t.Errorf("it is gone: %v", err)
	}
	none := filepath.Join(base, "none.tar.gz")
	if err := packFolder(filepath.Join(base, "none"), none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder is packed: %v", err)
	}
	if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half an archive is left: %v", err)
	}
}
