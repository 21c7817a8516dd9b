package httpapi

import (
	"strconv"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// evicts reads ?evict, Praetor's own addition to catalog/deregister: remove at
// the agent that owns it, not in the catalog alone.
func (x *exchange) evicts() (bool, error) {
	value := x.query.Get("evict")
	if !x.has("evict") || value == "" {
		return x.has("evict"), nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, invalid("Invalid evict value %q: give 1 or 0", value)
	}
	return on, nil
}

func catalogEvict(x *exchange, body *wire.Deregister) error {
	rep, err := ops.CatalogEvict.Call(x.r.Context(), x.api.opts.Caller, &ops.CatalogEvictRequest{
		WriteOptions: rpc.WriteOptions{Datacenter: body.Datacenter, Token: x.token},
		Deregister:   catalog.Deregister{Node: body.Node, ServiceID: body.ServiceID, CheckID: body.CheckID},
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendText(b, `{"Node":`, body.Node)
		b = wire.AppendText(b, `,"ServiceID":`, body.ServiceID)
		b = wire.AppendText(b, `,"CheckID":`, body.CheckID)
		b = wire.AppendText(b, `,"Action":`, rep.Action)
		b = wire.AppendBool(b, `,"MayReturn":`, rep.MayReturn)
		b = wire.AppendText(b, `,"Detail":`, rep.Detail)
		return append(b, '}')
	})
}
