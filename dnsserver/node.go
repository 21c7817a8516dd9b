package dnsserver

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// read gives every lookup its consistency (reference/dns.md §12).
func (a *answering) read(datacenter string) rpc.ReadOptions {
	return rpc.ReadOptions{Datacenter: datacenter, Token: a.Token, Stale: a.AllowStale, MaxStale: a.MaxStale}
}

// node answers NODE.node (reference/dns.md §6.2, §6.5).
func (a *answering) node(ctx context.Context, t target) {
	switch a.q.Qtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeANY, dns.TypeTXT:
	default:
		return
	}
	if t.peer != "" {
		a.nxdomain()
		return
	}
	node, err := a.findNode(ctx, t)
	if err != nil {
		a.fail(err)
		return
	}
	if node == nil {
		a.nxdomain()
		return
	}
	a.ownerAsAsked = true
	ttl := seconds(a.NodeTTL)
	if a.q.Qtype != dns.TypeTXT {
		a.nodeAddresses(ctx, node, ttl)
	}
	texts := metaRecords(a.q.Name, node.Meta, ttl)
	switch {
	case a.q.Qtype == dns.TypeANY || a.q.Qtype == dns.TypeTXT:
		a.add(&a.reply.Answer, texts...)
	case a.NodeMetaTXT:
		a.add(&a.reply.Extra, texts...)
	}
}

// findNode returns the node that t names, nil if there is none.
func (a *answering) findNode(ctx context.Context, t target) (*catalog.Node, error) {
	name := strings.Join(t.parts, ".")
	rep, err := ask(ctx, a, ops.CatalogNode, &ops.CatalogNodeRequest{ReadOptions: a.read(t.datacenter), Node: name})
	if err != nil || rep.NodeServices == nil || !strings.EqualFold(rep.NodeServices.Node.Node, name) {
		return nil, err
	}
	return rep.NodeServices.Node, nil
}

func (a *answering) nodeAddresses(ctx context.Context, node *catalog.Node, ttl uint32) {
	wan := a.opts.TranslateWAN && node.Datacenter != a.opts.Datacenter
	p := nodeAddress(node, familyOf(a.q.Qtype), wan)
	if rr := addressRecord(a.q.Name, p.value, ttl); rr != nil {
		if wants(a.q.Qtype, rr) {
			a.add(&a.reply.Answer, rr)
		}
		return
	}
	if node.Address == "" {
		return
	}
	// A node that names itself has no other address to give: its name is followed
	// maxDepth times, as recorded.
	a.add(&a.reply.Answer, cname(a.q.Name, node.Address, ttl))
	a.add(&a.reply.Answer, a.resolve(ctx, dns.Fqdn(node.Address))...)
}

func cname(owner, target string, ttl uint32) dns.RR {
	return &dns.CNAME{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}, Target: dns.Fqdn(target)}
}

// maxTextBytes is the longest string of a TXT record (RFC 1035 §3.3).
const maxTextBytes = 255

// metaRecords makes one TXT record per metadata pair, in key order, up to what a
// message can hold.
func metaRecords(owner string, meta map[string]string, ttl uint32) []dns.RR {
	rrs := make([]dns.RR, 0, len(meta))
	bytes := 0
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if bytes += len(key) + len(meta[key]) + minRecordBytes; bytes > maxMessage {
			break
		}
		text := metaText(key, meta[key])
		rrs = append(rrs, &dns.TXT{
			Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: ttl},
			Txt: splitText(text),
		})
	}
	return rrs
}

// metaText words a pair after RFC 1464, or verbatim for keys that ask for it.
func metaText(key, value string) string {
	const verbatim = "rfc1035-"
	if len(key) >= len(verbatim) && strings.EqualFold(key[:len(verbatim)], verbatim) {
		return value
	}
	key = strings.ReplaceAll(key, "`", "``")
	key = strings.ReplaceAll(key, "=", "`=")
	return quoteSpaces(key) + "=" + strings.ReplaceAll(value, "`", "``")
}

// quoteSpaces writes leading and trailing spaces as "` ".
func quoteSpaces(key string) string {
	body := strings.TrimLeft(key, " ")
	lead := len(key) - len(body)
	core := strings.TrimRight(body, " ")
	return strings.Repeat("` ", lead) + core + strings.Repeat("` ", len(body)-len(core))
}

func splitText(text string) []string {
	var parts []string
	for len(text) > maxTextBytes {
		parts = append(parts, text[:maxTextBytes])
		text = text[maxTextBytes:]
	}
	return append(parts, text)
}
