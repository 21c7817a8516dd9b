package cli_test

import "testing"

// TestListsAsJSON: whatever is listed is there for programs too, in the API's own words.
func TestListsAsJSON(t *testing.T) {
	play(t, `
$ members -format=json -status=alive
< GET /v1/agent/members?segment=_all
> [{"Name":"a","Addr":"10.0.0.1","Port":8301,"Status":1},{"Name":"b","Status":4}]
| [
|     {
|         "Name": "a",
|         "Addr": "10.0.0.1",
|         "Port": 8301,
…
$ members -format=json -status=left
< GET /v1/agent/members?segment=_all
> [{"Name":"a","Status":1}]
| []
$ members -format=xml
! Unknown format: xml
= 1
$ catalog datacenters -format=json
< GET /v1/catalog/datacenters
> ["dc2","dc1"]
| [
|     "dc2",
|     "dc1"
| ]
$ catalog nodes -format=json
< GET /v1/catalog/nodes
> []
| []
$ catalog services -format=json
< GET /v1/catalog/services
> {"web":["v1"]}
| {
|     "web": [
|         "v1"
|     ]
| }
$ kv get -format=json a
< GET /v1/kv/a
> [{"Key":"a","Value":"Yg==","ModifyIndex":5}]
| {
|     "Key": "a",
|     "CreateIndex": 0,
|     "ModifyIndex": 5,
|     "LockIndex": 0,
|     "Flags": 0,
|     "Value": "Yg==",
|     "Session": ""
| }
$ kv get -format=json -keys
< GET /v1/kv/?keys=&separator=%2F
> ["a","b/"]
| [
|     "a",
|     "b/"
| ]
$ kv get -format=json -recurse b
< GET /v1/kv/b?recurse=
> 404
| []
$ info -format=json
< GET /v1/agent/self
> {"Stats":{"raft":{"term":"2"}}}
| {
|     "raft": {
|         "term": "2"
|     }
| }
$ operator raft list-peers -format=json
< GET /v1/operator/raft/configuration
> {"Servers":[{"ID":"u1","Node":"s1","Leader":true,"Voter":true}],"Index":7}
| {
|     "Servers": [
|         {
|             "ID": "u1",
…
$ config list -kind=service-defaults -format=json
< GET /v1/config/service-defaults
> []
| []
$ intention list -format=json
< GET /v1/connect/intentions
> []
| []
$ operator usage instances -format=json
< GET /v1/operator/usage
> {"Usage":{"dc1":{"Services":1}}}
| {
|     "dc1": {
|         "Nodes": 0,
|         "Services": 1,
…
$ keyring -list -format=json
< GET /v1/operator/keyring
> [{"Datacenter":"dc1","Keys":{"k":1},"NumNodes":1}]
| [
|     {
|         "WAN": false,
|         "Datacenter": "dc1",
…
$ operator autopilot state -format=bogus
! Unknown format: bogus
= 1
`)
}
