package httpapi_test

import (
	"context"
	"testing"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func TestDeregisterWithEvictSaysWhatWasDone(t *testing.T) {
	f := newFixture(t, nil)
	plain := 0
	on(f.caller, ops.CatalogDeregister, func(context.Context, *ops.CatalogDeregisterRequest) (*ops.Empty, error) {
		plain++
		return &ops.Empty{}, nil
	})
	var got ops.CatalogEvictRequest
	on(f.caller, ops.CatalogEvict, func(_ context.Context, req *ops.CatalogEvictRequest) (*ops.CatalogEvictReply, error) {
		got = *req
		if req.Deregister.Node == "c1" && req.Deregister.ServiceID == "" {
			return nil, fault.New(fault.Invalid, "node \"c1\" is alive")
		}
		return &ops.CatalogEvictReply{Action: ops.EvictedAtAgent, MayReturn: true, Detail: "gone."}, nil
	})
	const body = `{"Datacenter":"dc2","Node":"c1","ServiceID":"w1","CheckID":"c"}`
	const answer = `{"Node":"c1","ServiceID":"w1","CheckID":"c","Action":"removed-at-agent","MayReturn":true,"Detail":"gone."}`
	for _, row := range []struct {
		query, body string
		status      int
		answer      string
	}{
		{"?evict=1&token=t", body, 200, answer},
		{"?evict", body, 200, answer},
		{"?evict=true", body, 200, answer},
		{"", body, 200, "true"},
		{"?evict=0", body, 200, "true"},
		{"?evict=maybe", body, 400, `Invalid evict value "maybe": give 1 or 0`},
		{"?evict=1", `{"Node":"c1"}`, 400, `node "c1" is alive`},
		{"?evict=1", `{"Node":"c1","Service":"w1"}`, 400, `Request decode failed: json: unknown field "Service"`},
		{"?evict=1", ``, 400, `Request decode failed: EOF`},
	} {
		f.want("PUT", "/v1/catalog/deregister"+row.query, row.body, row.status, row.answer)
		if row.query == "?evict=1&token=t" {
			want := catalog.Deregister{Node: "c1", ServiceID: "w1", CheckID: "c"}
			if got.Deregister != want || got.Datacenter != "dc2" || got.Token != "t" {
				t.Errorf("asked %+v", got)
			}
		}
	}
	if plain != 2 {
		t.Errorf("%d plain deregistrations, want 2", plain)
	}
}
