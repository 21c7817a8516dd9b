package cli_test

import "testing"

// TestIntentions: reference/cli.md §10.
func TestIntentions(t *testing.T) {
	play(t, `
$ intention create web db
< POST /v1/connect/intentions {…"SourceName":"web",…"DestinationName":"db",…"Action":"allow",…}
> {"ID":"1"}
| Created: web => db (allow)
$ intention create -deny -meta k=v ns/* db
< POST /v1/connect/intentions {…"SourceNS":"ns","SourceName":"*",…"Action":"deny","Meta":{"k":"v"},…}
> {"ID":"1"}
| Created: ns/* => db (deny)
$ intention create -replace web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> {"ID":"1"}
< PUT /v1/connect/intentions/1 {"ID":"1",…}
> {"ID":"1"}
$ intention create -replace web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> {"SourceName":"web"}
< PUT /v1/connect/intentions/exact?destination=db&source=web …
> true
$ intention create -replace web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> 404 Intention not found
< POST /v1/connect/intentions …
> {"ID":"1"}
| Created: web => db (allow)
$ intention create -file a.json
+ a.json {"SourceName":"f","DestinationName":"db","Action":"deny"}
< POST /v1/connect/intentions …
> 500 no
! Error creating intention "f => db (deny)": Unexpected response code: 500 (no)
= 1
$ intention create a a/b/c/d
! Error: Invalid intention destination: input can contain at most two '/'
= 1
$ intention check web db
< GET /v1/connect/intentions/check?destination=db&source=web&source-type=consul
> {"Allowed":false}
| Denied
= 1
$ intention check web db
< GET /v1/connect/intentions/check?destination=db&source=web&source-type=consul
> 403 no
! Error checking the connection: Unexpected response code: 403 (no)
= 2
$ intention list
< GET /v1/connect/intentions
> [{"SourceName":"web","DestinationName":"db","Action":"deny","Precedence":9}]
| ID  Source  Action  Destination  Precedence
|     web     deny    db           9
$ intention match -source web
< GET /v1/connect/intentions/match?by=source&name=web
> {"web":[{"SourceName":"web","DestinationName":"db","Action":"deny"},{"SourceName":"web","DestinationName":"l7","Permissions":[{},{}]}]}
| web => db (deny)
| web => l7 (2 permissions)
$ intention get web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> {"SourceName":"web","DestinationName":"db","Meta":{"a":"b"},"Permissions":[{"Action":"deny"}]}
| Source:       web
| Destination:  db
| Meta[a]:      b
| Created At:   …
| Permissions:
| [
|   {
|     "Action": "deny"
|   }
| ]
$ intention get x
< GET /v1/connect/intentions/x
> 400 no
! Error reading the intention: Unexpected response 400: no
= 1
$ intention delete web db
< DELETE /v1/connect/intentions/exact?destination=db&source=web
> true
| Intention deleted.
$ intention delete 1
< DELETE /v1/connect/intentions/1
> 500 no
! Error deleting the intention: Unexpected response code: 500 (no)
= 1
`)
}

// TestIntentionsThatCannotBeMade: what is wrong with the command line is said before
// anything is asked.
func TestIntentionsThatCannotBeMade(t *testing.T) {
	play(t, `
$ intention create -allow -deny web db
! Only one of -allow or -deny may be specified.
= 1
$ intention create web
! Error: Must specify two arguments: source and destination
= 1
$ intention create web db cache
! Error: Must specify two arguments: source and destination
= 1
$ intention create a/b/c/d web
! Error: Invalid intention source: input can contain at most two '/'
= 1
$ intention create -meta k web db
! invalid value "k" for flag -meta: Missing "=" value in argument: k
! Usage:
…
= 1
$ intention create -file none.json
! Error: open none.json: no such file or directory
= 1
$ intention create -file a.json
+ a.json {"SourceName"
! Error: unexpected end of JSON input
= 1
$ intention create -file a.json none.json
+ a.json {"SourceName":"f","DestinationName":"db","Action":"deny"}
! Error: open none.json: no such file or directory
= 1
$ intention create -client-cert=c.pem web db
! Error connecting to Consul agent: both client cert and client key must be provided
= 1
$ intention create -file a.json b.json
+ a.json {"SourceName":"f","DestinationName":"db","Action":"deny"}
+ b.json {"SourceName":"g","DestinationName":"db","Action":"allow"}
< POST /v1/connect/intentions {…"SourceName":"f",…"Action":"deny",…}
> {"ID":"1"}
< POST /v1/connect/intentions {…"SourceName":"g",…"Action":"allow",…}
> {"ID":"2"}
| Created: f => db (deny)
| Created: g => db (allow)
$ intention create -allow p/n/web q/m/db
< POST /v1/connect/intentions {…"SourceNS":"n","SourceName":"web",…"DestinationNS":"m","DestinationName":"db",…"SourcePartition":"p","DestinationPartition":"q",…"Action":"allow",…}
> {"ID":"1"}
| Created: n/web => m/db (allow)
$ intention create -replace web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> 403 no
! Error looking up intention for replacement with source "web" and destination "db": Unexpected response 403: no
= 1
$ intention create -replace -deny web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> {"ID":"1"}
< PUT /v1/connect/intentions/1 {"ID":"1",…"Action":"deny",…}
> 403 no
! Error replacing intention with source "web" and destination "db": Unexpected response code: 403 (no)
= 1
$ intention create -replace -deny web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> {"SourceName":"web"}
< PUT /v1/connect/intentions/exact?destination=db&source=web {…"Action":"deny",…}
> 403 no
! Error replacing intention with source "web" and destination "db": Unexpected response code: 403 (no)
= 1
`)
}

