package httpapi

import (
	"context"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func catalogRegister(x *exchange) error {
	var body wire.Register
	if err := x.decodeTenant(&body); err != nil {
		return err
	}
	if body.PeerName != "" {
		return rejected("cannot register requests with PeerName in them")
	}
	// The datacenter comes from the body, not from ?dc.
	_, err := ops.CatalogRegister.Call(x.r.Context(), x.api.opts.Caller, &ops.CatalogRegisterRequest{
		WriteOptions: rpc.WriteOptions{Datacenter: body.Datacenter, Token: x.token},
		Register:     body.Row(),
	})
	if err != nil {
		return err
	}
	return x.bool(true)
}

func catalogDeregister(x *exchange) error {
	var body wire.Deregister
	if err := x.decodeTenant(&body); err != nil {
		return err
	}
	evict, err := x.evicts()
	if err != nil {
		return err
	}
	if evict {
		return catalogEvict(x, &body)
	}
	_, err = ops.CatalogDeregister.Call(x.r.Context(), x.api.opts.Caller, &ops.CatalogDeregisterRequest{
		WriteOptions: rpc.WriteOptions{Datacenter: body.Datacenter, Token: x.token},
		Deregister:   catalog.Deregister{Node: body.Node, ServiceID: body.ServiceID, CheckID: body.CheckID},
	})
	if err != nil {
		return err
	}
	return x.bool(true)
}

func catalogDatacenters(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.Datacenter = "" // every datacenter knows them all
	rep, err := callCached(x, ops.CatalogDatacenters.Name, func(ctx context.Context) (*ops.CatalogDatacentersReply, error) {
		return ops.CatalogDatacenters.Call(ctx, x.api.opts.Caller, &ops.CatalogDatacentersRequest{ReadOptions: opts})
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendStrings(b, rep.Datacenters) })
}

func catalogNodes(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.CatalogNodes, &ops.CatalogNodesRequest{ReadOptions: opts, Near: x.near(), NodeMeta: x.nodeMeta(), Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	encode := func(b []byte) []byte {
		return wire.AppendList(b, rep.Nodes, func(b []byte, n *catalog.Node) []byte { return wire.AppendNode(b, x.translateNode(n)) })
	}
	if rep.Filtered {
		return x.reply(encode)
	}
	return x.replyShared(listSource(rep.Nodes), encode)
}

func catalogServices(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.CatalogServices, &ops.CatalogServicesRequest{ReadOptions: opts, NodeMeta: x.nodeMeta(), Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	encode := func(b []byte) []byte { return wire.AppendMap(b, rep.Services, wire.AppendStrings) }
	if rep.Filtered || !x.shared {
		return x.reply(encode)
	}
	return x.replyCached(x.answerKey(false), mapSource(rep.Services), 32*len(rep.Services), encode)
}

func catalogService(x *exchange) error { return x.replyCatalog(false) }
func catalogConnect(x *exchange) error { return x.replyCatalog(true) }

// replyCatalog answers with the instances of a service, or with what serves it
// inside the mesh.
func (x *exchange) replyCatalog(connect bool) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing service name")
	}
	rep, err := ask(x, ops.CatalogService, &ops.CatalogServiceRequest{
		ReadOptions: opts, Near: x.near(), Service: x.name, Connect: connect, Tags: x.tags(connect), NodeMeta: x.nodeMeta(), Filter: x.query.Get("filter"),
	})
	if err != nil {
		return err
	}
	list := rep.Instances
	if x.isPeered() {
		list = nil
	}
	encode := func(b []byte) []byte {
		return wire.AppendList(b, list, func(b []byte, i *catalog.Instance) []byte { return wire.AppendServiceNode(b, x.translateInstance(i)) })
	}
	if rep.Filtered {
		return x.reply(encode)
	}
	return x.replyShared(listSource(list), encode)
}

// tags are the tags that instances must have. As in Consul, what serves a service inside the mesh is asked for none, since
// proxies have tags of their own, but where ?cached has it followed.
func (x *exchange) tags(connect bool) []string {
	if connect && !(x.isCached() && x.isFollowed()) {
		return nil
	}
	return x.query["tag"]
}

func catalogGatewayServices(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing gateway name")
	}
	if _, err := ask(x, ops.CatalogGatewayServices, &ops.CatalogGatewayServicesRequest{ReadOptions: opts, Gateway: x.name}); err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return append(b, "[]"...) })
}

func catalogNode(x *exchange) error {
	rep, err := x.askNode()
	if err != nil {
		return err
	}
	ns := rep.NodeServices
	if ns == nil {
		return x.reply(func(b []byte) []byte { return append(b, "null"...) })
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendNode(append(b, `{"Node":`...), x.translateNode(ns.Node))
		b = append(b, `,"Services":{`...)
		for i, s := range ns.Services {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(wire.AppendString(b, s.ID), ':')
			b = wire.AppendNodeService(b, x.translateService(s))
		}
		return append(b, '}', '}')
	})
}

func catalogNodeServices(x *exchange) error {
	rep, err := x.askNode()
	if err != nil {
		return err
	}
	ns, node := rep.NodeServices, []byte("null")
	if ns == nil {
		ns = &catalog.NodeServices{}
	} else {
		node = wire.AppendNode(nil, x.translateNode(ns.Node))
	}
	// null: there are none, rather than none to be shown.
	none := x.query.Get("filter") == "" && (rep.NodeServices == nil || len(ns.Services) == 0 && !rep.Filtered)
	return x.reply(func(b []byte) []byte {
		b = append(append(b, `{"Node":`...), node...)
		if none {
			return append(b, `,"Services":null}`...)
		}
		b = wire.AppendList(append(b, `,"Services":`...), ns.Services, func(b []byte, s *catalog.Service) []byte {
			return wire.AppendNodeService(b, x.translateService(s))
		})
		return append(b, '}')
	})
}

// askNode asks what runs on the node that the path names.
func (x *exchange) askNode() (*ops.CatalogNodeReply, error) {
	opts, err := x.readOptions()
	if err != nil {
		return nil, err
	}
	if x.name == "" {
		return nil, invalid("Missing node name")
	}
	return ask(x, ops.CatalogNode, &ops.CatalogNodeRequest{ReadOptions: opts, Node: x.name, Filter: x.query.Get("filter")})
}
