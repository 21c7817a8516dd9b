package cli_test

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"

	"praetor/internal/cli"
)

func TestColumnsAreAsWideAsTheirWidestCell(t *testing.T) {
	rows := [][]string{{"Node", "ID", "Tags"}, {"a", "12345", ""}, {"größer", "1", "x,y"}, {"short"}}
	for _, table := range []struct {
		name  string
		print func(*cobra.Command, [][]string)
		want  string
	}{
		{"columns", cli.PrintColumns, "Node    ID     Tags\na       12345  \ngrößer  1      x,y\nshort\n"},
		{"tabs", cli.PrintTabs, "Node        ID         Tags\na           12345      \ngrößer      1          x,y\nshort\n"},
	} {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		table.print(cmd, rows)
		if out.String() != table.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", table.name, out.String(), table.want)
		}
	}
}

func TestTablesOfCommands(t *testing.T) {
	answer(t, map[string]string{
		"GET /v1/catalog/nodes": `[{"ID":"0123456789ab","Node":"web-1","Address":"10.0.0.5","Datacenter":"dc1","TaggedAddresses":{"wan":"1.2.3.4","lan":"10.0.0.5"},"Meta":{"b":"2","a":"1"}},
			{"ID":"","Node":"external","Address":"example.com","Datacenter":"dc1"}]`,
		"GET /v1/catalog/services":               `{"web":["v2","v1"],"consul":[]}`,
		"GET /v1/agent/members?segment=_all":     `[{"Name":"c1","Addr":"10.0.0.9","Port":8301,"Status":4,"Tags":{"role":"node","dc":"dc1","build":"1.22.7:abc","vsn":"2"}},{"Name":"s1","Addr":"10.0.0.1","Port":8301,"Status":1,"Tags":{"role":"consul","dc":"dc1","build":"1.22.7:abc","vsn":"2"}}]`,
		"GET /v1/operator/raft/configuration":    `{"Servers":[{"ID":"u2","Node":"s2","Address":"10.0.0.2:8300","ProtocolVersion":"3","Voter":false,"LastIndex":20},{"ID":"u1","Node":"s1","Address":"10.0.0.1:8300","Leader":true,"ProtocolVersion":"3","Voter":true,"LastIndex":21},{"ID":"u3","Node":"(unknown)","Address":"10.0.0.3:8300","ProtocolVersion":"unknown","Voter":true}]}`,
		"GET /v1/kv/a?recurse=":                  `[{"Key":"a","Value":"MQ=="},{"Key":"ab","Value":"Mg=="}]`,
		"DELETE /v1/operator/raft/peer?id=u3":    ``,
		"POST /v1/operator/raft/transfer-leader": `{"Success":true}`,
	})
	want(t, 0, "Node      ID        Address      DC\nweb-1     01234567  10.0.0.5     dc1\nexternal            example.com  dc1\n", "", "catalog", "nodes")
	want(t, 0, "Node      ID            Address      DC   TaggedAddresses            Meta\n"+
		"web-1     0123456789ab  10.0.0.5     dc1  lan=10.0.0.5, wan=1.2.3.4  a=1, b=2\n"+
		"external                example.com  dc1                             \n", "", "catalog", "nodes", "-detailed")
	want(t, 0, "consul\nweb\n", "", "catalog", "services")
	want(t, 0, "consul      \nweb         v1,v2\n", "", "catalog", "services", "-tags")
	want(t, 0, "Node  Address        Status  Type    Build   Protocol  DC   Partition  Segment\n"+
		"s1    10.0.0.1:8301  alive   server  1.22.7  2         dc1  default    <all>\n"+
		"c1    10.0.0.9:8301  failed  client  1.22.7  2         dc1  default    <default>\n", "", "members")
	want(t, 2, "", "", "members", "-status=left")
	want(t, 1, "", "Failed to compile status regexp: error parsing regexp: missing closing ): `(`\n", "members", "-status=(")
	want(t, 0, "Node       ID  Address        State     Voter  RaftProtocol  Commit Index  Trails Leader By\n"+
		"s2         u2  10.0.0.2:8300  follower  false  3             20            1 commit\n"+
		"s1         u1  10.0.0.1:8300  leader    true   3             21            -\n"+
		"(unknown)  u3  10.0.0.3:8300  follower  true   unknown       0             21 commits\n", "", "operator", "raft", "list-peers")
	want(t, 0, "a:1\nab:2\n", "", "kv", "get", "-recurse", "a")
	want(t, 0, "Removed peer with id \"u3\"\n", "", "operator", "raft", "remove-peer", "-id=u3")
	want(t, 0, "Success\n", "", "operator", "raft", "transfer-leader")
}

func TestFollowersThatWereAskedLaterAreNotAhead(t *testing.T) {
	for _, row := range []struct {
		leader, follower uint64
		want             string
	}{{10, 10, "0 commits"}, {10, 9, "1 commit"}, {10, 11, "0 commits"}, {10, 3, "7 commits"}} {
		if got := cli.Trailing(row.leader, row.follower); got != row.want {
			t.Errorf("%d after %d: %s, want %s", row.follower, row.leader, got, row.want)
		}
	}
}