// TestIntentionsAreCheckedAndListed: a connection that is allowed exits with 0, one that
// is denied with 1, and a check that failed with 2; an empty list with 2.
func TestIntentionsAreCheckedAndListed(t *testing.T) {
	play(t, `
$ intention check web db
< GET /v1/connect/intentions/check?destination=db&source=web&source-type=consul
> {"Allowed":true}
| Allowed
$ intention check web
! Error: command requires exactly two arguments: src and dst
= 2
$ intention check web db cache
! Error: command requires exactly two arguments: src and dst
= 2
$ intention check -ca-file=none.pem web db
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ intention list
< GET /v1/connect/intentions
> []
! There are no intentions.
= 2
$ intention list
< GET /v1/connect/intentions
> 403 no
! Failed to retrieve the intentions list: Unexpected response code: 403 (no)
= 1
$ intention list -ca-file=none.pem
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ intention list -stale
< GET /v1/connect/intentions?stale=
> [{"ID":"i1","SourceNS":"n","SourceName":"web","DestinationName":"*","Action":"allow","Precedence":6},{"SourceName":"*","DestinationName":"longer-name","Permissions":[{}],"Precedence":8}]
| ID  Source  Action  Destination  Precedence
| i1  n/web   allow   *            6
|     *               longer-name  8
$ intention match
! Error: command requires exactly one argument: src or dst
= 1
$ intention match web db
! Error: command requires exactly one argument: src or dst
= 1
$ intention match -source -destination web
! Error: only one of -source or -destination may be specified
= 1
$ intention match -ca-file=none.pem web
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ intention match db
< GET /v1/connect/intentions/match?by=destination&name=db
> {"other":[{"SourceName":"x","DestinationName":"other","Action":"deny"}],"db":[{"SourceName":"a","DestinationName":"db","Action":"allow"},{"SourceName":"*","DestinationName":"db","Action":"deny"}]}
| a => db (allow)
| * => db (deny)
$ intention match -destination db
< GET /v1/connect/intentions/match?by=destination&name=db
> {"db":[]}
$ intention match -source web
< GET /v1/connect/intentions/match?by=source&name=web
> 403 no
! Error matching the connection: Unexpected response code: 403 (no)
= 1
`)
}

// TestOneIntentionIsShownOrDeleted: by its two ends or by its ID.
func TestOneIntentionIsShownOrDeleted(t *testing.T) {
	play(t, `
$ intention get
! command requires exactly 1 or 2 arguments
= 1
$ intention get a b c
! command requires exactly 1 or 2 arguments
= 1
$ intention get -ca-file=none.pem a b
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ intention get i1
< GET /v1/connect/intentions/i1
> {"ID":"i1","Description":"why","SourceNS":"n","SourceName":"web","DestinationName":"db","Action":"allow","Meta":{"z":"1","a":"2"},"CreatedAt":"2020-01-02T03:04:05Z"}
| Source:       n/web
| Destination:  db
| Action:       allow
| ID:           i1
| Description:  why
| Meta[a]:      2
| Meta[z]:      1
| Created At:   …02-Jan-20 …
$ intention get i1
< GET /v1/connect/intentions/i1
> 404 Intention not found
! Intention not found with ID "i1"
= 1
$ intention get web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> 404 Intention not found
! Intention not found with source "web" and destination "db"
= 1
$ intention get web db
< GET /v1/connect/intentions/exact?destination=db&source=web
> 403 no
! Error reading the intention: Unexpected response 403: no
= 1
$ intention delete
! command requires exactly 1 or 2 arguments
= 1
$ intention delete a b c
! command requires exactly 1 or 2 arguments
= 1
$ intention delete -ca-file=none.pem a b
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ intention delete i1
< DELETE /v1/connect/intentions/i1
> true
| Intention deleted.
$ intention delete web db
< DELETE /v1/connect/intentions/exact?destination=db&source=web
> 403 no
! Error deleting the intention: Unexpected response code: 403 (no)
= 1
`)
}
