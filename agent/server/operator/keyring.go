package operator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/go-multierror"

	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// Keys is what the server asks of a gossip pool about encryption. A report
// comes with an error too.
type Keys interface {
	ListKeys(relayFactor int) (gossip.KeyReport, error)
	InstallKey(key string, relayFactor int) (gossip.KeyReport, error)
	UseKey(key string, relayFactor int) (gossip.KeyReport, error)
	RemoveKey(key string, relayFactor int) (gossip.KeyReport, error)
}

// operatorKeyring asks the WAN pool, the LAN pool of this datacenter and those
// of all others, and fails if one does (reference/internals.md §14).
func (h *Handlers) operatorKeyring(ctx context.Context, _ *acl.Authorizer, req *ops.OperatorKeyringRequest) (*ops.OperatorKeyringReply, error) {
	rep := &ops.OperatorKeyringReply{}
	if !req.LANOnly && h.wanKeys != nil {
		rep.Pools = append(rep.Pools, h.keyringOf(h.wanKeys, true, req))
	}
	rep.Pools = append(rep.Pools, h.keyringOf(h.lanKeys, false, req))
	if !req.LANOnly {
		if err := h.addRemoteKeyrings(ctx, req, rep); err != nil {
			return nil, err
		}
	}
	if req.Part {
		return rep, nil
	}
	if err := keyringFaults(rep.Pools); err != nil {
		return nil, err
	}
	return rep, nil
}

// addRemoteKeyrings asks the other datacenters, one after the other.
func (h *Handlers) addRemoteKeyrings(ctx context.Context, req *ops.OperatorKeyringRequest, rep *ops.OperatorKeyringReply) error {
	_, datacenters := h.Servers()
	for _, dc := range datacenters[1:] { // the first is this one
		remote := *req
		remote.Datacenter, remote.LANOnly, remote.Part = dc, true, true
		answer, err := ops.OperatorKeyring.Call(ctx, h.Router, &remote)
		if err != nil {
			return fmt.Errorf("keyring of datacenter %q: %w", dc, err)
		}
		rep.Pools = append(rep.Pools, answer.Pools...)
	}
	return nil
}

// keyringOf asks one pool.
func (h *Handlers) keyringOf(keys Keys, wan bool, req *ops.OperatorKeyringRequest) ops.KeyringPool {
	pool := ops.KeyringPool{WAN: wan, Datacenter: h.Datacenter}
	report, err := askKeys(keys, req)
	pool.Messages, pool.Keys, pool.PrimaryKeys, pool.Members = report.Messages, report.Keys, report.PrimaryKeys, report.Members
	if err != nil {
		pool.Error = err.Error()
	}
	return pool
}

func askKeys(keys Keys, req *ops.OperatorKeyringRequest) (gossip.KeyReport, error) {
	switch req.Action {
	case ops.KeyringList:
		return keys.ListKeys(req.RelayFactor)
	case ops.KeyringInstall:
		return keys.InstallKey(req.Key, req.RelayFactor)
	case ops.KeyringUse:
		return keys.UseKey(req.Key, req.RelayFactor)
	case ops.KeyringRemove:
		return keys.RemoveKey(req.Key, req.RelayFactor)
	}
	return gossip.KeyReport{}, fault.New(fault.Invalid, "keyring action %q is unknown", req.Action)
}

// keyringFaults lists the pools that failed, each followed by what its members
// said (reference/http-operator-acl.md §1).
func keyringFaults(pools []ops.KeyringPool) error {
	var faults *multierror.Error
	for _, p := range pools {
		if p.Error == "" {
			continue
		}
		name := p.Datacenter + " (LAN)"
		if p.WAN {
			name = "WAN"
		}
		faults = multierror.Append(faults, fmt.Errorf("%s error: %s", name, p.Error))
		for _, member := range slices.Sorted(maps.Keys(p.Messages)) {
			faults = multierror.Append(faults, errors.New(member+": "+p.Messages[member]))
		}
	}
	if faults == nil {
		return nil
	}
	return fault.New(fault.Rejected, "%s", faults.Error())
}
