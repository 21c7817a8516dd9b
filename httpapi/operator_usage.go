package httpapi

import "praetor/httpapi/wire"

import "praetor/internal/ops"

// operatorUsage counts this datacenter, whatever ?dc says, or with ?global all
// (reference/http-operator-acl.md §1).
func operatorUsage(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.Datacenter, opts.MinIndex = "", 0
	rep, err := ask(x, ops.OperatorUsage, &ops.OperatorUsageRequest{ReadOptions: opts, Global: x.has("global")})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendMap(append(b, `{"Usage":`...), rep.Usage, appendUsage)
		b = wire.AppendUint(b, `,"Index":`, rep.Index)
		b = wire.AppendInt(b, `,"LastContact":`, int64(rep.LastContact))
		b = wire.AppendBool(b, `,"KnownLeader":`, rep.KnownLeader)
		b = wire.AppendText(b, `,"ConsistencyLevel":`, rep.Consistency)
		return append(b, `,"NotModified":false,"Backend":0,"ResultsFilteredByACLs":false}`...)
	})
}

func appendUsage(b []byte, u ops.Usage) []byte {
	b = wire.AppendInt(b, `{"Services":`, int64(u.Services))
	b = wire.AppendInt(b, `,"ServiceInstances":`, int64(u.Instances))
	b = wire.AppendMap(append(b, `,"ConnectServiceInstances":`...), u.Connect, func(b []byte, n int) []byte {
		return wire.AppendInt(b, "", int64(n))
	})
	b = wire.AppendInt(b, `,"BillableServiceInstances":`, int64(u.Billable))
	b = wire.AppendInt(b, `,"Nodes":`, int64(u.Nodes))
	return append(b, '}')
}
