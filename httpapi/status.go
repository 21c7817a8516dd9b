package httpapi

import "praetor/httpapi/wire"

import "praetor/internal/ops"

func statusLeader(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.StatusLeader, &ops.StatusRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendString(b, rep.Address) })
}

func statusPeers(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.StatusPeers, &ops.StatusRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendStrings(b, rep.Addresses) })
}
