package cli

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"
)

// traceLimit bounds the execution trace, which grows by megabytes a second on a
// busy agent.
const traceLimit = 10 * time.Second

func (d *debugCapture) file(parts ...string) string {
	return filepath.Join(append([]string{d.opts.output}, parts...)...)
}

func writeDebugJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func (d *debugCapture) writeIndex(version string) error {
	return writeDebugJSON(d.file("index.json"), struct {
		Version      int
		AgentVersion string
		Interval     string
		Duration     string
		Targets      []string
	}{1, version, d.opts.interval.String(), d.opts.duration.String(), d.opts.capture})
}

// captureStatic records what does not change. A part that cannot be had is
// reported and does not stop the rest.
func (d *debugCapture) captureStatic(self map[string]map[string]any) {
	for _, part := range []struct {
		target string
		record func() error
	}{
		{"agent", func() error { return writeDebugJSON(d.file("agent.json"), self) }},
		{"host", d.captureHost},
		{"members", d.captureMembers},
	} {
		if !d.wants(part.target) {
			continue
		}
		if err := part.record(); err != nil {
			d.warn("Error capturing %s: %s", part.target, err)
		}
	}
}

func (d *debugCapture) captureHost() error {
	host, err := d.cl.Agent().Host()
	if err != nil {
		return err
	}
	return writeDebugJSON(d.file("host.json"), host)
}

// captureMembers records the WAN pool's members, the LAN's where there is no WAN
// pool, and the Raft configuration as operator raft list-peers shows it.
func (d *debugCapture) captureMembers() error {
	members, err := d.cl.Agent().Members(true)
	if err != nil || len(members) == 0 {
		if members, err = d.cl.Agent().Members(false); err != nil {
			return err
		}
	}
	if err := writeDebugJSON(d.file("members.json"), members); err != nil {
		return err
	}
	config, err := d.cl.Operator().RaftGetConfiguration(&api.QueryOptions{AllowStale: true})
	if err != nil {
		return err
	}
	var lines strings.Builder
	writeColumns(&lines, peerRows(config.Servers), 2)
	return os.WriteFile(d.file("listpeers.json"), []byte(lines.String()), 0o600)
}

// captureDynamic records what goes on until ctx ends.
func (d *debugCapture) captureDynamic(ctx context.Context) {
	var recording sync.WaitGroup
	defer recording.Wait()
	for _, part := range []struct {
		target, what string
		record       func(ctx context.Context) error
	}{
		{"metrics", "metrics", d.captureMetrics},
		{"logs", "logs", d.captureLogs},
		{"pprof", "profile", func(ctx context.Context) error {
			return d.captureProfile(ctx, "profile", "profile.prof", d.opts.duration)
		}},
		{"pprof", "trace", func(ctx context.Context) error {
			return d.captureProfile(ctx, "trace", "trace.out", min(d.opts.duration, traceLimit))
		}},
	} {
		if !d.wants(part.target) {
			continue
		}
		recording.Go(func() {
			if err := part.record(ctx); err != nil && ctx.Err() == nil {
				d.warn("Error capturing %s: %s", part.what, err)
			}
		})
	}
	tick := time.NewTicker(d.opts.interval)
	defer tick.Stop()
	for n := 0; ; n++ {
		d.captureInterval(ctx, n)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// captureInterval records the profiles of one moment.
func (d *debugCapture) captureInterval(ctx context.Context, n int) {
	now := time.Now().UTC()
	const stamp = "2006-01-02 15:04:05 -0700 MST"
	d.say("Beginning capture interval %s (%d)", now.Format(stamp), n)
	if d.wants("pprof") {
		folder := now.Format("2006-01-02T15-04-05Z")
		if err := os.MkdirAll(d.file(folder), 0o700); err != nil {
			d.warn("Error capturing interval: %s", err)
			return
		}
		for name, take := range map[string]func() ([]byte, error){"heap": d.cl.Debug().Heap, "goroutine": d.cl.Debug().Goroutine} {
			profile, err := take()
			if err == nil {
				err = os.WriteFile(d.file(folder, name+".prof"), profile, 0o600)
			}
			if err != nil {
				d.warn("Error capturing %s: %s", name, err)
			}
		}
	}
	if ctx.Err() == nil {
		d.say("Capture successful %s (%d)", now.Format(stamp), n)
	}
}

// captureProfile records a profile that takes time; what there is when ctx ends.
func (d *debugCapture) captureProfile(ctx context.Context, name, file string, length time.Duration) error {
	in, err := d.cl.Debug().PProf(ctx, name, int(length/time.Second))
	if err != nil {
		return err
	}
	return d.record(in, file)
}

func (d *debugCapture) captureMetrics(ctx context.Context) error {
	in, err := d.cl.Agent().MetricsStream(ctx)
	if err != nil {
		return err
	}
	return d.record(in, "metrics.json")
}

func (d *debugCapture) record(in io.ReadCloser, file string) error {
	defer in.Close()
	out, err := os.OpenFile(d.file(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (d *debugCapture) captureLogs(ctx context.Context) error {
	lines, err := d.cl.Agent().Monitor("TRACE", ctx.Done(), nil)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(d.file("consul.log"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	for {
		select {
		case line := <-lines:
			if line == "" { // the library's sign of the end
				return errors.Join(out.Flush(), file.Close())
			}
			fmt.Fprintln(out, line)
		case <-ctx.Done():
			return errors.Join(out.Flush(), file.Close())
		}
	}
}

// packFolder makes a compressed tar of a folder, whose name is its one top entry.
func packFolder(folder, archive string) error {
	file, err := os.OpenFile(archive, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(file)
	packed := tar.NewWriter(zipped)
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return addToTar(packed, filepath.Dir(folder), path, entry)
	})
	if err = errors.Join(err, packed.Close(), zipped.Close(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(archive))
	}
	return nil
}

func addToTar(packed *tar.Writer, base, path string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	header, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	name, err := filepath.Rel(base, path)
	if err != nil {
		return err
	}
	if header.Name = filepath.ToSlash(name); entry.IsDir() {
		header.Name += "/"
	}
	if err := packed.WriteHeader(header); err != nil || entry.IsDir() {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(packed, file)
	return err
}
