package httpapi

import (
	"praetor/internal/ops"
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
		b = appendList(append(b, `{"Servers":`...), rep.Servers, appendRaftServer)
		return append(b, `,"Index":0}`...)
	})
}

func appendRaftServer(b []byte, s ops.RaftServer) []byte {
	b = appendText(b, `{"ID":`, s.ID)
	b = appendText(b, `,"Node":`, s.Node)
	b = appendText(b, `,"Address":`, s.Address)
	b = appendBool(b, `,"Leader":`, s.Leader)
	b = appendText(b, `,"ProtocolVersion":`, s.Protocol)
	b = appendBool(b, `,"Voter":`, s.Voter)
	b = appendUint(b, `,"LastIndex":`, s.LastIndex)
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
		WriteOptions: x.writeOptions(), ID: x.query.Get("id"), Address: x.query.Get("address"),
	})
	return err
}

func operatorTransferLeader(x *exchange) error {
	_, err := ops.OperatorTransferLeader.Call(x.r.Context(), x.api.opts.Caller, &ops.OperatorTransferLeaderRequest{
		WriteOptions: x.writeOptions(), ID: x.query.Get("id"),
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return append(b, `{"Success":true}`...) })
}
