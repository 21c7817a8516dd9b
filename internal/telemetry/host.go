package telemetry

import (
	"context"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
)

// measureHost sets the gauges of the machine. What the operating system will not
// tell is left out.
func (m *Metrics) measureHost(ctx context.Context) {
	if v, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		m.Gauge("host.memory.total", float64(v.Total))
		m.Gauge("host.memory.available", float64(v.Available))
		m.Gauge("host.memory.used", float64(v.Used))
		m.Gauge("host.memory.used_percent", v.UsedPercent)
	}
	if u, err := disk.UsageWithContext(ctx, m.opts.HostDisk); err == nil {
		path := Label{Name: "path", Value: u.Path}
		m.Gauge("host.disk.size", float64(u.Total), path)
		m.Gauge("host.disk.used", float64(u.Used), path)
		m.Gauge("host.disk.available", float64(u.Free), path)
		m.Gauge("host.disk.used_percent", u.UsedPercent, path)
		m.Gauge("host.disk.inodes_percent", u.InodesUsedPercent, path)
	}
	if up, err := host.UptimeWithContext(ctx); err == nil {
		m.Gauge("host.uptime", float64(up))
	}
	if times, err := cpu.TimesWithContext(ctx, true); err == nil {
		m.measureCPUs(times)
	}
}

// measureCPUs sets the share of each CPU's time since the last round, in percent.
func (m *Metrics) measureCPUs(times []cpu.TimesStat) {
	before := m.cpus
	m.cpus = map[string]cpu.TimesStat{}
	for _, now := range times {
		m.cpus[now.CPU] = now
		was, ok := before[now.CPU]
		total := busyTime(now) + now.Idle - busyTime(was) - was.Idle
		if !ok || total <= 0 {
			continue
		}
		label := Label{Name: "cpu", Value: now.CPU}
		share := func(seconds float64) float64 { return 100 * seconds / total }
		m.Gauge("host.cpu.user", share(now.User-was.User), label)
		m.Gauge("host.cpu.system", share(now.System-was.System), label)
		m.Gauge("host.cpu.iowait", share(now.Iowait-was.Iowait), label)
		m.Gauge("host.cpu.idle", share(now.Idle-was.Idle), label)
		m.Gauge("host.cpu.total", 100-share(now.Idle-was.Idle), label)
	}
}

func busyTime(t cpu.TimesStat) float64 {
	return t.User + t.System + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
}
