package cli_test

import (
	"strings"
	"testing"
)

const (
	configRead  = "GET /v1/operator/autopilot/configuration"
	configWrite = "PUT /v1/operator/autopilot/configuration?cas=9"
	configText  = `{"CleanupDeadServers":true,"LastContactThreshold":"200ms","MaxTrailingLogs":250,"MinQuorum":0,"ServerStabilizationTime":"10s","RedundancyZoneTag":"","DisableUpgradeMigration":false,"UpgradeVersionTag":"","CreateIndex":4,"ModifyIndex":9}`
)

func TestAutopilotConfigurationIsChangedWhereAsked(t *testing.T) {
	a := answer(t, map[string]string{configRead: configText, configWrite: "true"})
	want(t, 0, "CleanupDeadServers = true\nLastContactThreshold = 200ms\nMaxTrailingLogs = 250\nMinQuorum = 0\nServerStabilizationTime = 10s\n"+
		"RedundancyZoneTag = \"\"\nDisableUpgradeMigration = false\nUpgradeVersionTag = \"\"\n", "", "operator", "autopilot", "get-config")
	set := []string{"operator", "autopilot", "set-config"}
	want(t, 0, "Configuration updated!\n", "", append(set, "-cleanup-dead-servers=false", "-min-quorum", "3", "-last-contact-threshold=1s")...)
	a.want(configRead, configRead, configWrite+` {"CleanupDeadServers":false,"LastContactThreshold":"1s","MaxTrailingLogs":250,"MinQuorum":3,"ServerStabilizationTime":"10s","RedundancyZoneTag":"","DisableUpgradeMigration":false,"UpgradeVersionTag":"","CreateIndex":4,"ModifyIndex":9}`)
	a.answers[configWrite] = "false"
	want(t, 1, "", "Configuration could not be atomically updated, please try again\n", set...)
	for flag, text := range map[string]string{
		"-max-trailing-logs=x":      `invalid value "x" for flag -max-trailing-logs: strconv.ParseUint: parsing "x": invalid syntax`,
		"-last-contact-threshold=5": `invalid value "5" for flag -last-contact-threshold: time: missing unit in duration "5"`,
	} {
		if _, errs, code := run(t, append(set, flag)...); code != 1 || !strings.HasPrefix(errs, text+"\n") {
			t.Errorf("%s: %d %s", flag, code, errs)
		}
	}
}

func TestAutopilotStateShowsZonesReplicasAndUpgrades(t *testing.T) {
	answer(t, map[string]string{"GET /v1/operator/autopilot/state": `{"Voters":[],"ReadReplicas":["u"],"Servers":{"u":{"ReadReplica":true,"RedundancyZone":"z","UpgradeVersion":"1.0","LastContact":"0s"}},
		"RedundancyZones":{"z":{"Servers":["a","c"],"Voters":["a"],"FailureTolerance":1}},"Upgrade":{"Status":"promoting","TargetVersion":"1.1","TargetVersionVoters":["a"]}}`})
	out, errs, code := run(t, "operator", "autopilot", "state")
	for _, text := range []string{
		"Voters:\nRead Replicas:\n   u\nRedundancy Zones:\n   z:\n      Failure Tolerance: 1\n      Voters:\n         a\n      Servers:\n         a\n         c\n" +
			"Upgrade:\n   Status:         promoting\n   Target Version: 1.1\n   Target Version Voters:\n      a\nServers:\n",
		"      Last Index:      0\n      Redundancy Zone: z\n      Upgrade Version: 1.0\n      Read Replica:    true\n      Meta\n",
	} {
		if code != 0 || !strings.Contains(out, text) {
			t.Errorf("%d %s, no %q in\n%s", code, errs, text, out)
		}
	}
}

