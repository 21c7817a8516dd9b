package cli_test

import "testing"

// members is what gossip knows in the tests: two servers, clients of two
// segments, and two that are odd; as lines of an answer.
const members = `[{"Name":"c2","Addr":"10.0.0.4","Port":8301,"Status":4,"Tags":{"role":"node","build":"1.22.7:abc","vsn":"2","dc":"dc1","segment":"alpha"}},
> {"Name":"c1","Addr":"10.0.0.3","Port":8301,"Status":3,"Tags":{"role":"node","build":"1.22.7","vsn":"2","dc":"dc1"}},
> {"Name":"s2","Addr":"fd00::2","Port":8301,"Status":2,"Tags":{"role":"consul","build":"1.22.7:abc","vsn":"2","dc":"dc1","segment":""}},
> {"Name":"s1","Addr":"10.0.0.1","Port":8301,"Status":1,"Tags":{"role":"consul","build":"1.22.7:abc","vsn":"2","dc":"dc1","segment":""}},
> {"Name":"x","Addr":"10.0.0.9","Port":8301,"Status":0,"Tags":{}},
> {"Name":"y","Addr":"10.0.0.9","Port":8302,"Status":9,"Tags":{"role":"node","ap":"east"}}]`

// TestMembers: reference/cli.md §3.
func TestMembers(t *testing.T) {
	play(t, `
$ members
< GET /v1/agent/members?segment=_all
> `+members+`
| Node  Address         Status             Type     Build   Protocol  DC   Partition  Segment
| x     10.0.0.9:8301   none               unknown                         default    <default>
| s1    10.0.0.1:8301   alive              server   1.22.7  2         dc1  default    <all>
| s2    [fd00::2]:8301  leaving            server   1.22.7  2         dc1  default    <all>
| c1    10.0.0.3:8301   left               client   1.22.7  2         dc1  default    <default>
| c2    10.0.0.4:8301   failed             client   1.22.7  2         dc1  default    alpha
| y     10.0.0.9:8302   unknown status: 9  client                          east       <default>
$ members -status=^l -filter=x -segment=alpha
< GET /v1/agent/members?filter=x&segment=alpha
> `+members+`
| Node  Address         Status   Type    Build   Protocol  DC   Partition  Segment
| s2    [fd00::2]:8301  leaving  server  1.22.7  2         dc1  default    <all>
| c1    10.0.0.3:8301   left     client  1.22.7  2         dc1  default    <default>
$ members -detailed -status=alive|failed
< GET /v1/agent/members?segment=_all
> `+members+`
| Node  Address        Status  Tags
| s1    10.0.0.1:8301  alive   ap=default,build=1.22.7:abc,dc=dc1,role=consul,segment=<all>,vsn=2
| c2    10.0.0.4:8301  failed  ap=default,build=1.22.7:abc,dc=dc1,role=node,segment=alpha,vsn=2
$ members -wan -token=t these words are ignored
< GET /v1/agent/members?segment=&wan=1 token=t
> [{"Name":"s1.dc1","Addr":"10.0.0.1","Port":8302,"Status":1,"Tags":{"role":"consul","build":"1.22.7","vsn":"2","dc":"dc1"}}]
| Node    Address        Status  Type    Build   Protocol  DC   Partition  Segment
| s1.dc1  10.0.0.1:8302  alive   server  1.22.7  2         dc1  default    <all>
$ members -status=none -partition=p
< GET /v1/agent/members?partition=p&segment=_all
> []
= 2
$ members -status=[
! Failed to compile status regexp: error parsing regexp: missing closing ]: …[…
= 1
$ members
< GET /v1/agent/members?segment=_all
> 403 Permission denied
! Error retrieving members: Unexpected response code: 403 (Permission denied)
= 1
`)
}

