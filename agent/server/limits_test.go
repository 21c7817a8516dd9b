package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// What does not come through the HTTP API has the same limits, at their edge and
// at twice the edge.
func TestLimitsHoldForRequestsFromTheRPCPort(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("ready", "")
		ctx, router := context.Background(), s.Router()
		for name, row := range map[string]struct {
			most int
			kind fault.Kind
			ask  func(n int) error
		}{
			"operations of a transaction": {128, fault.TooLarge, func(n int) error {
				list := make([]catalog.TxnOp, n)
				for i := range list {
					list[i].KV = &catalog.TxnKV{Verb: catalog.TxnSet, Entry: catalog.KVEntry{Key: fmt.Sprint("t", i)}}
				}
				_, err := ops.TxnApply.Call(ctx, router, &ops.TxnApplyRequest{Ops: list})
				return err
			}},
			"operations of one that reads": {128, fault.TooLarge, func(n int) error {
				list := make([]catalog.TxnOp, n)
				for i := range list {
					list[i].KV = &catalog.TxnKV{Verb: catalog.TxnGetTree, Entry: catalog.KVEntry{Key: "t"}}
				}
				_, err := ops.TxnRead.Call(ctx, router, &ops.TxnReadRequest{Ops: list})
				return err
			}},
			"bytes of a value in one": {512 << 10, fault.TooLarge, func(n int) error {
				op := catalog.TxnOp{KV: &catalog.TxnKV{Verb: catalog.TxnSet, Entry: catalog.KVEntry{Key: "v", Value: make([]byte, n)}}}
				_, err := ops.TxnApply.Call(ctx, router, &ops.TxnApplyRequest{Ops: []catalog.TxnOp{op}})
				return err
			}},
			"bytes of a value": {512 << 10, fault.TooLarge, func(n int) error {
				write := catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: "v", Value: make([]byte, n)}}
				_, err := ops.KVApply.Call(ctx, router, &ops.KVApplyRequest{Write: write})
				return err
			}},
			"members of a sync": {1024, fault.TooLarge, func(n int) error {
				req := &ops.CatalogSyncRequest{}
				for i := range n {
					req.Deregisters = append(req.Deregisters, &catalog.Deregister{Node: fmt.Sprint("n", i)})
				}
				_, err := ops.CatalogSync.Call(ctx, router, req)
				return err
			}},
			"tags of a service": {65536, fault.Invalid, func(n int) error {
				return s.register(catalog.Register{Node: "n", Address: "10.1.1.1", Service: &catalog.Service{Service: "web", Tags: make([]string, n)}})
			}},
			"metadata of a node": {65536, fault.Invalid, func(n int) error {
				meta := map[string]string{}
				for i := range n {
					meta[fmt.Sprint(i)] = ""
				}
				return s.register(catalog.Register{Node: "n", Address: "10.1.1.1", NodeMeta: meta})
			}},
			"checks of a session": {65536, fault.Invalid, func(n int) error {
				session := catalog.Session{Node: "n", NodeChecks: make([]string, n)}
				_, err := ops.SessionCreate.Call(ctx, router, &ops.SessionCreateRequest{Session: session})
				if n == 65536 && fault.KindOf(err) == fault.Rejected {
					return nil // they do not exist
				}
				return err
			}},
			"tags of a query": {65536, fault.Invalid, func(n int) error {
				write := catalog.QueryWrite{Query: catalog.Query{Name: "q", Service: catalog.QueryService{Service: "web", Tags: make([]string, min(n, 65537))}}}
				if n == 65536 {
					write.Query.Service.Tags = write.Query.Service.Tags[:60000]
				}
				_, err := ops.QueryApply.Call(ctx, router, &ops.QueryApplyRequest{Write: write})
				return err
			}},
		} {
			for _, n := range []int{row.most, row.most + 1, 2 * row.most} {
				before := s.Store().Read().LastIndex()
				err := row.ask(n)
				switch after := s.Store().Read().LastIndex(); {
				case n == row.most && err != nil:
					t.Errorf("%s: %d: %v", name, n, err)
				case n > row.most && fault.KindOf(err) != row.kind:
					t.Errorf("%s: %d: %v, want kind %v", name, n, err, row.kind)
				case n > row.most && after != before:
					t.Errorf("%s: %d: refused, but logged", name, n)
				}
			}
		}
	})
}

func TestConfigEntriesThatCannotBeKeptAreNotLogged(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("ready", "")
		write := func(config string) error {
			entry := catalog.ConfigEntry{Kind: configentry.KindProxyDefaults, Name: "global", Body: []byte(`{"Kind":"proxy-defaults","Name":"global","Config":` + config + `}`)}
			_, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: catalog.ConfigWrite{Entry: entry}})
			return err
		}
		nested := func(levels int) string {
			return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
		}
		for name, row := range map[string]struct{ config, refused string }{
			"a large one":        {`{"a":"` + strings.Repeat("b", 500<<10) + `"}`, ""},
			"a larger one":       {`{"a":"` + strings.Repeat("b", 513<<10) + `"}`, "at most 524288 are allowed"},
			"one twice as large": {`{"a":"` + strings.Repeat("b", 1<<20) + `"}`, "at most 524288 are allowed"},
			"the deepest":        {nested(63), ""},
			"a deeper one":       {nested(64), "at most 64 levels are allowed"},
			"9,000 levels":       {nested(9000), "at most 64 levels are allowed"},
		} {
			before := s.Store().Read().LastIndex()
			err := write(row.config)
			switch {
			case row.refused == "" && err != nil:
				t.Errorf("%s: %v", name, err)
			case row.refused != "" && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), row.refused)):
				t.Errorf("%s: %v", name, err)
			case row.refused != "" && s.Store().Read().LastIndex() != before:
				t.Errorf("%s: refused, but logged", name)
			}
		}
	})
}
