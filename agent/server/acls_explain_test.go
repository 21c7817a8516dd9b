package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// shownExplanation is an answer in lines.
func shownExplanation(e *ops.ACLExplainReply) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Allow, e.Description)
	all := e.Overridden
	if e.Decided != nil {
		all = append([]ops.ACLStated{*e.Decided}, all...)
	}
	for _, s := range all {
		fmt.Fprintf(&b, "%s:", s.Rule)
		for _, g := range s.By {
			fmt.Fprintf(&b, " %s %s %s;", g.Kind, g.Name, g.Role)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestExplanationsNamePoliciesAndTheWayToThem: the default policy denies.
func TestExplanationsNamePoliciesAndTheWayToThem(t *testing.T) {
	ctx := context.Background()
	locked(t, func(s *lone) {
		wide := setPolicy(s.t, s.Server, "", "wide", `key_prefix "" { policy = "write" } mesh = "read"`)
		narrow := setPolicy(s.t, s.Server, "", "narrow", `key_prefix "app/" { policy = "read" }`)
		elsewhere := catalog.ACLPolicy{Name: "elsewhere", Rules: `key_prefix "app/" { policy = "deny" }`, Datacenters: []string{"dc2"}}
		made, err := ops.ACLPolicySet.Call(ctx, s.Router(), &ops.ACLPolicySetRequest{WriteOptions: root(), Create: true, Policy: elsewhere})
		if err != nil {
			t.Fatal(err)
		}
		role, err := ops.ACLRoleSet.Call(ctx, s.Router(), &ops.ACLRoleSetRequest{WriteOptions: root(), Create: true, Role: ops.ACLRole{
			Row:      catalog.ACLRole{Name: "readers", NodeIdentities: []catalog.ACLNodeIdentity{{NodeName: "n1", Datacenter: "dc1"}}},
			Policies: []ops.ACLLink{{ID: narrow}, {ID: made.Policy.ID}}}})
		if err != nil {
			t.Fatal(err)
		}
		given := ops.ACLToken{
			Row: catalog.ACLToken{Description: "the app", ServiceIdentities: []catalog.ACLServiceIdentity{{ServiceName: "web"}},
				TemplatedPolicies: []catalog.ACLTemplatedPolicy{{TemplateName: "builtin/service", Name: "web"}, {TemplateName: "builtin/dns"}}},
			Policies: []ops.ACLLink{{ID: wide}, {ID: narrow}}, Roles: []ops.ACLLink{{ID: role.Role.Row.ID}},
		}
		set, err := ops.ACLTokenSet.Call(ctx, s.Router(), &ops.ACLTokenSetRequest{WriteOptions: root(), Create: true, Given: given})
		if err != nil {
			t.Fatal(err)
		}
		token := set.Token.Row
		for _, row := range []struct {
			question ops.ACLQuestion
			below    bool
			want     string
		}{
			{ops.ACLQuestion{Resource: "key", Access: "write", Segment: "app/x"}, false, `
false the app
key_prefix "app/" { policy = "read" }: policy narrow ; policy narrow readers;
key_prefix "" { policy = "write" }: policy wide ;
`},
			{ops.ACLQuestion{Resource: "key", Access: "WRITE", Segment: "b"}, false, `
true the app
key_prefix "" { policy = "write" }: policy wide ;
`},
			{ops.ACLQuestion{Resource: "key", Access: "write", Segment: "a"}, true, `
false the app
key_prefix "app/" { policy = "read" }: policy narrow ; policy narrow readers;
key_prefix "" { policy = "write" }: policy wide ;
`},
			{ops.ACLQuestion{Resource: "service", Access: "write", Segment: "web"}, false, `
true the app
service "web" { policy = "write" }: service identity web ; templated policy builtin/service ;
service_prefix "" { policy = "read" }: service identity web ; templated policy builtin/service ; templated policy builtin/dns ; node identity n1 readers;
`},
			{ops.ACLQuestion{Resource: "node", Access: "write", Segment: "n1"}, false, `
true the app
node "n1" { policy = "write" }: node identity n1 readers;
node_prefix "" { policy = "read" }: service identity web ; templated policy builtin/service ; templated policy builtin/dns ;
`},
			{ops.ACLQuestion{Resource: "mesh", Access: "read", Segment: "ignored"}, false, "\ntrue the app\nmesh = \"read\": policy wide ;\n"},
			{ops.ACLQuestion{Resource: "acl", Access: "read"}, false, "\nfalse the app\n"},
		} {
			for who, req := range map[string]*ops.ACLExplainRequest{
				"itself":                   {ReadOptions: rpc.ReadOptions{Token: token.SecretID}},
				"itself by its accessor":   {ReadOptions: rpc.ReadOptions{Token: token.SecretID}, AccessorID: token.AccessorID},
				"one who may read of ACLs": {ReadOptions: rpc.ReadOptions{Token: "root"}, AccessorID: token.AccessorID},
			} {
				req.Question, req.Below = row.question, row.below
				rep, err := ops.ACLExplain.Call(ctx, s.Router(), req)
				if err != nil {
					t.Errorf("%v of %s: %v", row.question, who, err)
					continue
				}
				if got := shownExplanation(rep); got != row.want[1:] || rep.AccessorID != token.AccessorID || rep.AllowByDefault {
					t.Errorf("%v of %s: got\n%swant%s", row.question, who, got, row.want)
				}
				if wantRefusal := !rep.Allow; wantRefusal != strings.HasPrefix(rep.Refusal, "Permission denied: token with AccessorID '"+token.AccessorID+"' lacks permission '") || strings.Contains(fmt.Sprint(rep), token.SecretID) {
					t.Errorf("%v of %s: refusal %q", row.question, who, rep.Refusal)
				}
			}
			if row.below {
				continue
			}
			rep, err := ops.ACLAuthorize.Call(ctx, s.Router(), &ops.ACLAuthorizeRequest{ReadOptions: rpc.ReadOptions{Token: token.SecretID}, Questions: []ops.ACLQuestion{row.question}})
			if err != nil || fmt.Sprint(rep.Allow[0]) != strings.Fields(row.want)[0] {
				t.Errorf("%v: authorize says %v, %v", row.question, rep, err)
			}
		}
	})
}

func TestExplanationsAreForThoseWhoMayAsk(t *testing.T) {
	ctx := context.Background()
	locked(t, func(s *lone) {
		poor := newToken(s.t, s.Server, catalog.ACLToken{}, setPolicy(s.t, s.Server, "", "poor", `key "a" { policy = "read" }`))
		brief := newToken(s.t, s.Server, catalog.ACLToken{Expires: time.Now().Add(2 * time.Minute).UnixNano()})
		key := ops.ACLQuestion{Resource: "key", Access: "read", Segment: "a"}
		for _, row := range []struct {
			name, token, accessor string
			question              ops.ACLQuestion
			below                 bool
			kind                  fault.Kind
			want                  string
		}{
			{"another's", poor.SecretID, acl.AnonymousAccessor, key, false, fault.Denied, "Permission denied: token with AccessorID '" + poor.AccessorID + "' lacks permission 'acl:read'"},
			{"another's, without a token", "", poor.AccessorID, key, false, fault.Denied, "Permission denied: anonymous token lacks permission 'acl:read'."},
			{"an unknown token's", "none", "", key, false, fault.Denied, "ACL not found"},
			{"about nobody", "root", "6d5c2a0e-1111-2222-3333-444455556666", key, false, fault.Denied, "token does not exist: ACL not found"},
			{"no accessor", "root", "short", key, false, fault.Rejected, "failed acl token lookup: index error: UUID must be 36 characters"},
			{"no resource", "root", "", ops.ACLQuestion{Resource: "keys", Access: "read"}, false, fault.Invalid, `Invalid ACL resource requested: "keys"`},
			{"no access", "root", "", ops.ACLQuestion{Resource: "node", Access: "list"}, false, fault.Invalid, "Invalid access level for node resource: list"},
			{"all that begins with a name", "root", "", ops.ACLQuestion{Resource: "node", Access: "write"}, true, fault.Invalid, "only key:write is asked for whole prefixes, not node:write"},
		} {
			_, err := ops.ACLExplain.Call(ctx, s.Router(), &ops.ACLExplainRequest{ReadOptions: rpc.ReadOptions{Token: row.token}, AccessorID: row.accessor, Question: row.question, Below: row.below})
			if fault.KindOf(err) != row.kind || !strings.HasPrefix(err.Error(), row.want) {
				t.Errorf("%s: %v, want %s", row.name, err, row.want)
			}
		}
		rep, err := ops.ACLExplain.Call(ctx, s.Router(), &ops.ACLExplainRequest{Question: key})
		if err != nil || rep.AccessorID != acl.AnonymousAccessor || rep.Allow || rep.Decided != nil {
			t.Errorf("of nobody: %+v, %v", rep, err)
		}
		time.Sleep(3 * time.Minute)
		if _, err := ops.ACLExplain.Call(ctx, s.Router(), &ops.ACLExplainRequest{ReadOptions: rpc.ReadOptions{Token: "root"}, AccessorID: brief.AccessorID, Question: key}); err == nil || !strings.Contains(err.Error(), "ACL not found") {
			t.Errorf("of one whose time is over: %v", err)
		}
	})
}
