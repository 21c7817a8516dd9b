package agent_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/agent/local"
	"praetor/catalog"
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

// TestPortsOfSidecars: the lowest of the range that is free, and the one it has.
func TestPortsOfSidecars(t *testing.T) {
	service := func(name, more string) string {
		return fmt.Sprintf("services { name = %q connect { sidecar_service { %s } } }\n", name, more)
	}
	for _, row := range []struct {
		name, ports, services string
		registered            map[string]int // before, by ID
		want                  string
	}{
		{"the range", ``, service("a", "") + service("b", ""), nil, "a:21000 b:21001"},
		{"a range of two for three", `ports { sidecar_min_port = 9000 sidecar_max_port = 9001 }`, service("a", "") + service("b", "") + service("c", ""), nil, "a:9000 b:9001 c:0"},
		{"one defined twice", ``, service("a", "") + service("a", "") + service("b", ""), nil, "a:21000 a:21000 b:21001"},
		{"no range", `ports { sidecar_min_port = 0 sidecar_max_port = 0 }`, service("a", ""), nil, "a:0"},
		{"a port of its own", ``, service("a", "port = 5") + service("b", ""), nil, "a:5 b:21000"},
		{"a port that another service has", ``, service("a", ""), map[string]int{"x": 21000}, "a:21001"},
		{"the port it has", ``, service("a", "") + service("b", ""), map[string]int{"b-sidecar-proxy": 21005}, "a:21000 b:21005"},
		{"a port it had, out of the range", `ports { sidecar_min_port = 9000 sidecar_max_port = 9001 }`, service("a", ""), map[string]int{"a-sidecar-proxy": 21005}, "a:9000"},
		{"the last of the range", `ports { sidecar_min_port = 9000 sidecar_max_port = 9001 }`, service("a", ""), map[string]int{"a-sidecar-proxy": 9001}, "a:9001"},
		{"the first of the range", `ports { sidecar_min_port = 9000 sidecar_max_port = 9001 }`, service("a", ""), map[string]int{"a-sidecar-proxy": 9000}, "a:9000"},
	} {
		state, err := local.Open(local.Options{NodeName: "n", Address: "127.0.0.1", Caller: alone{}})
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		for id, port := range row.registered {
			if err := state.AddService(context.Background(), &catalog.Service{ID: id, Service: id, Port: port}, nil, false, ""); err != nil {
				t.Fatal(err)
			}
		}
		rt, _, err := config.Load(&config.Flags{Dev: true, HCL: []string{row.ports, row.services}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range agent.DefinitionsOf(state, rt).Services {
			if d.Parent != "" {
				got = append(got, fmt.Sprintf("%s:%d", d.Parent, d.Service.Port))
			}
		}
		if text := strings.Join(got, " "); text != row.want {
			t.Errorf("%s: %s, want %s", row.name, text, row.want)
		}
	}
}

// TestDefinitionsOfFiles: services with their checks and tokens, sidecars after their
// service, and checks of the node.
func TestDefinitionsOfFiles(t *testing.T) {
	rt, _, err := config.Load(&config.Flags{Dev: true, HCL: []string{`
services { name = "web" id = "w" port = 80 token = "t1" check { id = "c1" ttl = "1h" }
  connect { sidecar_service { checks = [{ id = "own" ttl = "1h" }] } } }
services { name = "db" port = 81 connect { sidecar_service { token = "t2" } } }
check { id = "n1" name = "n" ttl = "1h" token = "t3" }`}})
	if err != nil {
		t.Fatal(err)
	}
	state, err := local.Open(local.Options{NodeName: "n", Address: "127.0.0.1", Caller: alone{}})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	var got []string
	defs := agent.DefinitionsOf(state, rt)
	for _, d := range defs.Services {
		var checks []string
		for _, c := range d.Checks {
			checks = append(checks, cmp.Or(c.CheckID, c.Name))
		}
		got = append(got, fmt.Sprint(d.Service.ID, " ", d.Token, " of ", d.Parent, " ", checks))
	}
	for _, d := range defs.Checks {
		got = append(got, fmt.Sprint(d.Check.CheckID, " ", d.Token))
	}
	want := []string{
		"w t1 of  [c1]", "w-sidecar-proxy  of w [own]",
		"db  of  []", "db-sidecar-proxy t2 of db [Connect Sidecar Listening Connect Sidecar Aliasing db]", "n1 t3",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
