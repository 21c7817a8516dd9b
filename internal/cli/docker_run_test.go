package cli_test

import (
	"os"
	"testing"
)

// TestContainersStartWithWhatTheEnvironmentSays: users and owners stay as they are.
func TestContainersStartWithWhatTheEnvironmentSays(t *testing.T) {
	play(t, `
$ CONSUL_DISABLE_PERM_MGMT=1 docker-entrypoint consul kv get a
< GET /v1/kv/a
> [{"Key":"a","Value":"eA=="}]
| x
$ CONSUL_DISABLE_PERM_MGMT=1 docker-entrypoint kv get a
< GET /v1/kv/a
> 404
! Error! No key exists at: a
= 1
$ CONSUL_DISABLE_PERM_MGMT=1 docker-entrypoint no-such-program a
! ==> exec: "no-such-program": executable file not found in $PATH
= 1
$ CONSUL_DISABLE_PERM_MGMT=1 CONSUL_BIND_INTERFACE=absent0 docker-entrypoint agent
! ==> CONSUL_BIND_INTERFACE: no interface "absent0" here: the interfaces are …
= 1
$ CONSUL_DISABLE_PERM_MGMT=1 CONSUL_CONFIG_DIR=. CONSUL_LOCAL_CONFIG='{"bogus":"secret"}' docker-entrypoint -server
! ==> failed to parse local.json: 1 error occurred:
! 	* invalid config key bogus
! 
! 
= 1
$ CONSUL_DISABLE_PERM_MGMT=1 CONSUL_CONFIG_DIR=none CONSUL_LOCAL_CONFIG=x docker-entrypoint agent
! ==> CONSUL_LOCAL_CONFIG: open none/local.json: no such file or directory
= 1
$ CONSUL_DISABLE_PERM_MGMT=1 CONSUL_CONFIG_DIR=none docker-entrypoint agent
! ==> config: Open failed on none. open none: no such file or directory
= 1
`)
	if text, err := os.ReadFile("local.json"); err != nil || string(text) != `{"bogus":"secret"}` {
		t.Errorf("local.json: %s, %v", text, err)
	} else if info, err := os.Stat("local.json"); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("it may hold keys, and has mode %v, %v", info.Mode(), err)
	}
}
