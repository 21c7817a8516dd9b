package rpc_test

import (
	"context"
	"testing"

	"praetor/internal/fault"
	"praetor/internal/rpc"
)

func TestRequestBeforeAnyServerIsKnownIsRefused(t *testing.T) {
	r := rpc.NewRouter(rpc.Options{Datacenter: "dc1"})
	defer r.Close()
	_, err := opRead.Call(context.Background(), r, &rpc.ReadOptions{})
	if fault.KindOf(err) != fault.NoLeader || err.Error() != rpc.TextNoServers {
		t.Errorf("got %v, want %s", err, rpc.TextNoServers)
	}
}
