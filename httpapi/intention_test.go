package httpapi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"praetor/internal/configentry"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

// TestSidesOfIntentions: how names are read, and what each endpoint makes of them.
func TestSidesOfIntentions(t *testing.T) {
	f := newFixture(t, nil)
	on(f.caller, ops.IntentionApply, func(_ context.Context, req *ops.IntentionApplyRequest) (*ops.IntentionApplyReply, error) {
		in := &req.Intention
		return &ops.IntentionApplyReply{ID: fmt.Sprintf("%d %s %s>%s", req.Verb, in.Source.LegacyID, in.Source.Name, in.Destination)}, nil
	})
	on(f.caller, ops.IntentionGet, func(_ context.Context, req *ops.IntentionGetRequest) (*ops.IntentionGetReply, error) {
		return &ops.IntentionGetReply{Intention: &mesh.Intention{Destination: req.Destination, Source: configentry.SourceIntention{Name: req.Source, Peer: req.Peer}}}, nil
	})
	on(f.caller, ops.IntentionCheck, func(_ context.Context, req *ops.IntentionCheckRequest) (*ops.IntentionCheckReply, error) {
		return &ops.IntentionCheckReply{Allowed: req.Source == "web" && req.Destination == "db"}, nil
	})
	const exact, check, match = "/v1/connect/intentions/exact", "/v1/connect/intentions/check", "/v1/connect/intentions/match"
	shown := func(peer string) string {
		return `{` + peer + `"SourceNS":"default","SourceName":"web","DestinationNS":"default","DestinationName":"db","SourceType":"","Precedence":0,"CreateIndex":0,"ModifyIndex":0}`
	}
	for _, row := range []struct {
		method, target, body string
		status               int
		answer               string
	}{
		{"GET", exact + "?source=default/web&destination=default/default/db", "", 200, shown("")},
		{"GET", exact + "?source=peer:p/web&destination=db", "", 200, shown(`"SourcePeer":"p",`)},
		{"GET", exact + "?source=web&destination=peer:p/db", "", 500, `destination "peer:p/db" is invalid: cannot specify a peer here`},
		{"GET", exact + "?source=a/b/c/d&destination=db", "", 500, `source "a/b/c/d" is invalid: input can contain at most two '/'`},
		{"GET", exact + "?source=other/default/web&destination=db", "", 500, `Invalid SourcePartition "other": Partitions is a Consul Enterprise feature`},
		{"GET", exact + "?source=&destination=", "", 500, "2 errors occurred:\n\t* SourceName is missing\n\t* DestinationName is missing\n\n"},
		{"PUT", exact + "?source=peer:&destination=db", "{}", 500, `source "peer:" is invalid: cannot specify a peer here`},
		{"PUT", exact + "?source=web&destination=db", `{"Action":"allow","SourcePeer":"p"}`, 500, "SourcePeer field is not supported on this endpoint. Use config entries instead"},
		{"PUT", exact + "?source=web&destination=db", `{"Action":"allow","CreatedAt":"0001-01-01T00:00:00Z","Hash":"AA=="}`, 200, "true"},
		{"DELETE", exact + "?source=other/web&destination=db", "", 200, "true"},
		{"GET", check + "?source=web&destination=default/db", "", 200, `{"Allowed":true}`},
		{"GET", check + "?source=web&destination=other/db", "", 500, `Invalid destination namespace "other": Namespaces is a Consul Enterprise feature`},
		{"GET", check + "?source=peer:p/web&destination=db", "", 500, `source "peer:p/web" is invalid: cannot specify a peer here`},
		{"GET", match + "?by=source&name=peer:p/web", "", 500, `name "peer:p/web" is invalid: cannot specify a peer here`},
		{"POST", "/v1/connect/intentions", `{"SourceName":"web","DestinationName":"db"}`, 200, `{"ID":"2  web\u003edb"}`},
		{"POST", "/v1/connect/intentions", `{`, 500, "Failed to decode request body: unexpected EOF"},
		{"PUT", "/v1/connect/intentions/x", `{"ID":"y","SourceName":"web","DestinationName":"db"}`, 200, `{"ID":"3 x web\u003edb"}`},
		{"PUT", "/v1/connect/intentions/x", `{`, 400, "Request decode failed: unexpected EOF"},
		{"DELETE", "/v1/connect/intentions/x", "", 200, "true"},
	} {
		f.want(row.method, row.target, row.body, row.status, row.answer)
	}
}

func TestMatchesAreKeyedByWhatWasAskedFor(t *testing.T) {
	f := newFixture(t, nil)
	when := time.Unix(1, 0).UTC()
	on(f.caller, ops.IntentionMatch, func(_ context.Context, req *ops.IntentionMatchRequest) (*ops.IntentionMatchReply, error) {
		if got := fmt.Sprint(req.BySource, req.Names); got != "false [db none]" {
			t.Errorf("asked for %s", got)
		}
		return &ops.IntentionMatchReply{Matches: [][]*mesh.Intention{{{Destination: "db", Source: configentry.SourceIntention{LegacyID: "1", LegacyCreateTime: &when}}}, nil}}, nil
	})
	f.want("GET", "/v1/connect/intentions/match?by=destination&name=default/db&name=none&name=none", "", 200,
		`{"default/db":[{"ID":"1","SourceNS":"default","SourceName":"","DestinationNS":"default","DestinationName":"db","SourceType":"","Precedence":0,`+
			`"CreatedAt":"1970-01-01T00:00:01Z","CreateIndex":0,"ModifyIndex":0}],"none":null}`)
}
