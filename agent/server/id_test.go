package server_test

import (
	"context"
	"strings"
	"testing"

	"praetor/catalog"
	"praetor/internal/ops"
)

func TestIDsInCapitalsAreTheSameIDs(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		id := s.session(catalog.Session{TTL: "1h"})
		shouted := strings.ToUpper(id)
		s.wantLock("k", shouted, true)
		s.wantLock("k", id, true)
		if got, err := renew(s.Router(), shouted); err != nil || got == nil || got.ID != id {
			t.Errorf("renewed %+v, %v", got, err)
		}
		if !lives(s.Router(), shouted) {
			t.Error("not found")
		}
		for _, op := range []*catalog.TxnKV{
			{Verb: catalog.TxnCheckSession, Entry: catalog.KVEntry{Key: "k", Session: shouted}},
			{Verb: catalog.TxnUnlock, Entry: catalog.KVEntry{Key: "k", Session: shouted}},
			{Verb: catalog.TxnLock, Entry: catalog.KVEntry{Key: "k", Session: shouted}},
		} {
			rep, err := ops.TxnApply.Call(context.Background(), s.Router(), &ops.TxnApplyRequest{Ops: []catalog.TxnOp{{KV: op}}})
			if err != nil || len(rep.Answer.Errors) > 0 {
				t.Errorf("%s: %+v, %v", op.Verb, rep, err)
			}
		}
		if done, err := lock(s.Router(), catalog.KVUnlock, "k", shouted); err != nil || !done {
			t.Errorf("unlock: %t, %v", done, err)
		}
		query := s.mustQuery(catalog.Query{Session: shouted, Service: catalog.QueryService{Service: "web"}})
		if _, err := ops.QueryGet.Call(context.Background(), s.Router(), &ops.QueryGetRequest{ID: strings.ToUpper(query)}); err != nil {
			t.Error(err)
		}
		s.execute(ops.QueryExecuteRequest{QueryIDOrName: strings.ToUpper(query)})
		s.destroy(shouted)
		if lives(s.Router(), id) {
			t.Error("the session outlived its end")
		}
		if _, err := ops.QueryGet.Call(context.Background(), s.Router(), &ops.QueryGetRequest{ID: query}); err == nil {
			t.Error("the query outlived its session")
		}
	})
}

func TestTextsRepeatTheIDThatWasAskedFor(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		const none = "AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA"
		if _, err := lock(s.Router(), catalog.KVLock, "k", none); err == nil || !strings.Contains(err.Error(), none) {
			t.Errorf("got %v", err)
		}
	})
}
