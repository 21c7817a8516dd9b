package httpapi

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
		b = appendMap(append(b, `{"Usage":`...), rep.Usage, appendUsage)
		b = appendUint(b, `,"Index":`, rep.Index)
		b = appendInt(b, `,"LastContact":`, int64(rep.LastContact))
		b = appendBool(b, `,"KnownLeader":`, rep.KnownLeader)
		b = appendText(b, `,"ConsistencyLevel":`, rep.Consistency)
		return append(b, `,"NotModified":false,"Backend":0,"ResultsFilteredByACLs":false}`...)
	})
}

func appendUsage(b []byte, u ops.Usage) []byte {
	b = appendInt(b, `{"Services":`, int64(u.Services))
	b = appendInt(b, `,"ServiceInstances":`, int64(u.Instances))
	b = appendMap(append(b, `,"ConnectServiceInstances":`...), u.Connect, func(b []byte, n int) []byte {
		return appendInt(b, "", int64(n))
	})
	b = appendInt(b, `,"BillableServiceInstances":`, int64(u.Billable))
	b = appendInt(b, `,"Nodes":`, int64(u.Nodes))
	return append(b, '}')
}
