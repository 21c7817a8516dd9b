package ops_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"praetor/catalog"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// The places where an operation runs; one that changes something is never sent twice
// unless it certainly was not executed.
const (
	leader      = "leader, changes"
	anywhere    = "any, changes"
	readsAny    = "any"
	readsLeader = "leader"
	reads       = "leader or any"
)

// operations are all there are: where each runs is part of the protocol.
var operations = []struct {
	*rpc.Desc
	where string
}{
	{ops.ACLAuthMethodDelete.Desc, leader},
	{ops.ACLAuthMethodGet.Desc, reads},
	{ops.ACLAuthMethodList.Desc, reads},
	{ops.ACLAuthMethodSet.Desc, leader},
	{ops.ACLAuthorize.Desc, reads},
	{ops.ACLBindingRuleDelete.Desc, leader},
	{ops.ACLBindingRuleGet.Desc, reads},
	{ops.ACLBindingRuleList.Desc, reads},
	{ops.ACLBindingRuleSet.Desc, leader},
	{ops.ACLBootstrap.Desc, leader},
	{ops.ACLExplain.Desc, reads},
	{ops.ACLLogin.Desc, leader},
	{ops.ACLLogout.Desc, leader},
	{ops.ACLPolicyDelete.Desc, leader},
	{ops.ACLPolicyGet.Desc, reads},
	{ops.ACLPolicyList.Desc, reads},
	{ops.ACLPolicySet.Desc, leader},
	{ops.ACLReplicationList.Desc, reads},
	{ops.ACLReplicationRows.Desc, reads},
	{ops.ACLReplicationStatus.Desc, reads},
	{ops.ACLResolve.Desc, reads},
	{ops.ACLRoleDelete.Desc, leader},
	{ops.ACLRoleGet.Desc, reads},
	{ops.ACLRoleList.Desc, reads},
	{ops.ACLRoleSet.Desc, leader},
	{ops.ACLTokenClone.Desc, leader},
	{ops.ACLTokenDelete.Desc, leader},
	{ops.ACLTokenGet.Desc, reads},
	{ops.ACLTokenList.Desc, reads},
	{ops.ACLTokenSelf.Desc, reads},
	{ops.ACLTokenSet.Desc, leader},
	{ops.AutoEncryptSign.Desc, anywhere},
	{ops.CatalogAddress.Desc, reads},
	{ops.CatalogDatacenters.Desc, readsAny},
	{ops.CatalogDeregister.Desc, leader},
	{ops.CatalogEvict.Desc, leader},
	{ops.CatalogGatewayServices.Desc, reads},
	{ops.CatalogHistory.Desc, reads},
	{ops.CatalogNode.Desc, reads},
	{ops.CatalogNodes.Desc, reads},
	{ops.CatalogRegister.Desc, leader},
	{ops.CatalogService.Desc, reads},
	{ops.CatalogServices.Desc, reads},
	{ops.CatalogSync.Desc, leader},
	{ops.ConfigApply.Desc, leader},
	{ops.ConfigExported.Desc, reads},
	{ops.ConfigGet.Desc, reads},
	{ops.ConfigList.Desc, reads},
	{ops.ConnectAuthorize.Desc, reads},
	{ops.ConnectCAConfig.Desc, reads},
	{ops.ConnectCARoots.Desc, reads},
	{ops.ConnectCASetConfig.Desc, leader},
	{ops.ConnectCASign.Desc, leader},
	{ops.ConnectCASignIntermediate.Desc, leader},
	{ops.CoordinateDatacenters.Desc, readsAny},
	{ops.CoordinateNode.Desc, reads},
	{ops.CoordinateNodes.Desc, reads},
	{ops.CoordinateUpdate.Desc, leader},
	{ops.EventFire.Desc, anywhere},
	{ops.EvictOrder.Desc, leader},
	{ops.EvictReport.Desc, leader},
	{ops.HealthChecks.Desc, reads},
	{ops.HealthIngress.Desc, reads},
	{ops.HealthNode.Desc, reads},
	{ops.HealthService.Desc, reads},
	{ops.HealthState.Desc, reads},
	{ops.IntentionApply.Desc, leader},
	{ops.IntentionCheck.Desc, reads},
	{ops.IntentionGet.Desc, reads},
	{ops.IntentionList.Desc, reads},
	{ops.IntentionMatch.Desc, reads},
	{ops.KVApply.Desc, leader},
	{ops.KVAt.Desc, reads},
	{ops.KVGet.Desc, reads},
	{ops.KVHistory.Desc, reads},
	{ops.KVKeys.Desc, reads},
	{ops.KVList.Desc, reads},
	{ops.KVStream.Desc, reads},
	{ops.OperatorAutopilot.Desc, reads},
	{ops.OperatorAutopilotState.Desc, reads},
	{ops.OperatorBackup.Desc, reads},
	{ops.OperatorBackupNow.Desc, leader},
	{ops.OperatorKeyring.Desc, readsAny},
	{ops.OperatorRaft.Desc, reads},
	{ops.OperatorRemovePeer.Desc, leader},
	{ops.OperatorSetAutopilot.Desc, leader},
	{ops.OperatorTransferLeader.Desc, leader},
	{ops.OperatorUsage.Desc, reads},
	{ops.QueryApply.Desc, leader},
	{ops.QueryExecute.Desc, reads},
	{ops.QueryExplain.Desc, reads},
	{ops.QueryGet.Desc, reads},
	{ops.QueryList.Desc, reads},
	{ops.QuerySelect.Desc, reads},
	{ops.SessionCreate.Desc, leader},
	{ops.SessionDestroy.Desc, leader},
	{ops.SessionInfo.Desc, reads},
	{ops.SessionList.Desc, reads},
	{ops.SessionNode.Desc, reads},
	{ops.SessionRenew.Desc, leader},
	{ops.SnapshotRestore.Desc, leader},
	{ops.SnapshotSave.Desc, reads},
	{ops.StatusLeader.Desc, readsAny},
	{ops.StatusPeers.Desc, readsAny},
	{ops.StatusRaft.Desc, readsAny},
	{ops.StatusCommitted.Desc, readsAny},
	{ops.TxnApply.Desc, leader},
	{ops.TxnRead.Desc, reads},
	{ops.UIKeySearch.Desc, reads},
	{ops.UIMesh.Desc, reads},
	{ops.UINode.Desc, reads},
	{ops.UINodes.Desc, reads},
	{ops.UIOverview.Desc, reads},
	{ops.UIServices.Desc, reads},
	{ops.UITopology.Desc, reads},
	{ops.VirtualAddress.Desc, reads},
}

