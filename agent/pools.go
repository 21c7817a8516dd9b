package agent

import (
	"encoding/base64"
	"net"
	"net/netip"

	"praetor/agent/config"
	"praetor/gossip"
	"praetor/internal/fault"
)

// openPools joins the agent to gossip: every agent to the LAN, servers to the
// WAN too.
func (a *Agent) openPools(rt *config.Runtime) error {
	key, err := base64.StdEncoding.DecodeString(rt.Gossip.EncryptKey)
	if err != nil {
		return fault.New(fault.Invalid, "encrypt has invalid key: %w", err)
	}
	lan := a.lanOptions(rt, key)
	lan.Transport, a.bound.lan = a.bound.lan, nil
	if a.lan, err = gossip.Open(lan); err != nil {
		return err
	}
	a.own(a.lan)
	if a.bound.wan == nil {
		return nil
	}
	wan := a.wanOptions(rt, key)
	wan.Transport, a.bound.wan = a.bound.wan, nil
	if a.wan, err = gossip.Open(wan); err != nil {
		return err
	}
	a.own(a.wan)
	return nil
}

func (a *Agent) lanOptions(rt *config.Runtime, key []byte) gossip.Options {
	o := a.poolOptions(rt, key, rt.Gossip.LAN)
	o.Name, o.Tags = rt.NodeName, a.tags(rt, true)
	o.BindAddr, o.BindPort = hostPort(rt.SerfBindLAN)
	o.AdvertiseAddr, o.AdvertisePort = hostPort(rt.SerfAdvertiseLAN)
	o.SnapshotPath, o.KeyringPath = a.dir.join("serf", "local.snapshot"), a.keyring(rt, "local.keyring")
	o.AllowedCIDRs = networks(rt.SerfAllowedCIDRsLAN)
	o.ReconnectTimeout = rt.ReconnectTimeoutLAN
	o.Admit = gossip.AdmitLAN(rt.NodeName, rt.Datacenter, a.id, rt.SerfAdvertiseLAN.Addr().String())
	o.Logger = a.logger.Named("lan")
	return o
}

func (a *Agent) wanOptions(rt *config.Runtime, key []byte) gossip.Options {
	o := a.poolOptions(rt, key, rt.Gossip.WAN)
	o.WAN = true
	o.Name, o.Tags = rt.NodeName+"."+rt.Datacenter, a.tags(rt, false)
	o.BindAddr, o.BindPort = hostPort(rt.SerfBindWAN)
	o.AdvertiseAddr, o.AdvertisePort = hostPort(rt.SerfAdvertiseWAN)
	o.SnapshotPath, o.KeyringPath = a.dir.join("serf", "remote.snapshot"), a.keyring(rt, "remote.keyring")
	o.AllowedCIDRs = networks(rt.SerfAllowedCIDRsWAN)
	o.ReconnectTimeout = rt.ReconnectTimeoutWAN
	o.Admit = gossip.AdmitWAN()
	o.Logger = a.logger.Named("wan")
	return o
}

// poolOptions holds what both pools have in common.
func (a *Agent) poolOptions(rt *config.Runtime, key []byte, timing config.GossipTiming) gossip.Options {
	o := gossip.Options{
		RejoinAfterLeave:      rt.RejoinAfterLeave,
		EncryptVerifyIncoming: rt.Gossip.VerifyIncoming,
		EncryptVerifyOutgoing: rt.Gossip.VerifyOutgoing,
		DisableCoordinates:    rt.Gossip.DisableCoordinates,
		GossipNodes:           timing.GossipNodes,
		GossipInterval:        timing.GossipInterval,
		ProbeInterval:         timing.ProbeInterval,
		ProbeTimeout:          timing.ProbeTimeout,
		SuspicionMult:         timing.SuspicionMult,
		RetransmitMult:        timing.RetransmitMult,
	}
	if len(key) > 0 {
		o.EncryptKey = key
	}
	return o
}

// keyring is the path of a keyring file, "" to keep keys in memory.
func (a *Agent) keyring(rt *config.Runtime, name string) string {
	if rt.Gossip.DisableKeyringFile {
		return ""
	}
	return a.dir.join("serf", name)
}

// tags is what this agent says of itself in a pool.
func (a *Agent) tags(rt *config.Runtime, lan bool) map[string]string {
	if !rt.Server {
		return gossip.ClientTags{ID: a.id, Datacenter: rt.Datacenter, ReconnectTimeout: rt.AdvertiseReconnect}.Map()
	}
	t := gossip.ServerTags{
		ID: a.id, Datacenter: rt.Datacenter,
		RPCPort:  int(rt.RPCAdvertise.Port()),
		GRPCPort: rt.Ports.GRPC, GRPCTLSPort: rt.Ports.GRPCTLS,
		ACLs: rt.ACL.Enabled, Bootstrap: rt.Bootstrap, Expect: rt.BootstrapExpect, UseTLS: rt.TLS.InternalRPC.VerifyOutgoing, ReadReplica: rt.ReadReplica,
	}
	if lan {
		t.WANJoinPort = int(rt.SerfAdvertiseWAN.Port())
	}
	return t.Map()
}

func hostPort(a netip.AddrPort) (string, int) { return a.Addr().String(), int(a.Port()) }

func networks(list []netip.Prefix) []net.IPNet {
	var nets []net.IPNet
	for _, p := range list {
		nets = append(nets, net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return nets
}
