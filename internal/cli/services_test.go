package cli_test

import (
	"strings"
	"testing"
)

// TestServicesRegister: reference/cli.md §6.
func TestServicesRegister(t *testing.T) {
	play(t, `
$ services register -name=web
< PUT /v1/agent/service/register {"Name":"web",…}
>
| Registered service: web
$ services register -name=web -id=w1 -address=10.0.0.1 -port=8080 -tag=a,b -tag=c -meta=k=v -meta=e= -kind=connect-proxy -tagged-address=lan=10.0.0.2:81
< PUT /v1/agent/service/register {"Kind":"connect-proxy","ID":"w1","Name":"web","Tags":["a,b","c"],"Port":8080,"Address":"10.0.0.1","TaggedAddresses":{"lan":{"Address":"10.0.0.2","Port":81}},"Meta":{"e":"","k":"v"},…}
>
| Registered service: web
$ services register -name=web -socket=/run/web.sock
< PUT /v1/agent/service/register {"Name":"web","SocketPath":"/run/web.sock",…}
>
| Registered service: web
$ services register a.hcl b.json
+ a.hcl service { id = "w1" name = "web" port = 80 tags = ["x"] meta { k = "v" } weights { passing = 3 warning = 2 } enable_tag_override = true check { ttl = "10s" } }
+ b.json {"services":[{"name":"db","address":"10.0.0.3","tagged_addresses":{"wan":{"address":"1.2.3.4","port":5}},"checks":[{"http":"http://x","interval":"5s","timeout":"1s","method":"PUT","header":{"A":["b"]},"tls_skip_verify":true}]}]}
< PUT /v1/agent/service/register {"ID":"w1","Name":"web","Tags":["x"],"Port":80,"EnableTagOverride":true,"Meta":{"k":"v"},"Weights":{"Passing":3,"Warning":2},"Check":null,"Checks":[{"CheckID":"service:w1","Name":"Service 'web' check",…"TTL":"10s"…}]…}
>
< PUT /v1/agent/service/register {"ID":"db","Name":"db","Address":"10.0.0.3","TaggedAddresses":{…"wan":{"Address":"1.2.3.4","Port":5}…},…"Checks":[{"CheckID":"service:db",…"Interval":"5s","Timeout":"1s","HTTP":"http://x","Header":{"A":["b"]},"Method":"PUT",…"TLSSkipVerify":true…}]…}
>
| Registered service: web
| Registered service: db
$ services register s.hcl
+ s.hcl service { name = "web" port = 80 connect { sidecar_service { port = 81 } } }
< PUT /v1/agent/service/register {"ID":"web","Name":"web",…"Connect":{"SidecarService":{"Kind":"connect-proxy","Name":"web-sidecar-proxy","Port":81,…}}}
>
| Registered service: web
$ services register n.hcl
+ n.hcl service { name = "web" connect { native = true } }
< PUT /v1/agent/service/register {"ID":"web","Name":"web",…"Connect":{"Native":true}}
>
| Registered service: web
$ services register m.hcl
+ m.hcl service { name = "web" ports = [{ name = "http" port = 80 default = true }, { name = "admin" port = 81 }] proxy { local_service_ports = [{ name = "x" port = 82 }] } }
< PUT /v1/agent/service/register {"ID":"web","Name":"web","Ports":[{"Name":"http","Port":80,"Default":true},{"Name":"admin","Port":81,"Default":false}],…"Proxy":{"LocalServicePorts":[{"Name":"x","Port":82,"Default":false}],…}}
>
| Registered service: web
$ services register p.hcl
+ p.hcl service { kind = "connect-proxy" name = "web-proxy" port = 82 locality { region = "r" zone = "z" } proxy { destination_service_name = "web" destination_service_id = "w1" local_service_address = "127.0.0.1" local_service_port = 80 mode = "transparent" config { a = "b" } mesh_gateway { mode = "local" } transparent_proxy { outbound_listener_port = 15001 dialed_directly = true } expose { checks = true paths { path = "/m" local_path_port = 1 listener_port = 2 protocol = "http" } } upstreams { destination_name = "db" destination_port = "pg" datacenter = "dc2" local_bind_port = 9191 mesh_gateway { mode = "remote" } config { c = "d" } } } }
< PUT /v1/agent/service/register {"Kind":"connect-proxy","ID":"web-proxy","Name":"web-proxy","Port":82,…"Proxy":{"DestinationServiceName":"web","DestinationServiceID":"w1","LocalServiceAddress":"127.0.0.1","LocalServicePort":80,"Mode":"transparent","TransparentProxy":{"OutboundListenerPort":15001,"DialedDirectly":true},"Config":{"a":"b"},"Upstreams":[{"DestinationType":"service","DestinationName":"db","DestinationPort":"pg","Datacenter":"dc2","LocalBindPort":9191,"Config":{"c":"d"},"MeshGateway":{"Mode":"remote"}}],"MeshGateway":{"Mode":"local"},"Expose":{"Checks":true,"Paths":[{"ListenerPort":2,"Path":"/m","LocalPathPort":1,"Protocol":"http","ParsedFromCheck":false}]}},"Locality":{"Region":"r","Zone":"z"}}
>
| Registered service: web-proxy
$ services register o.hcl
+ o.hcl service { name = "web" connect { sidecar_service { proxy { upstreams { destination_name = "db" local_bind_port = 9191 } } } } }
< PUT /v1/agent/service/register {"ID":"web","Name":"web",…"Connect":{"SidecarService":{"Kind":"connect-proxy","Name":"web-sidecar-proxy",…"Proxy":{…"Upstreams":[{"DestinationType":"service","DestinationName":"db","LocalBindPort":9191,…}],…}}}}
>
| Registered service: web
$ services register -name=web
< PUT /v1/agent/service/register …
> 400 Invalid
! Error registering service "web": Unexpected response code: 400 (Invalid)
= 1
$ services register nope.hcl nope2.hcl
! Error: config: Open failed on nope.hcl. open nope.hcl: no such file or directory
= 1
$ services register
! Service registration requires at least one argument or flags.
= 1
$ services register -name=web a.hcl
! Service registration requires arguments or -id, not both.
= 1
$ services register -name=web -address=10.0.0.1:80
! Invalid Service address when using CLI flags. Use -port flag instead: address should not contain port
= 1
$ services register -name=web -tagged-address=lan=10.0.0.1
! Invalid Tagged address: address 10.0.0.1: missing port in address
= 1
$ services register -name=web -tagged-address=lan=10.0.0.1:x
! Invalid Tagged address: strconv.Atoi: parsing "x": invalid syntax
= 1
$ services register none.hcl
! Error: …none.hcl: no such file or directory
= 1
$ services register bad.hcl
+ bad.hcl service { name = "web" bogus = 1 }
! Error: …
! 	* invalid config key service.bogus
…
= 1
`)
}

