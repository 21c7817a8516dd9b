package server_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"praetor/agent/server"
	"praetor/internal/fault"
	"praetor/internal/rpc"
)

// TestEveryOperationStatesItsRule compares the table of rules, which a reviewer
// reads, with what is registered.
func TestEveryOperationStatesItsRule(t *testing.T) {
	rules, requests := server.Rules(), map[string]rpc.Message{}
	for _, op := range server.Operations() {
		requests[op.Name] = op.NewRequest()
		if _, ok := rules[op.Name]; !ok {
			t.Errorf("%s has no rule: register it with kernel.Handle", op.Name)
		}
	}
	var got bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&got, "%s %s\n", name, rules[name].Describe(requests[name]))
	}
	const file = "testdata/rules.txt"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant, as %s has it,\n%s", got.String(), file, want)
	}
}

func TestTokensAreResolvedBeforeAnyHandlerRuns(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = rights{} }, func(s *lone) {
		for _, op := range server.Operations() {
			rule := server.Rules()[op.Name]
			_, err := s.Router().Do(context.Background(), op, withToken(op.NewRequest(), "unknown"))
			if unknown := err != nil && err.Error() == "ACL not found"; unknown == rule.IsOpen() {
				t.Errorf("%s with a token that does not exist: %v; %s", op.Name, err, rule.Describe(op.NewRequest()))
			}
			if _, needs := rule.Need(op.NewRequest()); !needs {
				continue
			}
			if _, err := s.Router().Do(context.Background(), op, withToken(op.NewRequest(), "t")); fault.KindOf(err) != fault.Denied {
				t.Errorf("%s without any right: %v; %s", op.Name, err, rule.Describe(op.NewRequest()))
			}
		}
	})
}

// withToken puts a token into a request's options.
func withToken(req rpc.Message, token string) rpc.Message {
	reflect.ValueOf(req).Elem().FieldByName("Token").SetString(token)
	return req
}
