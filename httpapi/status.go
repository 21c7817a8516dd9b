package httpapi

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
	return x.reply(func(b []byte) []byte { return appendString(b, rep.Address) })
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
	return x.reply(func(b []byte) []byte { return appendStrings(b, rep.Addresses) })
}
