package cli_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestVersion: reference/cli.md §3.
func TestVersion(t *testing.T) {
	play(t, `
$ version
| Consul v1.21.4
| Build Date …-…-…T…Z
| Protocol 2 spoken by default, understands 2 to 3 (agent will automatically use protocol >2 when speaking to compatible agents)
|
$ version -format=json ignored
| {
|    "Version": "1.21.4",
|    "Revision": "…",
|    "Prerelease": "",
|    "BuildDate": "…Z",
|    "RPC": {
|       "Default": 2,
|       "Min": 2,
|       "Max": 3
|    }
| }
$ version -format=xml
! Unknown format: xml
= 1
$ version -praetor -format=xml
| …
`)
}

func TestValidate(t *testing.T) {
	play(t, `
$ validate a.hcl
+ a.hcl data_dir = "/tmp/x"
| Configuration is valid!
$ validate -quiet a.hcl
$ validate -config-format=json a.hcl
+ a.hcl {"data_dir":"/tmp/x"}
| Configuration is valid!
$ validate a.json
+ a.json data_dir = "/tmp/x"
! Config validation failed: failed to parse a.json: …
…
= 1
$ validate b.hcl
+ b.hcl data_dir = "/tmp/x"\nbogus = 1
! Config validation failed: failed to parse b.hcl: 1 error occurred:
! 	* invalid config key bogus
…
= 1
$ validate w.hcl
+ w.hcl data_dir = "/tmp/x"\nserver = true\nbootstrap_expect = 2
| Configuration is valid!
! bootstrap_expect = 2: A cluster with 2 servers will provide no failure tolerance. See …
! bootstrap_expect > 0: expecting 2 servers
$ validate -quiet w.hcl
! bootstrap_expect = 2: …
! bootstrap_expect > 0: expecting 2 servers
$ validate none.hcl
! Config validation failed: …none.hcl…no such file or directory…
…
= 1
$ validate
! Must specify at least one config file or directory
= 1
`)
}

func TestKeygenGivesAnotherKeyEachTime(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		out, errs, code := run(t, "keygen", "ignored")
		key, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(out, "\n"))
		if code != 0 || errs != "" || err != nil || len(key) != 32 || seen[out] {
			t.Errorf("%d %q %s: %d bytes, %v", code, out, errs, len(key), err)
		}
		seen[out] = true
	}
}
