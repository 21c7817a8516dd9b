package cli_test

import "testing"

// TestConfigWrite: reference/cli.md §10.
func TestConfigWrite(t *testing.T) {
	play(t, `
$ config write web.hcl
+ web.hcl Kind = "service-defaults"\nName = "web"\nProtocol = "http"
< PUT /v1/config {"Kind":"service-defaults","Name":"web","Protocol":"http",…}
> true
| Config entry written: service-defaults/web
$ config write -
. {"kind":"service-defaults","name":"web","max_inbound_connections":5}
< PUT /v1/config {"Kind":"service-defaults","Name":"web",…"MaxInboundConnections":5}
> true
| Config entry written: service-defaults/web
$ config write -cas -modify-index=5 -datacenter=dc2 web.hcl
+ web.hcl Kind = "service-defaults"\nName = "web"
< PUT /v1/config?cas=5&dc=dc2 …
> true
| Config entry written: service-defaults/web
$ config write -cas web.hcl
+ web.hcl Kind = "service-defaults"\nName = "web"
< PUT /v1/config?cas=0 …
> false
! Config entry not updated: service-defaults/web
= 1
$ config write web.hcl
+ web.hcl Kind = "service-defaults"\nName = "web"
< PUT /v1/config …
> 500 bad
! Error writing config entry service-defaults/web: Unexpected response code: 500 (bad)
= 1
$ config write m.hcl
+ m.hcl Kind = "mesh"\nTransparentProxy { MeshDestinationsOnly = true }
< PUT /v1/config {"Kind":"mesh","TransparentProxy":{"MeshDestinationsOnly":true}}
> true
| Config entry written: mesh/mesh
$ config write p.hcl
+ p.hcl Kind = "proxy-defaults"\nName = "global"\nConfig { protocol = "http" }
< PUT /v1/config {"Kind":"proxy-defaults","Name":"global","Config":{"protocol":"http"},…}
> true
| Config entry written: proxy-defaults/global
$ config write p.hcl
+ p.hcl Kind = "service-defaults"\nName = "web"\nMutualTLSMode = "permissive"
< PUT /v1/config …
> true
| Config entry written: service-defaults/web
! WARNING: MutualTLSMode=permissive …
$ config write m.hcl
+ m.hcl Kind = "mesh"\nAllowEnablingPermissiveMutualTLS = true
< PUT /v1/config …
> true
| Config entry written: mesh/mesh
! WARNING: AllowEnablingPermissiveMutualTLS=true …
$ config write -
. Kind = "service-defaults" Name = "web" Protocol = null
! Failed to decode config entry input: Failed to decode config entry input: …
= 1
$ config write p.hcl
+ p.hcl Kind = "service-defaults"\nName = "web"\nMutualTLSMode = "strict"
< PUT /v1/config …
> true
| Config entry written: service-defaults/web
$ config write bad.hcl
+ bad.hcl Kind = "service-defaults"\nName = "web"\nX = 1
! Failed to decode config entry input: 1 error occurred:
! 	* invalid config key "X"
!
!
= 1
$ config write bad.hcl
+ bad.hcl Kind = "foo"
! Failed to decode config entry input: invalid config entry kind: foo
= 1
$ config write bad.hcl
+ bad.hcl Name = "foo"
! Failed to decode config entry input: Payload does not contain a kind/Kind key at the top level
= 1
$ config write none.hcl
! Failed to load data: Failed to read file: open none.hcl: no such file or directory
= 1
$ config write ''
! Failed to load data: must specify a file path or '-' for stdin
= 1
$ config write
! Must provide exactly one positional argument to specify the config entry to write
= 1
$ config write a b
! Must provide exactly one positional argument to specify the config entry to write
= 1
`)
}