func TestServicesDeregister(t *testing.T) {
	play(t, `
$ services deregister -id=w1
< PUT /v1/agent/service/deregister/w1
>
| Deregistered service: w1
$ services deregister a.hcl b.hcl
+ a.hcl service { id = "w1" name = "web" }
+ b.hcl services { name = "db" }
< PUT /v1/agent/service/deregister/w1
>
< PUT /v1/agent/service/deregister/db
>
| Deregistered service: w1
| Deregistered service: db
$ services deregister a.hcl
+ a.hcl service { id = "w1" name = "web" }
< PUT /v1/agent/service/deregister/w1
> 500 no
! Error deregistering service "web": Unexpected response code: 500 (no)
= 1
$ services deregister -id=nope
< PUT /v1/agent/service/deregister/nope
> 404 Unknown service ID "nope". Ensure that the service ID is passed, not the service name.
! Error deregistering service "": Unexpected response code: 404 (Unknown service ID "nope". Ensure that the service ID is passed, not the service name.)
= 1
$ services deregister
! Service deregistration requires at least one argument or -id.
= 1
$ services deregister -id=w1 a.hcl
! Service deregistration requires arguments or -id, not both.
= 1
$ services deregister web
! Error: …web: no such file or directory
= 1
$ services deregister -anywhere web
< GET /v1/catalog/services
> 500 no
! Error looking through the catalog: Unexpected response code: 500 (no)
= 1
$ services deregister -anywhere web
< GET /v1/catalog/services
> {"web":[]}
< GET /v1/catalog/service/web
> 500 no
! Error looking through the catalog: Unexpected response code: 500 (no)
= 1
$ services deregister -anywhere -datacenter=dc2 -stale db
< GET /v1/catalog/services?dc=dc2&stale=
> {"db":[]}
< GET /v1/catalog/service/db?dc=dc2&stale=
> [{"Node":"n1","Address":"10.0.0.1","Datacenter":"dc2","ServiceID":"d","ServiceName":"db","ServicePort":5}]
< PUT /v1/catalog/deregister?dc=dc2&evict=1 {"Node":"n1","Datacenter":"dc2","ServiceID":"d","CheckID":""}
> {"Detail":"removed it."}
| Found 1 instance:
| Node  ID  Service  Address
| n1    d   db       10.0.0.1:5
|
| d on n1: removed it.
`)
}