func where(op *rpc.Desc) string {
	place := map[rpc.Place]string{rpc.Leader: readsLeader, rpc.ByOptions: reads, rpc.AnyServer: readsAny}[op.Place]
	if op.Write {
		place += ", changes"
	}
	return place
}

// TestWhereOperationsRun: a write on a follower would be lost, and a read for the leader
// alone would end with it.
func TestWhereOperationsRun(t *testing.T) {
	names := map[string]bool{}
	for _, op := range operations {
		if got := where(op.Desc); got != op.where {
			t.Errorf("%s runs at %s, want %s", op.Name, got, op.where)
		}
		if names[op.Name] || strings.Count(op.Name, ".") != 1 {
			t.Errorf("the name %s is another's too, or names no family", op.Name)
		}
		names[op.Name] = true
		_, routed := op.NewRequest().(rpc.Routed)
		options := rpc.ReadOptionsOf(op.NewRequest()) != nil
		if op.Write && options || op.Place == rpc.ByOptions && !options || op.Place == rpc.Leader && !routed {
			t.Errorf("%s has read options: %t, is routed: %t", op.Name, options, routed)
		}
	}
	if declared := declaredOperations(t); declared != len(operations) {
		t.Errorf("%d operations are declared, and %d tested: add those that are new", declared, len(operations))
	}
}

