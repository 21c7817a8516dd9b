package cli_test

import "testing"

// TestWhereAndAsWhomCommandsAsk: reference/cli.md §1.4.
func TestWhereAndAsWhomCommandsAsk(t *testing.T) {
	play(t, `
$ CONSUL_HTTP_ADDR=127.0.0.1:1 kv delete -http-addr=AGENT a
< DELETE /v1/kv/a
> true
| Success! Deleted key: a
$ CONSUL_HTTP_ADDR=http://AGENT kv delete a
< DELETE /v1/kv/a
> true
| Success! Deleted key: a
$ CONSUL_HTTP_ADDR=http://AGENT/below kv delete a
< DELETE /below/v1/kv/a
> true
| Success! Deleted key: a
$ CONSUL_HTTP_ADDR=127.0.0.1:1 PRAETOR_HTTP_ADDR=AGENT kv delete a
< DELETE /v1/kv/a
> true
| Success! Deleted key: a
$ kv delete -http-addr=ftp://AGENT a
! Error connecting to Consul agent: Unknown protocol scheme: ftp
= 1
$ kv delete -http-addr=127.0.0.1:1 a
! Error deleting key a: Delete "http://127.0.0.1:1/v1/kv/a": dial tcp 127.0.0.1:1: connect: connection refused
= 1
$ CONSUL_HTTP_SSL=true kv delete a
! Error deleting key a: Delete "https://…/v1/kv/a": http: server gave HTTP response to HTTPS client
= 1
$ CONSUL_HTTP_AUTH=me:secret kv delete a
< DELETE /v1/kv/a auth=me:secret
> true
| Success! Deleted key: a
$ CONSUL_HTTP_TOKEN=env kv delete a
< DELETE /v1/kv/a token=env
> true
| Success! Deleted key: a
$ CONSUL_HTTP_TOKEN=env kv delete -token=flag a
< DELETE /v1/kv/a token=flag
> true
| Success! Deleted key: a
$ CONSUL_HTTP_TOKEN=env CONSUL_HTTP_TOKEN_FILE=e.txt kv delete a
+ e.txt  envfile \n
< DELETE /v1/kv/a token=envfile
> true
| Success! Deleted key: a
$ CONSUL_HTTP_TOKEN_FILE=e.txt kv delete -token=flag a
+ e.txt envfile
< DELETE /v1/kv/a token=flag
> true
| Success! Deleted key: a
$ CONSUL_HTTP_TOKEN_FILE=e.txt kv delete -token=flag -token-file=f.txt a
+ f.txt flagfile\n
< DELETE /v1/kv/a token=flagfile
> true
| Success! Deleted key: a
$ CONSUL_HTTP_TOKEN=env kv delete -token-file=empty.txt a
+ empty.txt 
< DELETE /v1/kv/a token=env
> true
| Success! Deleted key: a
$ kv delete -token-file=none.txt a
! Error connecting to Consul agent: Error loading token file none.txt : open none.txt: no such file or directory
= 1
$ CONSUL_NAMESPACE=n CONSUL_PARTITION=p kv delete a
< DELETE /v1/kv/a?ns=n&partition=p
> true
| Success! Deleted key: a
$ CONSUL_NAMESPACE=n kv delete -namespace=m -partition=q a
< DELETE /v1/kv/a?ns=m&partition=q
> true
| Success! Deleted key: a
$ kv delete -client-cert=c.pem a
! Error connecting to Consul agent: both client cert and client key must be provided
= 1
$ kv delete -client-key=c.pem a
! Error connecting to Consul agent: both client cert and client key must be provided
= 1
$ kv delete -ca-file=none.pem a
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ kv delete -ca-path=none a
! Error connecting to Consul agent: lstat none: no such file or directory
= 1
`)
}

// TestFlagsAreRead: reference/cli.md §1.1.
func TestFlagsAreRead(t *testing.T) {
	play(t, `
$ kv delete --recurse=1 a
< DELETE /v1/kv/a?recurse=
> true
| Success! Deleted keys with prefix: a
$ kv delete -recurse=f -recurse=t -datacenter x -datacenter y -- -a
< DELETE /v1/kv/-a?dc=y&recurse=
> true
| Success! Deleted keys with prefix: -a
$ kv delete a -recurse
! Too many arguments (expected 1, got 2)
= 1
$ kv delete -modify-index=-1 a
! invalid value "-1" for flag -modify-index: parse error
! Usage:
!   -ca-file value
!     	Path to a CA file to verify the agent with. Also CONSUL_CACERT.
…
!   -cas
!     	Delete only if the key was not changed since -modify-index.
…
= 1
$ lock -timeout=x p c
! invalid value "x" for flag -timeout: parse error
! Usage:
…
= 1
$ kv delete -h
| Usage: praetor kv delete [options] KEY_OR_PREFIX
|
|   Removes a key, or with -recurse every key that starts with a prefix.
…
| HTTP API Options
…
|   -http-addr=<value>
…
| Command Options
|
|   -cas
|      Delete only if the key was not changed since -modify-index.
…
|   -modify-index=<value>
…
$ -v
| Consul v1.22.7
…
$ --version
| Consul v1.22.7
…
$ -version
| Consul v1.22.7
…
`)
}
