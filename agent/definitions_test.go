package agent_test

import (
	"context"
	"errors"
	"testing"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/internal/rpc"
)

// alone is a caller without servers.
type alone struct{}

func (alone) Do(context.Context, *rpc.Desc, rpc.Message) (rpc.Message, error) {
	return nil, errors.New("no servers")
}

// TestConfigurationIsNotChangedByRegisteringIt: it is called immutable, and sidecars'
// ports and checks were written into it.
func TestConfigurationIsNotChangedByRegisteringIt(t *testing.T) {
	rt, _, err := config.Load(&config.Flags{Dev: true, HCL: []string{`services {
  name = "web"
  port = 80
  connect { sidecar_service {} }
}
services {
  name = "db"
  port = 81
  connect { sidecar_service {} }
}`}})
	if err != nil {
		t.Fatal(err)
	}
	state, err := local.Open(local.Options{NodeName: "n", Address: "127.0.0.1", Caller: alone{}})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	for range 3 { // a start, and reloads
		defs := agent.DefinitionsOf(state, rt)
		if err := state.Reload(defs); err != nil {
			t.Fatal(err)
		}
		for id, port := range map[string]int{"web-sidecar-proxy": 21000, "db-sidecar-proxy": 21001} {
			if s := state.Service(id); s == nil || s.Port != port {
				t.Errorf("%s: %+v, want port %d", id, s, port)
			}
		}
		for _, d := range rt.Services {
			if d.Sidecar.Service.Port != 0 || len(d.Sidecar.Checks) != 0 {
				t.Errorf("the configuration became %+v %v", d.Sidecar.Service, d.Sidecar.Checks)
			}
		}
	}
}
