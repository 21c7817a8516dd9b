package catalog_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"praetor/catalog"
)

// heldPolicies and heldTokens are as many as a large cluster has.
const heldPolicies, heldTokens = 10_000, 100_000

// withRules holds them, each token with three of the policies.
func withRules(t testing.TB) *fixture {
	f := newFixture(t)
	id := func(kind, i int) string { return fmt.Sprintf("%08x-0000-0000-0000-%012x", kind, i) }
	policies := &catalog.ACLPolicyWrite{Verb: catalog.ACLCreate}
	for i := range heldPolicies {
		policies.Policies = append(policies.Policies, &catalog.ACLPolicy{
			ID: id(1, i), Name: fmt.Sprint("policy-", i),
			Rules: fmt.Sprintf("service \"service-%d\" { policy = \"write\" }\nservice_prefix \"\" { policy = \"read\" }\nkey_prefix \"app/%d/\" { policy = \"write\" }\n", i, i),
		})
	}
	if fault := f.apply(catalog.ACLPolicyCommand, policies); fault != nil {
		t.Fatal(fault)
	}
	for from := 0; from < heldTokens; from += 1000 {
		tokens := &catalog.ACLTokenWrite{Verb: catalog.ACLCreate}
		for i := from; i < from+1000; i++ {
			tokens.Tokens = append(tokens.Tokens, &catalog.ACLToken{
				AccessorID: id(2, i), SecretID: id(3, i), Description: fmt.Sprint("token of application ", i),
				Policies: []string{id(1, i%heldPolicies), id(1, (i+1)%heldPolicies), id(1, (i+2)%heldPolicies)},
			})
		}
		if fault := f.apply(catalog.ACLTokenCommand, tokens); fault != nil {
			t.Fatal(fault)
		}
	}
	return f
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkHeldRules prints what 10,000 policies and 100,000 tokens take, and how long
// they take to be saved and restored.
func BenchmarkHeldRules(b *testing.B) {
	before := heap()
	f := withRules(b)
	held := heap() - before
	var saved, restored time.Duration
	var size int
	n := 0
	for ; b.Loop(); n++ {
		var out bytes.Buffer
		begin := time.Now()
		if err := f.store.Read().WriteSnapshot(&out); err != nil {
			b.Fatal(err)
		}
		saved += time.Since(begin)
		size = out.Len()
		other, begin := newFixture(b), time.Now()
		if err := other.store.Restore(&out); err != nil {
			b.Fatal(err)
		}
		restored += time.Since(begin)
		if _, got := other.store.Read().ACLTokens(nil); len(got) != heldTokens {
			b.Fatalf("%d tokens", len(got))
		}
	}
	b.ReportMetric(float64(held)/(1<<20), "MiB-held")
	b.ReportMetric(float64(size)/(1<<20), "MiB-saved")
	b.ReportMetric(float64(saved.Milliseconds())/float64(n), "ms-save")
	b.ReportMetric(float64(restored.Milliseconds())/float64(n), "ms-restore")
}
