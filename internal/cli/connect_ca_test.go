package cli_test

import "testing"

// TestConnectCA: reference/cli.md §10.
func TestConnectCA(t *testing.T) {
	play(t, `
$ connect ca get-config
< GET /v1/connect/ca/configuration
> {"Provider":"consul","Config":{"LeafCertTTL":"72h","PrivateKey":"hidden"},"ForceWithoutCrossSigning":false,"CreateIndex":5,"ModifyIndex":7}
| {
| 	"Provider": "consul",
| 	"Config": {
| 		"LeafCertTTL": "72h",
| 		"PrivateKey": "hidden"
| 	},
…
| 	"ForceWithoutCrossSigning": false,
| 	"CreateIndex": 5,
| 	"ModifyIndex": 7
| }
$ connect ca get-config -stale -token=t
< GET /v1/connect/ca/configuration?stale= token=t
> {"Provider":"vault"}
| {
| 	"Provider": "vault",
…
$ connect ca get-config
< GET /v1/connect/ca/configuration
> 403 Permission denied
! Error querying CA configuration: Unexpected response code: 403 (Permission denied)
= 1
$ connect ca get-config -ca-file=none.pem
! Error connecting to Consul agent: Error loading CA File: open none.pem: no such file or directory
= 1
$ connect ca set-config
! The -config-file flag is required
= 1
$ connect ca set-config -config-file=none.json
! Error reading config file: open none.json: no such file or directory
= 1
$ connect ca set-config -config-file=ca.json
+ ca.json {"Provider"
! Error parsing config file: unexpected end of JSON input
= 1
$ connect ca set-config -config-file=ca.json
+ ca.json {"Provider":"consul","Config":{"LeafCertTTL":"1h"}}
< PUT /v1/connect/ca/configuration {"Provider":"consul","Config":{"LeafCertTTL":"1h"},…"ForceWithoutCrossSigning":false,…}
> true
| Configuration updated!
$ connect ca set-config -config-file=ca.json -force-without-cross-signing
+ ca.json {"Provider":"consul"}
< PUT /v1/connect/ca/configuration {"Provider":"consul",…"ForceWithoutCrossSigning":true,…}
> true
| Configuration updated!
$ connect ca set-config -config-file=ca.json
+ ca.json {"Provider":"consul","ForceWithoutCrossSigning":true}
< PUT /v1/connect/ca/configuration {"Provider":"consul",…"ForceWithoutCrossSigning":true,…}
> true
| Configuration updated!
$ connect ca set-config -config-file=ca.json
+ ca.json {"Provider":"acme"}
< PUT /v1/connect/ca/configuration …
> 500 unknown CA provider "acme"
! Error setting CA configuration: Unexpected response code: 500 (unknown CA provider "acme")
= 1
$ connect ca set-config -config-file=ca.json -client-key=k.pem
+ ca.json {}
! Error connecting to Consul agent: both client cert and client key must be provided
= 1
$ connect ca set-config -bogus
! flag provided but not defined: -bogus
! Usage:
…
! Failed to parse args: flag provided but not defined: -bogus
= 1
`)
}