// declaredOperations counts what is declared with the functions of rpc.
func declaredOperations(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if v, ok := d.(*ast.GenDecl); ok && v.Tok == token.VAR {
				for _, s := range v.Specs {
					n += len(s.(*ast.ValueSpec).Values)
				}
			}
		}
	}
	return n
}

// filler fills values with something else everywhere.
type filler struct{ n int64 }

func (f *filler) fill(v reflect.Value, depth int) {
	f.n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("x", int(f.n%40)+1))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		v.SetInt(f.n % 100)
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		v.SetUint(uint64(f.n) % 100)
	case reflect.Float64, reflect.Float32:
		v.SetFloat(float64(f.n) / 8)
	case reflect.Pointer:
		if depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, depth+1)
		f.fill(value, depth+1)
		v.SetMapIndex(key, value)
	case reflect.Interface:
		v.Set(reflect.ValueOf("x"))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_700_000_000+f.n, 0)))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Tag.Get("msg") != "-" {
				f.fill(v.Field(i), depth+1)
			}
		}
	}
}

// TestEveryFieldOfEveryMessageArrives fills each and reads it back; a part of it is no
// message.
func TestEveryFieldOfEveryMessageArrives(t *testing.T) {
	for _, op := range operations {
		for _, m := range []rpc.Message{op.NewRequest(), op.NewReply()} {
			new(filler).fill(reflect.ValueOf(m).Elem(), 0)
			b, err := m.MarshalMsg(nil)
			if err != nil {
				t.Errorf("%T of %s: %v", m, op.Name, err)
				continue
			}
			if size := m.Msgsize(); size < len(b) {
				t.Errorf("%T of %s: %d bytes, of %d at most", m, op.Name, len(b), size)
			}
			got := fresh(m)
			if rest, err := got.UnmarshalMsg(b); err != nil || len(rest) > 0 || !reflect.DeepEqual(got, m) {
				t.Errorf("%T of %s: %v, %d bytes left\n%+v\nwant %+v", m, op.Name, err, len(rest), got, m)
			}
			for n := 0; n < len(b); n += max(1, len(b)/50) {
				if _, err := fresh(m).UnmarshalMsg(b[:n]); err == nil {
					t.Errorf("%T of %s: %d of %d bytes were taken for a message", m, op.Name, n, len(b))
				}
			}
		}
	}
}

func TestWhichSyncBeginsWithItsNode(t *testing.T) {
	node := &catalog.Register{Node: "n"}
	for name, c := range map[string]struct {
		list []*catalog.Register
		want bool
	}{
		"nothing":                {nil, false},
		"nothing of it":          {[]*catalog.Register{nil, node}, false},
		"a node":                 {[]*catalog.Register{node}, true},
		"a node and more":        {[]*catalog.Register{node, {Node: "n", Service: &catalog.Service{}}}, true},
		"a node that comes late": {[]*catalog.Register{{Node: "n", Service: &catalog.Service{}}, node}, false},
		"a service":              {[]*catalog.Register{{Node: "n", Service: &catalog.Service{}}}, false},
		"a check":                {[]*catalog.Register{{Node: "n", Checks: []*catalog.Check{{}}}}, false},
		"a node that stays":      {[]*catalog.Register{{Node: "n", SkipNodeUpdate: true}}, false},
	} {
		if got := (&ops.CatalogSyncRequest{Registers: c.list}).LeadsWithNode(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTheRootThatSigns(t *testing.T) {
	old, active := &catalog.CARoot{ID: "a"}, &catalog.CARoot{ID: "b", Active: true}
	for _, c := range []struct {
		roots []*catalog.CARoot
		want  *catalog.CARoot
	}{{nil, nil}, {[]*catalog.CARoot{old}, nil}, {[]*catalog.CARoot{old, active}, active}, {[]*catalog.CARoot{active, old}, active}} {
		if got := (&ops.ConnectCARootsReply{Roots: c.roots}).Active(); got != c.want {
			t.Errorf("of %d: %+v", len(c.roots), got)
		}
	}
}
