package checks

import (
	"context"
	"io"

	"praetor/catalog"
)

// Judge feeds results to the thresholds of d and lists what they make of each,
// "" for nothing.
func Judge(d catalog.CheckDefinition, results ...string) []string {
	t := newThresholds(&d)
	var list []string
	for _, r := range results {
		status, ok := t.judge(r)
		if !ok {
			status = ""
		}
		list = append(list, status)
	}
	return list
}

// Tail writes chunks to a tail of max bytes.
func Tail(max int, chunks ...string) (kept, announced string) {
	t := newTail(max)
	for _, c := range chunks {
		io.WriteString(t, c)
	}
	return t.String(), t.announced()
}

// Demux is demux.
var Demux = demux

// DockerClient tries a DOCKER_HOST.
func DockerClient(host string) error {
	o := Options{}
	o.fill(&catalog.CheckDefinition{})
	_, _, err := dockerClient(host, &o)
	return err
}

// RunOnce is one run of a periodic check, now.
func RunOnce(ctx context.Context, r Runner) { r.(*periodic).runOnce(ctx) }
