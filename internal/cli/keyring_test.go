package cli_test

import (
	"strings"
	"testing"
)

func TestKeyringCommands(t *testing.T) {
	const path = "/v1/operator/keyring"
	a := answer(t, map[string]string{
		"GET " + path: `[{"WAN":true,"Datacenter":"dc1","Segment":"","Keys":{"b=":1,"a=":2},"PrimaryKeys":{"a=":2},"NumNodes":2},
			{"WAN":false,"Datacenter":"dc1","Segment":"","Keys":{"a=":5},"PrimaryKeys":{"a=":5},"NumNodes":5}]`,
		"GET " + path + "?local-only=true&relay-factor=2": `[]`,
		"POST " + path:   "",
		"PUT " + path:    "",
		"DELETE " + path: "!2 errors occurred:\n\t* dc1 (LAN) error: 1/1 nodes reported failure\n\t* a: Removing the primary key is not allowed\n\n",
	})
	want(t, 0, "==> Gathering installed encryption keys...\n\nWAN:\n  a= [2/2]\n  b= [1/2]\n\ndc1 (LAN):\n  a= [5/5]\n", "", "keyring", "-list")
	want(t, 0, "==> Gathering installed primary encryption keys...\n\nWAN:\n  a= [2/2]\n\ndc1 (LAN):\n  a= [5/5]\n", "", "keyring", "-list-primary")
	want(t, 0, "==> Gathering installed encryption keys...\n", "", "keyring", "-list", "-local-only", "-relay-factor=2")
	want(t, 0, "==> Installing new gossip encryption key...\n", "", "keyring", "-install=b=")
	want(t, 0, "==> Changing primary gossip encryption key...\n", "", "keyring", "-use", "b=")
	want(t, 1, "==> Removing gossip encryption key...\n",
		"error: Unexpected response code: 500 (2 errors occurred:\n\t* dc1 (LAN) error: 1/1 nodes reported failure\n\t* a: Removing the primary key is not allowed)\n",
		"keyring", "-remove=a=")
	if got, want := a.asked[3], "POST "+path+` {"Key":"b="}`; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	want(t, 1, "", "Only a single action is allowed\n", "keyring", "-list", "-use=x")
	want(t, 1, "", "Error parsing relay factor: Relay factor must be in range: [0, 5]\n", "keyring", "-list", "-relay-factor=6")
	want(t, 1, "", "Error validating local-only: local-only can only be set for list requests\n", "keyring", "-use=x", "-local-only")
	if out, errs, code := run(t, "keyring"); code != 1 || out != "" || !strings.HasPrefix(errs, "Usage: praetor keyring") {
		t.Errorf("no action: %d %s%s", code, out, errs)
	}
}

func TestUsageTables(t *testing.T) {
	const dc1 = `{"Services":4,"ServiceInstances":5,"ConnectServiceInstances":{"connect-proxy":1,"api-gateway":0},"BillableServiceInstances":3,"Nodes":3}`
	const dc2 = `{"Services":1,"ServiceInstances":1,"ConnectServiceInstances":{"connect-proxy":2},"BillableServiceInstances":0,"Nodes":1}`
	answer(t, map[string]string{
		"GET /v1/operator/usage":         `{"Usage":{"dc1":` + dc1 + `}}`,
		"GET /v1/operator/usage?global=": `{"Usage":{"dc1":` + dc1 + `,"dc2":` + dc2 + `}}`,
	})
	usage := []string{"operator", "usage", "instances"}
	const totals = "Billable Service Instances Total: 3\ndc1 Billable Service Instances: 3\n"
	const head, gap = "Nodes\nDatacenter      Count      \n", "                \n"
	want(t, 0, totals+"\nBillable Services\nServices      Service instances\n4             3\n\n\n"+
		head+"dc1             3\n"+gap+"Total           3\n\n\n"+
		"Connect Services\nType               Service instances\napi-gateway        0\nconnect-proxy      1\n", "", usage...)
	want(t, 0, totals+"dc2 Billable Service Instances: 0\n\n"+
		"Billable Services\nDatacenter      Services      Service instances\ndc1             4             3\ndc2             1             0\n"+gap+"Total           5             3\n\n\n"+
		head+"dc1             3\ndc2             1\n"+gap+"Total           4\n\n\n", "", append(usage, "-billable", "-all-datacenters")...)
	want(t, 0, "Connect Services\nDatacenter      Type               Service instances\ndc1             api-gateway        0\ndc1             connect-proxy      1\n"+
		"dc2             connect-proxy      2\n"+gap+"Total                              3\n", "", append(usage, "-connect", "-all-datacenters")...)
	want(t, 1, "", "Cannot specify both -billable and -connect flags\n", append(usage, "-connect", "-billable")...)
}

// TestKeyring: reference/cli.md §3.
func TestKeyring(t *testing.T) {
	play(t, `
$ keyring -list
< GET /v1/operator/keyring
> [{"WAN":false,"Datacenter":"dc1","Segment":"alpha","Messages":{"b":"no","a":"down"},"Keys":{"k=":2},"PrimaryKeys":{},"NumNodes":3}]
| ==> Gathering installed encryption keys...
|
| dc1 alpha (LAN):
|   a: down
|   b: no
|   k= [2/3]
$ keyring -list-primary -local-only
< GET /v1/operator/keyring?local-only=true
> [{"WAN":true,"Datacenter":"dc1","Keys":{"a=":1,"b=":1},"PrimaryKeys":{"b=":1},"NumNodes":1}]
| ==> Gathering installed primary encryption keys...
|
| WAN:
|   b= [1/1]
$ keyring -list -relay-factor=5
< GET /v1/operator/keyring?relay-factor=5
> 500 no keyring
| ==> Gathering installed encryption keys...
! error: Unexpected response code: 500 (no keyring)
= 1
$ keyring -install=k= -relay-factor=1
< POST /v1/operator/keyring?relay-factor=1 {"Key":"k="}
>
| ==> Installing new gossip encryption key...
$ keyring -use=k=
< PUT /v1/operator/keyring {"Key":"k="}
>
| ==> Changing primary gossip encryption key...
$ keyring -remove=k=
< DELETE /v1/operator/keyring {"Key":"k="}
>
| ==> Removing gossip encryption key...
$ keyring -list -relay-factor=-1
! Error parsing relay factor: Relay factor must be in range: [0, 5]
= 1
$ keyring -install=a -remove=b
! Only a single action is allowed
= 1
$ keyring
! Usage: praetor keyring [options]
…
= 1
`)
}
