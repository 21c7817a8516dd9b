package cli_test

import "testing"

// nodes is what the catalog knows, as lines of an answer.
const nodes = `[{"ID":"40e4a748-2192-161a-0510-9bf59fe950b5","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1","TaggedAddresses":{"wan":"1.2.3.4","lan":"10.0.0.1"},"Meta":{"b":"2","a":"1"}},
> {"ID":"","Node":"outside","Address":"10.9.9.9","Datacenter":"dc1","TaggedAddresses":null,"Meta":null}]`

const instancesOfWeb = `[{"ID":"u1","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1","TaggedAddresses":{"lan":"10.0.0.1"},"NodeMeta":{"a":"1"},"ServiceName":"web","ServiceID":"w1"},
> {"ID":"u1","Node":"n1","Address":"10.0.0.1","Datacenter":"dc1","ServiceName":"web","ServiceID":"w2"},
> {"ID":"u2","Node":"n2","Address":"10.0.0.2","Datacenter":"dc1","ServiceName":"web","ServiceID":"w1"}]`

// TestCatalog: reference/cli.md §6.
func TestCatalog(t *testing.T) {
	play(t, `
$ catalog datacenters
< GET /v1/catalog/datacenters
> ["dc2","dc1"]
| dc2
| dc1
$ catalog datacenters
< GET /v1/catalog/datacenters
> 500 no
! Error listing datacenters: Unexpected response code: 500 (no)
= 1
$ catalog datacenters x
! Too many arguments (expected 0, got 1)
= 1
$ catalog nodes
< GET /v1/catalog/nodes
> `+nodes+`
| Node     ID        Address   DC
| n1       40e4a748  10.0.0.1  dc1
| outside            10.9.9.9  dc1
$ catalog nodes -detailed
< GET /v1/catalog/nodes
> `+nodes+`
| Node     ID                                    Address   DC   TaggedAddresses            Meta
| n1       40e4a748-2192-161a-0510-9bf59fe950b5  10.0.0.1  dc1  lan=10.0.0.1, wan=1.2.3.4  a=1, b=2
| outside                                        10.9.9.9  dc1                             
$ catalog nodes -filter=x -near=_agent -node-meta=a=1 -stale -datacenter=dc2 -partition=p
< GET /v1/catalog/nodes?dc=dc2&filter=x&near=_agent&node-meta=a%3A1&partition=p&stale=
> []
! No nodes match the given query - try expanding your search.
$ catalog nodes -service=web
< GET /v1/catalog/service/web
> `+instancesOfWeb+`
| Node  ID  Address   DC
| n1    u1  10.0.0.1  dc1
| n2    u2  10.0.0.2  dc1
$ catalog nodes -service=web -detailed -near=n2 -filter=f
< GET /v1/catalog/service/web?filter=f&near=n2
> `+instancesOfWeb+`
| Node  ID  Address   DC   TaggedAddresses  Meta
| n1    u1  10.0.0.1  dc1  lan=10.0.0.1     a=1
| n2    u2  10.0.0.2  dc1                   
$ catalog nodes -service=none
< GET /v1/catalog/service/none
> []
! No nodes match the given query - try expanding your search.
$ catalog nodes
< GET /v1/catalog/nodes
> 500 No cluster leader
! Error listing nodes: Unexpected response code: 500 (No cluster leader)
= 1
$ catalog nodes -service=web
< GET /v1/catalog/service/web
> 500 No cluster leader
! Error listing nodes: Unexpected response code: 500 (No cluster leader)
= 1
$ catalog nodes x y
! Too many arguments (expected 0, got 2)
= 1
$ catalog services
< GET /v1/catalog/services
> {"web":["v2","v1"],"consul":[],"db":null}
| consul
| db
| web
$ catalog services -tags
< GET /v1/catalog/services
> {"web":["v2","v1"],"consul":[]}
| consul      
| web         v1,v2
$ catalog services -tags
< GET /v1/catalog/services
> {"web":[],"consul":[]}
| consul      
| web
$ catalog services -node-meta=a=1 -node-meta=b=2 -namespace=n -partition=p
< GET /v1/catalog/services?node-meta=a%3A1&node-meta=b%3A2&ns=n&partition=p
> {}
! No services match the given query - try expanding your search.
$ catalog services -node=n1 -tags
< GET /v1/catalog/node/n1
> {"Node":{"Node":"n1"},"Services":{"w1":{"ID":"w1","Service":"web","Tags":["b","a"]},"w2":{"ID":"w2","Service":"web","Tags":["a","c"]},"d":{"ID":"d","Service":"db"}}}
| db       
| web      a,a,b,c
$ catalog services -node=none
< GET /v1/catalog/node/none
> null
! No services match the given query - try expanding your search.
$ catalog services -node=n1
< GET /v1/catalog/node/n1
> 500 no
! Error listing services: Unexpected response code: 500 (no)
= 1
$ catalog services
< GET /v1/catalog/services
> 403 no
! Error listing services: Unexpected response code: 403 (no)
= 1
$ catalog services x
! Too many arguments (expected 0, got 1)
= 1
`)
}