func TestConfigReadListAndDelete(t *testing.T) {
	play(t, `
$ config read -kind=service-defaults -name=web -stale
< GET /v1/config/service-defaults/web?stale=
> {"Kind":"service-defaults","Name":"web","Protocol":"http","CreateIndex":3,"ModifyIndex":4}
| {
|     "Kind": "service-defaults",
|     "Name": "web",
|     "Protocol": "http",
…
|     "CreateIndex": 3,
|     "ModifyIndex": 4
| }
$ config read -kind=service-defaults -name=none
< GET /v1/config/service-defaults/none
> 404 Config entry not found for "service-defaults" / "none"
! Error reading config entry service-defaults/none: Unexpected response code: 404 (Config entry not found for "service-defaults" / "none")
= 1
$ config read -name=web
! Must specify the -kind parameter
= 1
$ config read -kind=service-defaults
! Must specify the -name parameter
= 1
$ config list -kind=service-defaults -filter=x -namespace=n -partition=p
< GET /v1/config/service-defaults?filter=x&ns=n&partition=p
> [{"Kind":"service-defaults","Name":"web"},{"Kind":"service-defaults","Name":"db"}]
| web
| db
$ config list -kind=mesh
< GET /v1/config/mesh
> [{"Kind":"mesh","TransparentProxy":{}}]
| mesh
$ config list -kind=service-defaults
< GET /v1/config/service-defaults
> []
$ config list -kind=bogus
< GET /v1/config/bogus
> 500 invalid config entry kind: bogus
! Error listing config entries for kind "bogus": Unexpected response code: 500 (invalid config entry kind: bogus)
= 1
$ config list
! Must specify the -kind parameter
= 1
$ config delete -kind=service-defaults -name=web
< DELETE /v1/config/service-defaults/web
> {}
| Config entry deleted: service-defaults/web
$ config delete -filename=web.json
+ web.json {"Kind":"service-defaults","Name":"web"}
< DELETE /v1/config/service-defaults/web
> {}
| Config entry deleted: service-defaults/web
$ config delete -filename=p.hcl
+ p.hcl Kind = "proxy-defaults"
< DELETE /v1/config/proxy-defaults/global
> {}
| Config entry deleted: proxy-defaults/global
$ config delete -kind=service-defaults -name=web -cas -modify-index=7
< DELETE /v1/config/service-defaults/web?cas=7
> true
| Config entry deleted: service-defaults/web
$ config delete -kind=service-defaults -name=web -cas -modify-index=7
< DELETE /v1/config/service-defaults/web?cas=7
> false
! Config entry not deleted: service-defaults/web
= 1
$ config delete -kind=service-defaults -name=web
< DELETE /v1/config/service-defaults/web
> 500 needed
! Error deleting config entry service-defaults/web: Unexpected response code: 500 (needed)
= 1
$ config delete -filename=web.json -kind=mesh
! -filename can't be used with -kind or -name
= 1
$ config delete -filename=none.json
! Failed to load data: Failed to read file: open none.json: no such file or directory
= 1
$ config delete -name=web
! Must specify the -kind parameter
= 1
$ config delete -kind=mesh
! Must specify the -name parameter
= 1
`)
}

