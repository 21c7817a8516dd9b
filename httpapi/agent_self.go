package httpapi

import (
	"net/netip"
	"slices"

	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/filter"
	"praetor/internal/version"
)

func agentSelf(x *exchange) error {
	if err := x.mayReadAgent(); err != nil {
		return err
	}
	self, err := x.api.opts.Agent.Self(x.r.Context())
	if err != nil {
		return err
	}
	return x.reflected(self)
}

func agentVersion(x *exchange) error {
	return x.reply(func(b []byte) []byte {
		b = wire.AppendText(b, `{"SHA":`, version.Revision())
		b = wire.AppendText(b, `,"BuildDate":`, version.BuildDate)
		b = wire.AppendText(b, `,"HumanVersion":`, version.Compatible)
		return append(b, `,"FIPS":""}`...)
	})
}

func agentMembers(x *exchange) error {
	wan := x.query.Get("wan") != ""
	if segment := x.query.Get("segment"); segment != "" && segment != "_all" {
		if wan {
			return invalid("Cannot provide a segment with wan=true")
		}
		return rejected("Network segments are not supported in this version of Consul")
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	members, err := x.api.opts.Agent.Members(wan)
	if err != nil {
		return err
	}
	if members == nil {
		return x.reflected(nil)
	}
	visible := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return !az.Allows(acl.Node.Read(m.Name)) })
	if len(visible) < len(members) {
		x.writeFiltered()
	}
	picked, err := filter.New[memberRow](x.query.Get("filter"))
	if err != nil {
		return err
	}
	if visible, err = filter.Keep(x.r.Context(), picked, visible); err != nil {
		return err
	}
	return x.reflected(visible)
}

// memberRow is what a filter of members can name (reference/http-api.md §8): an address is a list of bytes there.
type memberRow struct {
	Name                                  string
	Addr                                  []byte
	Port                                  uint16
	Tags                                  map[string]string
	Status                                int
	ProtocolMin, ProtocolMax, ProtocolCur uint8
	DelegateMin, DelegateMax, DelegateCur uint8
}

// Set fills the row.
func (r *memberRow) Set(m Member) {
	ip, _ := netip.ParseAddr(m.Addr) // one that is none has no bytes
	*r = memberRow{
		Name: m.Name, Addr: ip.AsSlice(), Port: m.Port, Tags: m.Tags, Status: m.Status,
		ProtocolMin: m.ProtocolMin, ProtocolMax: m.ProtocolMax, ProtocolCur: m.ProtocolCur,
		DelegateMin: m.DelegateMin, DelegateMax: m.DelegateMax, DelegateCur: m.DelegateCur,
	}
}

func agentJoin(x *exchange) error {
	if err := x.mayWriteAgent(); err != nil {
		return err
	}
	return x.api.opts.Agent.Join(x.r.Context(), x.name, x.query.Get("wan") != "")
}

func agentLeave(x *exchange) error {
	if err := x.mayWriteAgent(); err != nil {
		return err
	}
	return x.api.opts.Agent.Leave()
}

func agentReload(x *exchange) error {
	if err := x.mayWriteAgent(); err != nil {
		return err
	}
	return x.api.opts.Agent.Reload(x.r.Context())
}

func (x *exchange) mayWriteAgent() error {
	az, err := x.access()
	if err != nil {
		return err
	}
	return az.Check(acl.Agent.Write(x.api.opts.NodeName))
}

func agentForceLeave(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	if err := az.Check(acl.Operator.Write()); err != nil {
		return err
	}
	return x.api.opts.Agent.ForceLeave(x.name, x.has("prune"), x.has("wan"))
}
