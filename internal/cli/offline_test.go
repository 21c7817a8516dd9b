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
| Consul v1.22.7
| Build Date …-…-…T…Z
| Protocol 2 spoken by default, understands 2 to 3 (agent will automatically use protocol >2 when speaking to compatible agents)
|
$ version -format=json ignored
| {
|    "Version": "1.22.7",
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
$ validate -config-format=x a.hcl
! -config-format must be either 'hcl' or 'json
= 1
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

// TestUpgradeCheck: of a folder that holds a journal only, as after a start that failed.
func TestUpgradeCheck(t *testing.T) {
	play(t, `
$ upgrade check
! Error checking: give the agent's data folder with -data-dir
…
= 1
$ upgrade check -data-dir=nowhere
! Error checking: "nowhere" holds no data of an agent
= 1
$ upgrade check -data-dir=.
+ local.journal PRLJ0001
| Part                 Written as        Known since  Read by 0.1.0
| services and checks  journal PRLJ0001  0.1.0        yes
|
| 0.1.0 starts on this folder as it is. So does every version since 0.1.0, until a newer one has written what only it knows.
$ upgrade check -data-dir=.
+ local.journal PRLJ0002
| Part                 Written as        Known since  Read by 0.1.0
| services and checks  journal PRLJ0002  -            no
! 0.1.0 does not start on this folder: local.journal begins with "PRLJ0002", not "PRLJ0001": it is damaged, or a newer version wrote it
= 2
`)
}
