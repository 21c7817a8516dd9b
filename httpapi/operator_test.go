package httpapi_test

import (
	"context"
	"testing"

	"praetor/internal/ops"
)

func TestRaftConfigurationIsShownWithoutMetaHeaders(t *testing.T) {
	f := newFixture(t, nil)
	var asked ops.OperatorRaftRequest
	on(f.caller, ops.OperatorRaft, func(_ context.Context, req *ops.OperatorRaftRequest) (*ops.OperatorRaftReply, error) {
		asked = *req
		return &ops.OperatorRaftReply{Servers: []ops.RaftServer{{
			ID: "u", Node: "n1", Address: "10.0.0.1:8300", Leader: true, Protocol: "3", Voter: true, LastIndex: 21,
		}}}, nil
	})
	res := f.want("GET", "/v1/operator/raft/configuration?stale&dc=dc2&token=t", "", 200,
		`{"Servers":[{"ID":"u","Node":"n1","Address":"10.0.0.1:8300","Leader":true,"ProtocolVersion":"3","Voter":true,"LastIndex":21}],"Index":0}`)
	wantHeader(t, res, "X-Consul-Index", "")
	if !asked.Stale || asked.Datacenter != "dc2" || asked.Token != "t" {
		t.Errorf("asked %+v", asked)
	}
}

func TestPeersAreRemovedByIDOrAddress(t *testing.T) {
	f := newFixture(t, nil)
	var asked []string
	on(f.caller, ops.OperatorRemovePeer, func(_ context.Context, req *ops.OperatorRemovePeerRequest) (*ops.Empty, error) {
		asked = append(asked, req.ID+"/"+req.Address+"/"+req.Datacenter)
		return &ops.Empty{}, nil
	})
	const path = "/v1/operator/raft/peer"
	f.want("DELETE", path, "", 400, "Must specify either ?id with the server's ID or ?address with IP:port of peer to remove")
	f.want("DELETE", path+"?id=x&address=y", "", 400, "Must specify only one of ?id or ?address")
	f.want("DELETE", path+"?id=x", "", 200, "")
	f.want("DELETE", path+"?address=1.2.3.4:8300&dc=dc2", "", 200, "")
	f.want("DELETE", path+"?id=", "", 200, "")
	if len(asked) != 3 || asked[0] != "x//" || asked[1] != "/1.2.3.4:8300/dc2" || asked[2] != "//" {
		t.Errorf("asked %v", asked)
	}
}

func TestLeadershipTransferSaysSuccess(t *testing.T) {
	f := newFixture(t, nil)
	var to string
	on(f.caller, ops.OperatorTransferLeader, func(_ context.Context, req *ops.OperatorTransferLeaderRequest) (*ops.Empty, error) {
		to = req.ID
		return &ops.Empty{}, nil
	})
	f.want("POST", "/v1/operator/raft/transfer-leader?id=x", "", 200, `{"Success":true}`)
	f.want("PUT", "/v1/operator/raft/transfer-leader", "", 405, "method PUT not allowed")
	if to != "x" {
		t.Errorf("transferred to %q", to)
	}
}
