package agent

import (
	"context"
	"errors"
	"strings"

	"praetor/agent/config"
	"praetor/agent/server"
	"praetor/internal/fault"
	"praetor/internal/logging"
)

// Reload reads the configuration again and puts in force what may change while
// the agent runs (reference/config.md §10). If it holds a fault nothing changes.
func (a *Agent) Reload(context.Context) error { return a.reload(false) }

// reload is Reload; one that nobody asked for leaves the trusted authorities alone.
func (a *Agent) reload(unasked bool) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	notify(stateReloading())
	defer notify(stateReady)
	rt, warnings, err := a.runtime.Load().Reload()
	if err != nil {
		return err
	}
	if unasked {
		rt.KeepTrust(a.runtime.Load())
	}
	level, err := logging.ParseLevel(rt.Log.Level)
	if err != nil {
		return err
	}
	if err := a.reloadParts(rt); err != nil {
		return err
	}
	for _, w := range warnings {
		a.logger.Warn(w)
	}
	a.root.SetLevel(level)
	a.local.SetNodeMeta(rt.NodeMeta)
	a.local.SetDiscardCheckOutput(rt.Checks.DiscardOutput)
	a.warnFixed(a.runtime.Load(), rt)
	a.secrets.Configure(rt.ACL)
	a.metrics.SetFilter(rt.Telemetry.AllowedPrefixes, rt.Telemetry.BlockedPrefixes)
	a.runtime.Store(rt)
	wake(a.rewatch)
	a.dns.Configure(dnsConfig(rt, a.secrets.Get()))
	a.limit(rt)
	a.local.SyncSoon()
	return nil
}

// reloadParts applies everything that can fail, or nothing.
func (a *Agent) reloadParts(rt *config.Runtime) error {
	useTLS, err := a.prepareTLS(rt)
	if err != nil {
		return err
	}
	pages, err := openUI(rt)
	if err != nil {
		return err
	}
	if err := a.reloadServer(rt); err != nil {
		return err
	}
	if err := a.local.Reload(a.definitions(rt)); err != nil {
		return errors.Join(fault.New(fault.Internal, "reload services and checks: %w", err), a.reloadServer(a.runtime.Load()))
	}
	useTLS()
	a.ui.Store(pages)
	return nil
}

// reloadServer reloads the server half, if there is one.
func (a *Agent) reloadServer(rt *config.Runtime) error {
	if a.server == nil {
		return nil
	}
	return a.server.Reload(server.Options{Raft: raftOptions(a.dir, rt), Entries: rt.Entries, History: rt.History})
}

// warnFixed warns of changes that take effect only after a restart.
func (a *Agent) warnFixed(old, now *config.Runtime) {
	if keys := old.FixedChanges(now); len(keys) > 0 {
		a.logger.Warn("Settings changed that cannot change while the agent runs: restart it to put them in force", "keys", strings.Join(keys, ", "))
	}
}

// errNoWAN answers requests about the WAN pool where there is none.
var errNoWAN = errors.New("agent: the WAN pool is off: only servers with ports.serf_wan are in it")
