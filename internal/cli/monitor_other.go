//go:build !linux

package cli

// calmMonitor is for Linux: elsewhere a thread's timers have no slack to set.
func calmMonitor() bool { return false }
