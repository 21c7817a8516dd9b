package agent

import (
	"context"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"

	"praetor/httpapi"
)

// Host asks the operating system about the machine (reference/http-agent.md §2).
// What it will not tell is left out and named among the errors.
func (a *Agent) Host(ctx context.Context) httpapi.Host {
	h := httpapi.Host{CollectionTime: time.Now().UnixNano()}
	for _, part := range []struct {
		name string
		into *any
		ask  func(context.Context) (any, error)
	}{
		{"memory", &h.Memory, func(ctx context.Context) (any, error) { return mem.VirtualMemoryWithContext(ctx) }},
		{"CPU", &h.CPU, func(ctx context.Context) (any, error) { return cpu.InfoWithContext(ctx) }},
		{"host", &h.Host, func(ctx context.Context) (any, error) { return host.InfoWithContext(ctx) }},
		{"disk", &h.Disk, func(ctx context.Context) (any, error) { return disk.UsageWithContext(ctx, "/") }},
	} {
		facts, err := part.ask(ctx)
		if err != nil {
			h.Errors = append(h.Errors, part.name+": "+err.Error())
			continue
		}
		*part.into = facts
	}
	return h
}
