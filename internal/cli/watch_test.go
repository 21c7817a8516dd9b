package cli_test

import "testing"

// TestWatchAsksWithItsParameters: reference/cli.md §4, watch.
func TestWatchAsksWithItsParameters(t *testing.T) {
	play(t, `
$ watch -type=key -key=a/b -datacenter=dc2 -token=t
< GET /v1/kv/a/b?dc=dc2 token=t
> [{"Key":"a/b","Value":"eA==","ModifyIndex":5}]
| {
|     "Key": "a/b",
|     "CreateIndex": 0,
|     "ModifyIndex": 5,
|     "LockIndex": 0,
|     "Flags": 0,
|     "Value": "eA==",
|     "Session": ""
| }
$ watch -type=key -key=none -stale
< GET /v1/kv/none?stale=
> 404
| null
$ watch -type=keyprefix -prefix=a/
< GET /v1/kv/a/?recurse=
> [{"Key":"a/b","Value":"eA=="}]
| [
|     {
|         "Key": "a/b",
…
|     }
| ]
$ watch -type=services -filter=f -stale
< GET /v1/catalog/services?filter=f&stale=
> {"web":["v1"],"consul":[]}
| {
|     "consul": [],
|     "web": [
|         "v1"
|     ]
| }
$ watch -type=nodes -filter=f
< GET /v1/catalog/nodes?filter=f
> [{"Node":"n1","Address":"10.0.0.1"}]
| [
|     {
…
|         "Node": "n1",
|         "Address": "10.0.0.1",
…
|     }
| ]
$ watch -type=service -service=web -tag=a -tag=b -passingonly=true -filter=f -stale
< GET /v1/health/service/web?filter=f&passing=1&stale=&tag=a&tag=b
> []
| []
$ watch -type=service -service=web -passingonly=false
< GET /v1/health/service/web
> []
| []
$ watch -type=checks -service=web -filter=f
< GET /v1/health/checks/web?filter=f
> []
| []
$ watch -type=checks -state=critical
< GET /v1/health/state/critical
> []
| []
$ watch -type=checks
< GET /v1/health/state/any
> []
| []
$ watch -type=event -name=deploy
< GET /v1/event/list?name=deploy
> [{"ID":"b54fe110-7af5-cafc-d1fb-afc8ba432b1c","Name":"deploy","Payload":"eA==","Version":1,"LTime":3}]
| [
|     {
|         "ID": "b54fe110-7af5-cafc-d1fb-afc8ba432b1c",
|         "Name": "deploy",
|         "Payload": "eA==",
…
|     }
| ]
$ watch -type=key -key=a 'cat; echo index $CONSUL_INDEX; exit 4'
< GET /v1/kv/a
> [{"Key":"a","Value":"eA==","ModifyIndex":5}]
| {"Key":"a","CreateIndex":0,"ModifyIndex":5,"LockIndex":0,"Flags":0,"Value":"eA==","Session":""}
| index 7
! Error executing handler: exit status 4
= 1
$ watch -type=key -key=a -shell=false sh -c 'echo one; exit 5'
< GET /v1/kv/a
> 404
| one
! Error executing handler: exit status 5
= 1
$ watch -type=services -bogus
! flag provided but not defined: -bogus
! Usage:
…
= 1
$ watch
! Watch type must be specified
!
! Usage: praetor watch [options] [CHILD...]
…
= 1
$ watch -type=connect_leaf
! Type connect_leaf is not supported in the CLI tool
= 1
$ watch -type=service
! Must specify a single service to watch
= 1
$ watch -type=keyprefix
! Must specify a single prefix to watch
= 1
`)
}