func TestAutopilotStateIsShownAsABlock(t *testing.T) {
	answer(t, map[string]string{"GET /v1/operator/autopilot/state": `{"Healthy":true,"FailureTolerance":1,"OptimisticFailureTolerance":1,"Leader":"u2","Voters":["u1","u2"],"Servers":{
		"u2":{"ID":"u2","Name":"s2","Address":"10.0.0.2:8300","NodeStatus":"alive","Version":"1.22.7","LastContact":"0s","LastTerm":2,"LastIndex":145,"Healthy":true,"Status":"leader","Meta":{"b":"","a":"1"},"NodeType":"voter"},
		"u1":{"ID":"u1","Name":"s1","Address":"10.0.0.1:8300","NodeStatus":"failed","Version":"1.22.7","LastContact":"23ms","LastTerm":2,"LastIndex":140,"Healthy":false,"Status":"voter","NodeType":"voter"}}}`})
	want(t, 0, `Healthy:                      true
Failure Tolerance:            1
Optimistic Failure Tolerance: 1
Leader:                       u2
Voters:
   u1
   u2
Servers:
   u1
      Name:            s1
      Address:         10.0.0.1:8300
      Version:         1.22.7
      Status:          voter
      Node Type:       voter
      Node Status:     failed
      Healthy:         false
      Last Contact:    23ms
      Last Term:       2
      Last Index:      140
      Meta
   u2
      Name:            s2
      Address:         10.0.0.2:8300
      Version:         1.22.7
      Status:          leader
      Node Type:       voter
      Node Status:     alive
      Healthy:         true
      Last Contact:    0s
      Last Term:       2
      Last Index:      145
      Meta
         "a": "1"
         "b": ""

`, "", "operator", "autopilot", "state")
	want(t, 1, "", "Unknown format: table\n", "operator", "autopilot", "state", "-format=table")
	if out, _, code := run(t, "operator", "autopilot", "state", "-format=json"); code != 0 || !strings.HasPrefix(out, "{\n    \"Healthy\": true,\n") {
		t.Errorf("json: %d %s", code, out)
	}
}

func TestPeersAreRemovedByOneOfIDAndAddress(t *testing.T) {
	a := answer(t, map[string]string{
		"DELETE /v1/operator/raft/peer?address=10.0.0.3%3A8300": "",
		"DELETE /v1/operator/raft/peer?id=nope":                 `!id "nope" was not found in the Raft configuration`,
		"POST /v1/operator/raft/transfer-leader?id=u":           "!cannot find peer",
	})
	remove := []string{"operator", "raft", "remove-peer"}
	want(t, 1, "", "Error removing peer: an address or id is required for the peer to remove\n", remove...)
	want(t, 1, "", "Error removing peer: cannot give both an address and id\n", append(remove, "-id=a", "-address=b")...)
	want(t, 0, "Removed peer with address \"10.0.0.3:8300\"\n", "", append(remove, "-address=10.0.0.3:8300")...)
	want(t, 1, "", "Error removing peer: Unexpected response code: 500 (id \"nope\" was not found in the Raft configuration)\n", append(remove, "-id=nope")...)
	want(t, 1, "", "Error transfering leadership: Failed to transfer leadership Unexpected response code: 500 (cannot find peer)\n", "operator", "raft", "transfer-leader", "-id=u")
	if len(a.asked) != 3 {
		t.Errorf("asked %q", a.asked)
	}
}