func TestServicesExport(t *testing.T) {
	play(t, `
$ services export -name=web -consumer-peers=a,b
< GET /v1/config/exported-services
> []
< PUT /v1/config?cas=0 {"Kind":"exported-services","Name":"default","Services":[{"Name":"web","Consumers":[{"Peer":"a"},{"Peer":"b"}]}]…}
> true
| Successfully exported service "web" to cluster peers "a,b"
$ services export -name=web '-consumer-peers=a, c'
< GET /v1/config/exported-services
> [{"Kind":"exported-services","Name":"default","Services":[{"Name":"db","Consumers":[{"Peer":"a"}]},{"Name":"web","Consumers":[{"Peer":"a"}]}],"ModifyIndex":12}]
< PUT /v1/config?cas=12 {…"Services":[{"Name":"db","Consumers":[{"Peer":"a"}]},{"Name":"web","Consumers":[{"Peer":"a"},{"Peer":"c"}]}]…}
> true
| Successfully exported service "web" to cluster peers "a, c"
$ services export -name=web -consumer-partitions=p,q
< GET /v1/config/exported-services
> []
< PUT /v1/config?cas=0 {…"Consumers":[{"Partition":"p"},{"Partition":"q"}]…}
> true
| Successfully exported service "web" to partitions "p,q"
$ services export -name=web -consumer-partitions=p -consumer-peers=a
< GET /v1/config/exported-services
> []
< PUT /v1/config?cas=0 {…"Consumers":[{"Peer":"a"},{"Partition":"p"}]…}
> true
| Successfully exported service "web" to cluster peers "a" and to partitions "p"
$ services export -name=web -consumer-peers=a
< GET /v1/config/exported-services
> []
< PUT /v1/config?cas=0 …
> false
! Config entry was changed during update. Please try again
= 1
$ services export -name=web -consumer-peers=a
< GET /v1/config/exported-services
> []
< PUT /v1/config?cas=0 …
> 403 no
! Error writing config entry: Unexpected response code: 403 (no)
= 1
$ services export -name=web -consumer-peers=a
< GET /v1/config/exported-services
> 403 no
! Error reading config entry exported-services/default: Unexpected response code: 403 (no)
= 1
$ services export -consumer-peers=a
! Missing the required -name flag
= 1
$ services export -name=web
! Missing the required -consumer-peers or -consumer-partitions flag
= 1
$ services exported-services
< GET /v1/exported-services
> [{"Service":"web","Consumers":{"Peers":["a","b"]}},{"Service":"database","Consumers":{"Peers":["a"]}}]
| Service   Consumer Peers
| web       a, b
| database  a
$ services exported-services -filter=x -partition=p -stale -format=pretty
< GET /v1/exported-services?filter=x&partition=p&stale=
> []
| No exported services found
$ services exported-services -format=json
< GET /v1/exported-services
> []
| []
$ services exported-services -format=json
< GET /v1/exported-services
> [{"Service":"web","Consumers":{"Peers":["a"]}}]
| [
|     {
|         "Service": "web",
…
| ]
$ services exported-services
< GET /v1/exported-services
> 403 no
! Error reading exported services: Unexpected response code: 403 (no)
= 1
$ services exported-services -format=xml
! Invalid format, valid formats are {pretty|json}
= 1
`)
}