func TestJoinLeaveAndForceLeave(t *testing.T) {
	play(t, `
$ join 10.0.0.1 10.0.0.2:8301
< PUT /v1/agent/join/10.0.0.1
>
< PUT /v1/agent/join/10.0.0.2:8301
>
| Successfully joined cluster by contacting 2 nodes.
$ join -wan 10.0.0.1 nowhere
< PUT /v1/agent/join/10.0.0.1?wan=1
>
< PUT /v1/agent/join/nowhere?wan=1
> 500 no such host
| Successfully joined cluster by contacting 1 nodes.
! Error joining address 'nowhere': Unexpected response code: 500 (no such host)
$ join nowhere
< PUT /v1/agent/join/nowhere
> 500 no such host
! Error joining address 'nowhere': Unexpected response code: 500 (no such host)
! Failed to join any nodes.
= 1
$ join
! At least one address to join must be specified.
!
! Usage: praetor join …
…
= 1
$ leave
< PUT /v1/agent/leave
>
| Graceful leave complete
$ leave
< PUT /v1/agent/leave
> 403 Permission denied
! Error leaving: Unexpected response code: 403 (Permission denied)
= 1
$ leave now
| Usage: praetor leave [options]
…
! Error found unexpected args: [now]
= 1
$ force-leave n1
< PUT /v1/agent/force-leave/n1
>
$ force-leave -prune n1
< PUT /v1/agent/force-leave/n1?prune=1
>
$ force-leave -wan -prune n1.dc2
< PUT /v1/agent/force-leave/n1.dc2?prune=1&wan=1
>
$ force-leave x
< PUT /v1/agent/force-leave/x
> 500 agent: No node found with name 'x'
! Error force leaving: Unexpected response code: 500 (agent: No node found with name 'x')
= 1
$ force-leave
! A single node name must be specified to force leave.
!
! Usage: praetor force-leave …
…
= 1
$ force-leave a b
! A single node name must be specified to force leave.
…
= 1
`)
}

func TestInfoReloadAndMonitor(t *testing.T) {
	play(t, `
$ info
< GET /v1/agent/self
> {"Config":{},"Stats":{"raft":{"term":"2","state":"Leader"},"agent":{"checks":"0"},"build":{"prerelease":""},"empty":{}}}
| agent:
| 	checks = 0
| build:
| 	prerelease = 
| empty:
| raft:
| 	state = Leader
| 	term = 2
$ info ignored
< GET /v1/agent/self
> {"Config":{},"Member":{}}
! Agent response did not contain 'Stats' key: [Config Member]
= 1
$ info
< GET /v1/agent/self
> 500 no
! Error querying agent: Unexpected response code: 500 (no)
= 1
$ reload ignored
< PUT /v1/agent/reload
>
| Configuration reload triggered
$ reload
< PUT /v1/agent/reload
> 500 a.hcl:1: unknown key
! Error reloading: Unexpected response code: 500 (a.hcl:1: unknown key)
= 1
$ monitor -log-level=trace
< GET /v1/agent/monitor?loglevel=trace
> one
> two
| one
| two
!
! Remote side ended the monitor! This usually means that the
! remote side has exited or crashed.
= 1
`)
}

func TestRTT(t *testing.T) {
	play(t, `
$ rtt a b
< GET /v1/coordinate/nodes
> 500 no leader
! Error getting coordinates: Unexpected response code: 500 (no leader)
= 1
$ rtt -wan a.dc1 b.dc2
< GET /v1/coordinate/datacenters
> 500 no
! Error getting coordinates: Unexpected response code: 500 (no)
= 1
$ rtt a
< GET /v1/agent/self
> 403 no
! Unable to look up agent info: Unexpected response code: 403 (no)
= 1
$ rtt -wan a.dc1
< GET /v1/agent/self
> {"Config":{"NodeName":"n"}}
< GET /v1/agent/self
> {"Config":{"NodeName":"n"}}
! Unable to look up agent info: the agent does not say its datacenter
= 1
$ rtt a b
< GET /v1/coordinate/nodes
> [{"Node":"a","Coord":null},{"Node":"b","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Height":0.00001}}]
! Could not find a coordinate for node "a"
= 1
`)
}