// TestOperatorRaft: reference/cli.md §8.
func TestOperatorRaft(t *testing.T) {
	play(t, `
$ operator raft list-peers
< GET /v1/operator/raft/configuration
> {"Servers":[{"ID":"u1","Node":"s1","Address":"10.0.0.1:8300","Leader":true,"Voter":true,"ProtocolVersion":"3","LastIndex":145},
> {"ID":"u2","Node":"s2","Address":"10.0.0.2:8300","Leader":false,"Voter":true,"ProtocolVersion":"3","LastIndex":144},
> {"ID":"u3","Node":"(unknown)","Address":"10.0.0.3:8300","Leader":false,"Voter":false,"ProtocolVersion":"","LastIndex":0}],"Index":1}
| Node       ID  Address        State     Voter  RaftProtocol  Commit Index  Trails Leader By
| s1         u1  10.0.0.1:8300  leader    true   3             145           -
| s2         u2  10.0.0.2:8300  follower  true   3             144           1 commit
| (unknown)  u3  10.0.0.3:8300  follower  false  unknown       0             145 commits
$ operator raft list-peers -stale -datacenter=dc2
< GET /v1/operator/raft/configuration?dc=dc2&stale=
> {"Servers":[]}
| Node  ID  Address  State  Voter  RaftProtocol  Commit Index  Trails Leader By
$ operator raft list-peers
< GET /v1/operator/raft/configuration
> 500 No cluster leader
! Error getting peers: Failed to retrieve raft configuration: Unexpected response code: 500 (No cluster leader)
= 1
$ operator raft remove-peer -id=u1
< DELETE /v1/operator/raft/peer?id=u1
>
| Removed peer with id "u1"
$ operator raft remove-peer -address=10.0.0.9:1
< DELETE /v1/operator/raft/peer?address=10.0.0.9%3A1
> 500 address "10.0.0.9:1" was not found in the Raft configuration
! Error removing peer: Unexpected response code: 500 (address "10.0.0.9:1" was not found in the Raft configuration)
= 1
$ operator raft transfer-leader
< POST /v1/operator/raft/transfer-leader
> {"Success":true}
| Success
$ operator raft transfer-leader -id=u2
< POST /v1/operator/raft/transfer-leader?id=u2
> {"Success":false}
! Error transfering leadership: Failed to transfer leadership
= 1
$ operator raft transfer-leader -bogus
! flag provided but not defined: -bogus
! Usage:
…
! Failed to parse args: flag provided but not defined: -bogus
= 1
`)
}

func TestOperatorAutopilot(t *testing.T) {
	const conf = `{"CleanupDeadServers":true,"LastContactThreshold":"200ms","MaxTrailingLogs":250,"MinQuorum":0,"ServerStabilizationTime":"10s","RedundancyZoneTag":"","DisableUpgradeMigration":false,"UpgradeVersionTag":"","CreateIndex":4,"ModifyIndex":9}`
	play(t, `
$ operator autopilot get-config -stale
< GET /v1/operator/autopilot/configuration?stale=
> `+conf+`
| CleanupDeadServers = true
…
$ operator autopilot get-config
< GET /v1/operator/autopilot/configuration
> 500 no
! Error querying Autopilot configuration: Unexpected response code: 500 (no)
= 1
$ operator autopilot set-config -max-trailing-logs=1 -min-quorum=0x3 -server-stabilization-time=1m
< GET /v1/operator/autopilot/configuration
> `+conf+`
< PUT /v1/operator/autopilot/configuration?cas=9 {"CleanupDeadServers":true,"LastContactThreshold":"200ms","MaxTrailingLogs":1,"MinQuorum":3,"ServerStabilizationTime":"1m0s",…}
> true
| Configuration updated!
$ operator autopilot set-config -redundancy-zone-tag=z -disable-upgrade-migration -upgrade-version-tag=v -last-contact-threshold=9s
< GET /v1/operator/autopilot/configuration
> `+conf+`
< PUT /v1/operator/autopilot/configuration?cas=9 {"CleanupDeadServers":true,"LastContactThreshold":"9s",…"RedundancyZoneTag":"z","DisableUpgradeMigration":true,"UpgradeVersionTag":"v",…}
> true
| Configuration updated!
$ operator autopilot set-config
< GET /v1/operator/autopilot/configuration
> 403 no
! Error querying Autopilot configuration: Unexpected response code: 403 (no)
= 1
$ operator autopilot set-config
< GET /v1/operator/autopilot/configuration
> `+conf+`
< PUT /v1/operator/autopilot/configuration?cas=9 …
> 403 no
! Error setting Autopilot configuration: Unexpected response code: 403 (no)
= 1
$ operator autopilot state -stale
< GET /v1/operator/autopilot/state?stale=
> 500 no
! Error querying Autopilot state: Unexpected response code: 500 (no)
= 1
$ operator autopilot state -format=json
< GET /v1/operator/autopilot/state
> {"Healthy":false,"Voters":[],"Servers":{}}
| {
|     "Healthy": false,
…
| }
$ operator usage instances -stale
< GET /v1/operator/usage?stale=
> 500 no
! Error fetching usage information: Unexpected response code: 500 (no)
= 1
`)
}