// TestServicesRegisterSendsEveryKindOfCheck: what a file says of a check reaches the
// agent under the API's names.
func TestServicesRegisterSendsEveryKindOfCheck(t *testing.T) {
	for _, row := range []struct{ hcl, want string }{
		{`ttl = "9s"`, `"TTL":"9s"`},
		{`http = "http://x" interval = "9s"`, `"Interval":"9s","HTTP":"http://x"`},
		{`http = "http://x" interval = "9s" timeout = "2s" method = "POST" body = "b" header { A = ["c"] }`, `"Interval":"9s","Timeout":"2s","HTTP":"http://x","Header":{"A":["c"]},"Method":"POST","Body":"b"`},
		{`http = "https://x" interval = "9s" tls_server_name = "s" tls_skip_verify = true`, `"Interval":"9s","HTTP":"https://x","TLSServerName":"s","TLSSkipVerify":true`},
		{`tcp = "x:1" interval = "9s"`, `"Interval":"9s","TCP":"x:1"`},
		{`tcp = "x:1" interval = "9s" tcp_use_tls = true`, `"Interval":"9s","TCP":"x:1","TCPUseTLS":true`},
		{`udp = "x:1" interval = "9s"`, `"Interval":"9s","UDP":"x:1"`},
		{`grpc = "x:1" interval = "9s" grpc_use_tls = true`, `"Interval":"9s","GRPC":"x:1","GRPCUseTLS":true`},
		{`h2ping = "x:1" interval = "9s"`, `"Interval":"9s","H2PING":"x:1"`},
		{`args = ["a", "b"] interval = "9s"`, `"ScriptArgs":["a","b"],"Interval":"9s"`},
		{`docker_container_id = "d" shell = "/bin/sh" args = ["a"] interval = "9s"`, `"ScriptArgs":["a"],"DockerContainerID":"d","Shell":"/bin/sh","Interval":"9s"`},
		{`alias_service = "db"`, `"AliasService":"db"`},
		{`alias_node = "n"`, `"AliasNode":"n"`},
		{`ttl = "9s" notes = "n" status = "passing" deregister_critical_service_after = "90m"`, `"TTL":"9s","Status":"passing","Notes":"n","DeregisterCriticalServiceAfter":"1h30m0s"`},
		{`tcp = "x:1" interval = "9s" success_before_passing = 1 failures_before_warning = 2 failures_before_critical = 3`,
			`"Interval":"9s","TCP":"x:1","SuccessBeforePassing":1,"FailuresBeforeWarning":2,"FailuresBeforeCritical":3`},
	} {
		play(t, `
$ services register s.hcl
+ s.hcl service { name = "web" check { id = "c" name = "n" `+row.hcl+` } }
< PUT /v1/agent/service/register {"ID":"web","Name":"web",…"Checks":[{"CheckID":"c","Name":"n",`+between(row.want)+`}]}
>
| Registered service: web
`)
	}
}

// between lets other members stand around those wanted.
func between(members string) string {
	return "…" + strings.NewReplacer(`","`, `"…,"`, `],"`, `]…,"`, `},"`, `}…,"`, `true,"`, `true…,"`).Replace(members) + "…"
}
