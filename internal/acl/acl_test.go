package acl_test

import (
	"context"
	"testing"

	"praetor/internal/acl"
	"praetor/internal/fault"
)

func nothing(acl.Need) bool { return false }

func TestRefusalsNameWhatIsMissing(t *testing.T) {
	const hint = " The anonymous token is used implicitly when a request does not specify a token."
	for _, row := range []struct {
		accessor string
		need     acl.Need
		want     string
	}{
		{"A", acl.Service.Write("web"), `Permission denied: token with AccessorID 'A' lacks permission 'service:write' on "web"`},
		{"A", acl.Key.List("app/"), `Permission denied: token with AccessorID 'A' lacks permission 'key:list' on "app/"`},
		{"A", acl.Key.WriteBelow("app/"), `Permission denied: token with AccessorID 'A' lacks permission 'key:write' on "app/"`},
		{"A", acl.Key.Write(""), `Permission denied: token with AccessorID 'A' lacks permission 'key:write'`},
		{"A", acl.Intention.Read("db"), `Permission denied: token with AccessorID 'A' lacks permission 'intention:read' on "db"`},
		{"A", acl.Operator.Read(), `Permission denied: token with AccessorID 'A' lacks permission 'operator:read'`},
		{"A", acl.ACL.Write(), `Permission denied: token with AccessorID 'A' lacks permission 'acl:write'`},
		{"A", acl.Node.ReadAll(), `Permission denied: token with AccessorID 'A' lacks permission 'node:read' on "all nodes"`},
		{"A", acl.Service.WriteAny(), `Permission denied: token with AccessorID 'A' lacks permission 'service:write'`},
		{acl.AnonymousAccessor, acl.Key.Read("x"), `Permission denied: anonymous token lacks permission 'key:read' on "x".` + hint},
		{acl.AnonymousAccessor, acl.Peering.Write(), `Permission denied: anonymous token lacks permission 'peering:write'.` + hint},
	} {
		err := acl.New(row.accessor, nothing).Check(row.need)
		if fault.KindOf(err) != fault.Denied || err.Error() != row.want {
			t.Errorf("got  %v\nwant %s", err, row.want)
		}
	}
}

func TestWhatHoldsNoRulesAllowsNothing(t *testing.T) {
	all := acl.New("A", func(acl.Need) bool { return true })
	for name, az := range map[string]*acl.Authorizer{"nil": nil, "the zero value": {}, "asked for nothing": all} {
		need := acl.Key.Read("a")
		if az == all {
			need = acl.Need{}
		}
		if az.Allows(need) || az.Check(need) == nil || az.Unrestricted() {
			t.Errorf("%s allows %v", name, need)
		}
	}
	if az, err := (acl.AllowAll{}).Resolve(context.Background(), "any"); err != nil || !az.Unrestricted() || az.Check(acl.ACL.Write()) != nil {
		t.Errorf("without rules: %v, %v", az, err)
	}
}

func TestNeedsAreAskedAsTheyAreMade(t *testing.T) {
	var asked acl.Need
	az := acl.New("A", func(n acl.Need) bool { asked = n; return true })
	if need := acl.Key.WriteBelow("a/"); !az.Allows(need) || asked != need ||
		asked.Resource() != acl.Resource(acl.Key) || asked.Access() != acl.Write || asked.Scope() != acl.Below || asked.Name() != "a/" {
		t.Errorf("asked %+v", asked)
	}
}
