package httpapi

import (
	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// operatorRaft lists the Raft configuration (reference/http-operator-acl.md §1).
func operatorRaft(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex = 0 // nothing to wait for
	rep, err := ask(x, ops.OperatorRaft, &ops.OperatorRaftRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendList(append(b, `{"Servers":`...), rep.Servers, appendRaftServer)
		return append(b, `,"Index":0}`...)
	})
}

func appendRaftServer(b []byte, s ops.RaftServer) []byte {
	b = wire.AppendText(b, `{"ID":`, s.ID)
	b = wire.AppendText(b, `,"Node":`, s.Node)
	b = wire.AppendText(b, `,"Address":`, s.Address)
	b = wire.AppendBool(b, `,"Leader":`, s.Leader)
	b = wire.AppendText(b, `,"ProtocolVersion":`, s.Protocol)
	b = wire.AppendBool(b, `,"Voter":`, s.Voter)
	b = wire.AppendUint(b, `,"LastIndex":`, s.LastIndex)
	return append(b, '}')
}

func operatorRemovePeer(x *exchange) error {
	switch {
	case !x.has("id") && !x.has("address"):
		return invalid("Must specify either ?id with the server's ID or ?address with IP:port of peer to remove")
	case x.has("id") && x.has("address"):
		return invalid("Must specify only one of ?id or ?address")
	}
	_, err := ops.OperatorRemovePeer.Call(x.r.Context(), x.api.opts.Caller, &ops.OperatorRemovePeerRequest{
		WriteOptions: x.writeOptions(), ID: x.query.Get("id"), Address: x.query.Get("address"), ByAddress: x.has("address"),
	})
	return err
}

// operatorTransferLeader is about the agent's own datacenter, whatever ?dc says.
func operatorTransferLeader(x *exchange) error {
	_, err := ops.OperatorTransferLeader.Call(x.r.Context(), x.api.opts.Caller, &ops.OperatorTransferLeaderRequest{
		WriteOptions: rpc.WriteOptions{Token: x.token}, ID: x.query.Get("id"),
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return append(b, `{"Success":true}`...) })
}