// TestConfigWriteReadsEveryKind from HCL as people write it, blocks and all.
func TestConfigWriteReadsEveryKind(t *testing.T) {
	play(t, `
$ config write e.hcl
+ e.hcl kind = "service-defaults"\nname = "web"\nprotocol = "http"\nmesh_gateway { mode = "local" }\nexpose { checks = true\n paths = [{ path = "/m" listener_port = 1 }] }\nupstream_config { defaults { connect_timeout_ms = 5 } }
< PUT /v1/config {"Kind":"service-defaults","Name":"web","Protocol":"http","TransparentProxy":{},"MeshGateway":{"Mode":"local"},"Expose":{"Checks":true,"Paths":[{"ListenerPort":1,"Path":"/m"}]},"UpstreamConfig":{"Defaults":{"Peer":"","ConnectTimeoutMs":5,"MeshGateway":{}}}}
> true
| Config entry written: service-defaults/web
$ config write e.hcl
+ e.hcl Kind = "proxy-defaults"\nName = "global"\nConfig { protocol = "http"\n deep { a = 1 } }\nAccessLogs { Enabled = true }
< PUT /v1/config {"Kind":"proxy-defaults","Name":"global","Config":{"deep":{"a":1},"protocol":"http"},"TransparentProxy":{},"MeshGateway":{},"Expose":{},"AccessLogs":{"Enabled":true}}
> true
| Config entry written: proxy-defaults/global
$ config write e.hcl
+ e.hcl Kind = "service-router"\nName = "web"\nRoutes = [{ Match { HTTP { PathPrefix = "/a" } } Destination { Service = "b" RequestTimeout = "5s" } }]
< PUT /v1/config {"Kind":"service-router","Name":"web","Routes":[{"Match":{"HTTP":{"PathPrefix":"/a"}},"Destination":{"Service":"b","RequestTimeout":"5s"}}]}
> true
| Config entry written: service-router/web
$ config write e.hcl
+ e.hcl Kind = "service-splitter"\nName = "web"\nSplits = [{ Weight = 90.5 }, { Weight = 9.5 Service = "b" }]
< PUT /v1/config {"Kind":"service-splitter","Name":"web","Splits":[{"Weight":90.5},{"Weight":9.5,"Service":"b"}]}
> true
| Config entry written: service-splitter/web
$ config write e.hcl
+ e.hcl Kind = "service-resolver"\nName = "web"\nDefaultSubset = "v1"\nSubsets { v1 { Filter = "x" } }\nFailover { "*" { Datacenters = ["dc2"] } }\nConnectTimeout = "3s"
< PUT /v1/config {"Kind":"service-resolver","Name":"web","DefaultSubset":"v1","Subsets":{"v1":{"Filter":"x"}},"Failover":{"*":{"Datacenters":["dc2"]}},"ConnectTimeout":"3s"}
> true
| Config entry written: service-resolver/web
$ config write e.hcl
+ e.hcl Kind = "service-intentions"\nName = "db"\nSources = [{ Name = "web" Permissions = [{ Action = "allow" HTTP { PathExact = "/x" } }] }]
< PUT /v1/config {"Kind":"service-intentions","Name":"db","Sources":[{"Name":"web","Permissions":[{"Action":"allow","HTTP":{"PathExact":"/x"}}],"Precedence":0,"Type":""}]}
> true
| Config entry written: service-intentions/db
$ config write e.hcl
+ e.hcl Kind = "ingress-gateway"\nName = "in"\nListeners = [{ Port = 80 Protocol = "http" Services = [{ Name = "*" }] }]
< PUT /v1/config {"Kind":"ingress-gateway","Name":"in","TLS":{"Enabled":false},"Listeners":[{"Port":80,"Protocol":"http","Services":[{"Name":"*","Hosts":null}]}]}
> true
| Config entry written: ingress-gateway/in
$ config write e.hcl
+ e.hcl Kind = "terminating-gateway"\nName = "out"\nServices = [{ Name = "a" SNI = "s" }]
< PUT /v1/config {"Kind":"terminating-gateway","Name":"out","Services":[{"Name":"a","SNI":"s"}]}
> true
| Config entry written: terminating-gateway/out
$ config write e.hcl
+ e.hcl Kind = "exported-services"\nName = "default"\nServices = [{ Name = "a" Consumers = [{ Peer = "p" }] }]
< PUT /v1/config {"Kind":"exported-services","Name":"default","Services":[{"Name":"a","Consumers":[{"Peer":"p"}]}]}
> true
| Config entry written: exported-services/default
$ config write e.hcl
+ e.hcl Kind = "tcp-route"\nName = "r"\nParents = [{ Name = "g" }]\nServices = [{ Name = "a" }]
< PUT /v1/config {"Kind":"tcp-route","Name":"r","Parents":[{"Kind":"","Name":"g","SectionName":""}],"Services":[{"Name":"a"}],"Status":{"Conditions":null}}
> true
| Config entry written: tcp-route/r
$ config write e.hcl
+ e.hcl Kind = "file-system-certificate"\nName = "c"\nCertificate = "/c"\nPrivateKey = "/k"
< PUT /v1/config {"Kind":"file-system-certificate","Name":"c","Certificate":"/c","PrivateKey":"/k"}
> true
| Config entry written: file-system-certificate/c
$ config write e.hcl
+ e.hcl Kind = "jwt-provider"\nName = "j"\nIssuer = "i"\nJSONWebKeySet { Remote { URI = "https://x" CacheDuration = "1m" } }
< PUT /v1/config {"Kind":"jwt-provider","Name":"j","JSONWebKeySet":{"Remote":{"URI":"https://x","CacheDuration":60000000000}},"Issuer":"i"}
> true
| Config entry written: jwt-provider/j
$ config write e.hcl
+ e.hcl Kind = "mesh"\nTLS { Incoming { TLSMinVersion = "TLSv1_2" } }
< PUT /v1/config {"Kind":"mesh","TransparentProxy":{"MeshDestinationsOnly":false},"TLS":{"Incoming":{"TLSMinVersion":"TLSv1_2"}}}
> true
| Config entry written: mesh/mesh
`)
}
