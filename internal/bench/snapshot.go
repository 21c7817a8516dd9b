package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// snapshotMany saves and restores many keys on a lone server: how long each
// takes, and how far the server's memory rises while it does; and how long it starts then.
func snapshotMany(b *bench) string {
	a := b.lone()
	begin := time.Now()
	a.fillKeys(*keys)
	loaded := float64(*keys) / time.Since(begin).Seconds()
	words := b.saveAndRestore(a)
	a.kill()
	a.run(b)
	begin = time.Now()
	last := fmt.Sprintf("/v1/kv/fill/%07d?raw", *keys-1)
	eventually(func() bool { return a.get(last) == value })
	return fmt.Sprintf("%d keys, loaded %.0f/s  %s   restart %s", *keys, loaded, words, tenths(time.Since(begin)))
}

func snapshotInstances(b *bench) string {
	a := b.lone()
	a.registerMany()
	return b.saveAndRestore(a)
}

func (b *bench) saveAndRestore(a *agent) string {
	settle()
	file := b.dir + "/x.snap"
	idle := a.rss()
	saved, savedPeak := a.peakOf(func() { a.save(file) })
	info, err := os.Stat(file)
	must(err)
	restored, restoredPeak := a.peakOf(func() { a.restore(file) })
	return fmt.Sprintf("save %s  %.1f MB  peak %s   restore %s  peak %s   before %s  after %s",
		saved.Round(time.Millisecond), float64(info.Size())/1e6, megabytes(savedPeak),
		restored.Round(time.Millisecond), megabytes(restoredPeak), megabytes(idle), megabytes(a.rss()))
}

func (a *agent) save(path string) {
	file, err := os.Create(path)
	must(err)
	defer file.Close()
	res, err := a.send("GET", "/v1/snapshot", "")
	must(err)
	defer res.Body.Close()
	_, err = io.Copy(file, res.Body)
	must(err)
	succeed(res.StatusCode == http.StatusOK)
}

func (a *agent) restore(path string) {
	file, err := os.Open(path)
	must(err)
	defer file.Close()
	req, err := http.NewRequest("PUT", "http://"+a.ip+":8500/v1/snapshot", file)
	must(err)
	res, err := client.Do(req)
	must(err)
	succeed(drain(res))
}

// peakOf returns how long something takes, and the greatest resident memory of
// the agent meanwhile, in bytes.
func (a *agent) peakOf(do func()) (time.Duration, int) {
	must(os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", a.cmd.Process.Pid), []byte("5"), 0)) // forget the old peak
	begin := time.Now()
	do()
	took := time.Since(begin)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid))
	must(err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	must(err)
	return took, kb * 1024
}
