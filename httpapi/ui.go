package httpapi

import (
	"net/http"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// The requests of the web UI (reference/http-mesh-ui.md §6). ?health is
// Praetor's own: it has ui/services count instances by state, and ui/nodes
// count what is on a node instead of listing it.

func uiNodes(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := askUI(x, ops.UINodes, &ops.UINodesRequest{ReadOptions: opts, Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	encode := x.appendUINode
	if x.has("health") {
		encode = x.appendUINodeHealth
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, rep.Nodes, encode) })
}

func uiNode(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing node name")
	}
	rep, err := askStale(x, ops.UINode, &ops.UINodeRequest{ReadOptions: opts, Node: x.name})
	if err != nil {
		return err
	}
	if rep.Node == nil { // without meta headers
		x.status(http.StatusNotFound)
		return nil
	}
	x.writeMeta(&rep.ReadMeta)
	return x.reply(func(b []byte) []byte { return x.appendUINode(b, rep.Node) })
}

func uiServices(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := askUI(x, ops.UIServices, &ops.UIServicesRequest{ReadOptions: opts, Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	return x.replySummaries(rep.Services)
}

func uiOverview(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := askStale(x, ops.UIOverview, &ops.UIOverviewRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendOverview(b, rep.Overview) })
}

func uiExportedServices(x *exchange) error {
	if x.query.Get("peer") == "" {
		return rejected("must provide PeerName")
	}
	return x.replyMesh()
}

func uiGateway(x *exchange) error {
	if x.name == "" {
		return invalid("Missing gateway name")
	}
	return x.replyMesh()
}

// replyMesh answers with an empty list: what gateways and intentions are about is
// not worked out yet.
func (x *exchange) replyMesh() error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if _, err := askUI(x, ops.UIMesh, &ops.UIMeshRequest{ReadOptions: opts}); err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return append(b, "[]"...) })
}

func uiTopology(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing service name")
	}
	if !x.has("kind") {
		return invalid("Missing service kind")
	}
	kind := x.query.Get("kind")
	switch kind {
	case "", definition.KindIngressGateway, definition.KindAPIGateway:
	default:
		return invalid("Unsupported service kind %q", kind)
	}
	rep, err := askUI(x, ops.UITopology, &ops.UITopologyRequest{ReadOptions: opts, Service: x.name, Kind: kind})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendTopology(b, rep) })
}

// askUI is ask for reads that any server may answer while there is no
// leader, so that people see what they can.
func askUI[Req, Rep any](x *exchange, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	rep, err := askStale(x, op, req)
	if err != nil {
		x.writeFailedMeta()
		return nil, err
	}
	x.writeMeta(any(rep).(interface{ Meta() *rpc.ReadMeta }).Meta())
	return rep, nil
}

// askStale is askUI without meta headers.
func askStale[Req, Rep any](x *exchange, op rpc.Op[Req, Rep], req *Req) (*Rep, error) {
	rep, err := fetch(x, op, req)
	opts := rpc.ReadOptionsOf(any(req).(rpc.Message))
	if err == nil || fault.KindOf(err) != fault.NoLeader || opts.Stale || opts.Consistent {
		return rep, err
	}
	opts.Stale = true
	return fetch(x, op, req)
}

func (x *exchange) replySummaries(list []*catalog.ServiceSummary) error {
	encode := wire.AppendSummary
	if x.has("health") {
		encode = wire.AppendSummaryHealth
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, list, encode) })
}

// appendUINode appends a node with all that is on it. Unlike elsewhere, tags
// that were not given are null here.
func (x *exchange) appendUINode(b []byte, d *catalog.NodeDetail) []byte {
	n := x.translateNode(d.Node)
	b = wire.AppendUINodeHead(b, n)
	b = wire.AppendStringMap(append(b, `,"TaggedAddresses":`...), n.TaggedAddresses, "null")
	b = wire.AppendStringMap(append(b, `,"Meta":`...), n.Meta, "null")
	b = wire.AppendList(append(b, `,"Services":`...), d.Services, func(b []byte, s *catalog.Service) []byte {
		return wire.AppendNodeServiceWith(b, x.translateService(s), wire.AppendNullableStrings)
	})
	b = wire.AppendList(append(b, `,"Checks":`...), d.Checks, func(b []byte, c *catalog.Check) []byte {
		return wire.AppendCheckWith(b, c, wire.AppendNullableStrings)
	})
	return append(b, '}')
}

// appendUINodeHealth appends a node with numbers of what is on it. Status is
// that of its own checks.
func (x *exchange) appendUINodeHealth(b []byte, d *catalog.NodeDetail) []byte {
	var own, all catalog.Tally
	for _, c := range d.Checks {
		all.Add(c.Status, 1)
		if c.ServiceID == "" {
			own.Add(c.Status, 1)
		}
	}
	n := x.translateNode(d.Node)
	b = wire.AppendUINodeHead(b, n)
	b = wire.AppendStringMap(append(b, `,"Meta":`...), n.Meta, "null")
	b = wire.AppendText(b, `,"Status":`, own.Worst())
	b = wire.AppendInt(b, `,"ServiceCount":`, int64(len(d.Services)))
	return append(wire.AppendTally(b, `,"Checks`, all), '}')
}
