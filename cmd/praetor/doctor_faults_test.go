package main_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	gossipKey = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
	otherKey  = "cg8StVXbQJ0gPvMd9o7yrg1JzDBpPJ8Yr9ZSTxWrSRs="
)

// TestDoctorNamesTheFault sets up what goes wrong around one good server, and wants
// the fault and its cure named.
func TestDoctorNamesTheFault(t *testing.T) {
	t.Parallel()
	const network = "127.77.94"
	hub := newNode(t, "hub", network+".1", "-server", "-bootstrap", "-encrypt", gossipKey).start()
	waitFor(t, "leader", 30*time.Second, hub.hasLeader)
	if err := hub.put("/v1/agent/service/register", `{"Name":"web","Check":{"TCP":"127.0.0.1:1","Interval":"1s"}}`); err != nil {
		t.Fatal(err)
	}
	join := "-retry-join=" + network + ".1"
	key := "-encrypt=" + gossipKey
	for _, row := range []struct {
		name  string
		host  string
		args  []string
		words []string
	}{
		{"wrong-address", "10", []string{key, "-retry-join=" + network + ".99"}, []string{"problem join this agent has not joined the others yet: Failed to join " + network + ".99", "-> no agent gossips there"}},
		{"wrong-key", "11", []string{"-encrypt=" + otherKey, join}, []string{"problem join this agent has not joined", "-> the agents have different gossip keys"}},
		{"no-key", "12", []string{join}, []string{"problem join this agent has not joined", "-> the agents have different gossip keys"}},
		{"wrong-datacenter", "13", []string{key, join, "-datacenter=dc2"}, []string{"problem join this agent has not joined", "part of wrong datacenter", "-> each datacenter has a LAN pool of its own"}},
		{"hub", "14", []string{key, join}, []string{"Node name 'hub' is taken by a living agent", "-> give this agent another name"}},
		{"expects-three", "15", []string{"-server", "-bootstrap-expect=3", key, "-retry-join=" + network + ".98", "-retry-join=" + network + ".15"},
			[]string{"problem leader no server leads", "bootstrap_expect is 3, and 1 server is there: expects-three, " + network + ".98 refuses", "-> start 2 servers more"}},
		{"two-a", "16", []string{"-server", "-bootstrap-expect=2", key, "-retry-join=" + network + ".17"}, []string{"problem leader", "Servers differ in bootstrap_expect: two-a says 2, two-b says 3", "-> give all servers the same bootstrap_expect"}},
		{"two-b", "17", []string{"-server", "-bootstrap-expect=3", key, "-retry-join=" + network + ".16"}, []string{"Servers differ in bootstrap_expect"}},
		{"dns-off", "18", []string{key, join, "-dns-port=-1"}, []string{"note dns DNS is off", "problem services no instance is healthy of web: check service:web on hub: dial tcp 127.0.0.1:1"}},
		{"unenforced", "19", []string{key, join, `-hcl=acl { default_policy = "deny" } encrypt_verify_incoming = false`}, []string{"problem access acl.default_policy is deny, but acl.enabled is false", "gossip without the key is still sent or believed"}},
		{"split", "20", []string{"-server", "-bootstrap", "-encrypt=" + otherKey, join}, []string{"two clusters that do not see each other: " + network + ".20:8300 leads here, and " + network + ".1:8300 at " + network + ".1", "the agents have different gossip keys"}},
		{"unreached", "21", []string{key, join, "-advertise=" + network + ".97"}, []string{"problem ports unreached for gossip cannot be reached at " + network + ".97:8301", "-> nothing listens there: is it the address at which that agent listens (advertise_addr"}},
		{"dns-elsewhere", "22", []string{key, join, "-hcl=addresses { dns = \"" + network + ".23\" }"}, []string{"ok dns " + network + ".23:8600 answers"}},
	} {
		n := newNode(t, row.name, network+"."+row.host, row.args...).start()
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n.t = t
			waitFor(t, "the doctor's word", 30*time.Second, func() error { return examined(n, 2, row.words...) })
		})
	}
}

// TestDoctorSaysWhyAnAgentIsDown sets up what keeps an agent from starting.
func TestDoctorSaysWhyAnAgentIsDown(t *testing.T) {
	t.Parallel()
	const at = "127.77.95.1:8500"
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Skipf("needs the loopback network: %v", err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<html>not here</html>")
	})}
	go func() { _ = web.Serve(l) }() // ends with Close
	defer web.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken := file("taken.hcl", fmt.Sprintf("data_dir = %q\nbind_addr = \"127.77.95.1\"\nclient_addr = \"127.77.95.1\"", filepath.Join(dir, "data")))
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"127.77.95.2:8500"}, "nothing listens there: start the agent"},
		{[]string{at}, "it sends a web page with HTTP status 404 Not Found"},
		{[]string{"-config-file=" + taken, at}, "another process listens on " + at},
		{[]string{"-config-file=" + file("typo.hcl", `data_dirr = "/x"`), "127.77.95.2:8500"}, "data_dirr"},
		{[]string{"-config-file=" + file("tls.hcl", fmt.Sprintf("data_dir = %q\ntls { internal_rpc { verify_outgoing = true } }", dir)), "127.77.95.2:8500"}, "-> the agent does not start with these settings of TLS"},
		{[]string{"-config-file=" + file("elsewhere.hcl", fmt.Sprintf("data_dir = %q\nbind_addr = \"192.0.2.1\"", dir)), "127.77.95.2:8500"}, "this machine has no address 192.0.2.1:8301"},
	} {
		out, errs, code := runCLI(t, nil, append([]string{"doctor"}, row.args...)...)
		if said := strings.Join(strings.Fields(out), " "); code != 2 || !strings.Contains(said, row.want) {
			t.Errorf("%q: code %d, no %q in\n%s%s", row.args, code, row.want, out, errs)
		}
	}
	if os.Getuid() != 0 {
		return
	}
	// A folder of another user, where one file was made by root.
	mixed := filepath.Join(dir, "mixed")
	if err := os.MkdirAll(mixed, 0o700); err != nil {
		t.Fatal(err)
	}
	file("mixed/local.journal", "")
	if err := os.Chown(mixed, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	out, errs, code := runCLI(t, nil, "doctor", "-data-dir="+mixed, "127.77.95.2:8500")
	if code != 2 || !strings.Contains(strings.Join(strings.Fields(out), " "), "local.journal belongs to user 0, and "+mixed+" to user 4711") {
		t.Errorf("code %d:\n%s%s", code, out, errs)
	}
}
