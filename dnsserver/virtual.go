package dnsserver

import (
	"context"
	"strings"

	"praetor/internal/ops"
)

// virtual answers NAME.virtual with the address under which proxies know a
// service, whatever type was asked for; with nothing at all if it has none
// (reference/dns.md §2.2).
func (a *answering) virtual(ctx context.Context, t target) {
	if t.peer != "" {
		return
	}
	service := t.parts[len(t.parts)-1]
	rep, err := ask(ctx, a, ops.VirtualAddress, &ops.VirtualAddressRequest{ReadOptions: a.read(""), Service: service})
	if err != nil {
		a.fail(err)
		return
	}
	if rep.Address != "" {
		a.add(&a.reply.Answer, addressRecord(strings.ToLower(a.q.Name), rep.Address, seconds(a.NodeTTL)))
	}
}
