package httpapi

import (
	"net/netip"
	"strings"

	"praetor/internal/ops"
)

// near reads ?near: a node, _agent for this one, _ip for the one that the
// request came from (reference/http-api.md §3.4).
func (x *exchange) near() ops.Near {
	near := ops.Near{NearNode: x.query.Get("near"), NearDatacenter: x.api.opts.Datacenter}
	switch near.NearNode {
	case "":
		return ops.Near{}
	case "_agent":
		near.NearNode = x.api.opts.NodeName
	case "_ip":
		near.NearNode, near.NearIP = x.nearCaller()
	}
	return near
}

// nearCaller is the node that the caller runs on if that is this one, else the
// caller's address: behind a proxy, the one that X-Forwarded-For names first.
func (x *exchange) nearCaller() (node, ip string) {
	from := x.callerAddr()
	if !from.IsValid() || from.IsLoopback() { // a Unix socket has no address
		return x.api.opts.NodeName, ""
	}
	return "", from.String()
}

func (x *exchange) callerAddr() netip.Addr {
	first, _, _ := strings.Cut(x.header("X-Forwarded-For"), ",")
	if from, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
		return from.Unmap().WithZone("")
	}
	from, err := netip.ParseAddrPort(x.r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap().WithZone("")
}
