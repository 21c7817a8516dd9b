package server_test

import (
	"context"
	"testing"
	"testing/synctest"

	"praetor/catalog"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// TestServersKeepTheRateLimitOfTheCluster, from its entry on until it goes, which no
// limit prevents.
func TestServersKeepTheRateLimitOfTheCluster(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		change := func(verb catalog.ConfigVerb, config string) {
			t.Helper()
			write := catalog.ConfigWrite{Verb: verb, Entry: catalog.ConfigEntry{Kind: configentry.KindRateLimit, Name: configentry.NameGlobal}}
			if config != "" {
				write.Entry.Body = []byte(`{"Kind":"rate-limit","Name":"global","config":` + config + `}`)
			}
			if _, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: write}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		read := func() error {
			_, err := ops.KVGet.Call(context.Background(), s.Router(), &ops.KVGetRequest{Key: "a"})
			return err
		}
		for range 30 {
			if err := read(); err != nil {
				t.Fatal(err)
			}
		}
		change(catalog.ConfigSet, `{"ReadRate":0,"WriteRate":0}`)
		if err := read(); fault.KindOf(err) != fault.Limit {
			t.Errorf("a read where none may be: %v", err)
		}
		change(catalog.ConfigSet, `{"ReadRate":0,"WriteRate":0,"excludeEndpoints":["KV.Get"]}`)
		if err := read(); err != nil {
			t.Errorf("a read that is excluded: %v", err)
		}
		change(catalog.ConfigSet, `{"WriteRate":0}`)
		if err := read(); err != nil {
			t.Errorf("a read where writes are limited: %v", err)
		}
		change(catalog.ConfigSet, `{"ReadRate":0.1}`)
		if err := read(); err != nil {
			t.Errorf("the first read: %v", err)
		}
		if err := read(); fault.KindOf(err) != fault.Limit {
			t.Errorf("the second read: %v", err)
		}
		change(catalog.ConfigDelete, "")
		for range 30 {
			if err := read(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
