package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sick is an API of an agent with about every fault that can be told from answers.
var sick = map[string]string{
	"GET /v1/agent/self": `{"Config":{"NodeName":"a","Datacenter":"dc1","Server":true,"Version":"1.21.4"},"DebugConfig":{"DNSPort":-1,"HTTPPort":1,"HTTPSPort":-1,"EncryptKey":"hidden","EnableRemoteScriptChecks":true}}`,
	"GET /v1/agent/members": `[
		{"Name":"a","Addr":"127.0.0.1","Port":1,"Status":1,"Tags":{"role":"consul","dc":"dc1","id":"1","build":"1.21.4:x","port":"1"}},
		{"Name":"b","Addr":"127.0.0.1","Port":1,"Status":4,"Tags":{"role":"consul","dc":"dc1","id":"2","build":"1.21.4:x"}},
		{"Name":"c","Addr":"127.0.0.1","Port":1,"Status":1,"Tags":{"role":"node","dc":"dc2","id":"1","build":"1.20.0:x"}}]`,
	"GET /v1/status/leader": `""`,
	"GET /v1/operator/raft/configuration?stale=": `{"Servers":[
		{"ID":"1","Node":"a","Address":"127.0.0.1:8300","Voter":true},{"ID":"2","Node":"b","Address":"127.0.0.2:8300","Voter":true},
		{"ID":"9","Node":"gone","Address":"127.0.0.9:8300","Voter":true},{"ID":"8","Node":"d","Address":"127.0.0.8:8300","Voter":false}]}`,
	"GET /v1/operator/autopilot/health": `{"Healthy":false,"Servers":[{"Name":"a","Healthy":true,"LastIndex":50},{"Name":"b","Healthy":false,"LastIndex":20,"LastContact":"3s"}]}`,
	"GET /v1/operator/keyring":          `[{"Datacenter":"dc1","NumNodes":3,"Keys":{"new":1,"old":3}}]`,
	"GET /v1/agent/services":            `{"web":{"ID":"web","Service":"web"},"lost":{"ID":"lost","Service":"lost"}}`,
	"GET /v1/catalog/node/a?stale=":     `{"Node":{"Node":"a"},"Services":{"web":{"ID":"web","Service":"web"}}}`,
	"GET /v1/internal/ui/services?stale=": `[{"Name":"web","InstanceCount":1,"ChecksPassing":0,"ChecksCritical":2},
		{"Name":"db","InstanceCount":1,"ChecksPassing":1},{"Name":"consul","InstanceCount":1,"ChecksPassing":1}]`,
	"GET /v1/health/service/web?stale=": `[{"Node":{"Node":"a"},"Checks":[{"CheckID":"serfHealth","Status":"passing"},{"CheckID":"http","Status":"critical","Output":"context deadline exceeded"}]}]`,
	"GET /v1/health/state/any?stale=":   `[{"Node":"a","CheckID":"http","ServiceName":"web","Status":"critical","Output":"context deadline exceeded"}]`,
}

func TestDoctorNamesWhatIsWrong(t *testing.T) {
	answer(t, sick)
	out, errs, code := run(t, "doctor")
	if code != 2 || errs != "" {
		t.Errorf("code %d, %s", code, errs)
	}
	led := maps.Clone(sick)
	led["GET /v1/status/leader"] = `"127.0.0.1:8300"`
	answer(t, led)
	more, _, _ := run(t, "doctor") // of what only a leader's cluster knows
	said := strings.Join(strings.Fields(out+more), " ")
	for _, want := range []string{
		"problem leader no server leads", "problem leader 1 of 3 voters live, and 2 are needed: b, gone (127.0.0.9:8300)",
		"warning leader Raft counts on gone (127.0.0.9:8300), which is no member",
		"problem leader no server leads: nothing can be written, and reads need ?stale. 1 of 3 voters live, and 2 are needed: a lives at 127.0.0.1:1, and Raft still has it at 127.0.0.1:8300; " +
			"b, which Raft has at 127.0.0.2:8300, was last seen at 127.0.0.1, and is not alive; Raft has ID 9 at 127.0.0.9:8300, and gossip knows no such ID", "note encryption the gossip key is proved at port 8300 too, but hides nothing there", "warning leader server b is unhealthy: last heard 3s ago, 30 entries behind",
		"warning members 1 member failed: b", "problem members members of another datacenter are in this LAN pool: c of dc2", "problem members a, c have one node ID",
		"note members members run 2 versions: 1.20.0, 1.21.4", "problem ports a for RPC cannot be reached at 127.0.0.1:1:", "note clocks clocks that are unknown",
		"problem encryption a gossip key of the LAN pool of dc1 is at 1 of 3 members", "problem catalog registered here, but not in the catalog: lost",
		"problem services no instance is healthy of web: check http on a: context deadline exceeded", "warning services checks time out: http on a", "note services no check looks at db", "note dns DNS is off",
		"warning scripts whoever reaches the HTTP API can run programs on this machine",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if i, j := strings.Index(out, "warning "), strings.LastIndex(out, "problem "); i < j {
		t.Error("warnings come before problems")
	}
	if strings.Contains(out, "\x1b") {
		t.Error("colours where there is no terminal")
	}
}

func TestDoctorsFindingsAreReadByMachines(t *testing.T) {
	answer(t, sick)
	out, _, code := run(t, "doctor", "-format=json")
	var list []struct{ Severity, About, What, Cure string }
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 2 || len(list) < 10 {
		t.Fatalf("code %d, %v: %s", code, err, out)
	}
	if f := list[0]; f.Severity != "problem" || f.About == "" || f.What == "" || f.Cure == "" {
		t.Errorf("the first finding is %+v", f)
	}
	want(t, 1, "", "Unknown format: yaml\n", "doctor", "-format=yaml")
}

func TestDoctorWithoutTheRight(t *testing.T) {
	answers := map[string]string{}
	for path, body := range sick {
		answers[path] = body
	}
	answers["GET /v1/operator/raft/configuration?stale="] = "!Permission denied"
	answers["GET /v1/operator/keyring"] = "!Permission denied"
	answers["GET /v1/status/leader"] = `"127.0.0.1:8300"`
	answer(t, answers)
	out, _, _ := run(t, "doctor")
	for _, want := range []string{"give a token with operator:read", "give a token with keyring:read"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestDoctorFindsOutWhyAnAgentDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "agent.hcl")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	notFolder := filepath.Join(dir, "occupied")
	if err := os.WriteFile(notFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
	for _, row := range []struct{ name, text, want string }{
		{"a key that does not exist", `data_dirr = "/x"`, "data_dirr"},
		{"a port that is taken", fmt.Sprintf("bind_addr = \"127.0.0.1\"\ndata_dir = %q\nports { http = %d, dns = -1, serf_lan = 18301 }", filepath.Join(dir, "data"), taken.Addr().(*net.TCPAddr).Port),
			"another process listens on 127.0.0.1:"},
		{"a data folder that is a file", fmt.Sprintf("bind_addr = \"127.0.0.1\"\ndata_dir = %q\nports { http = -1, dns = -1, serf_lan = 18301 }", notFolder), "is not a directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			write(row.text)
			out, _, code := run(t, "doctor", "-config-file="+file)
			said := strings.Join(strings.Fields(out), " ")
			if code != 2 || !strings.Contains(said, row.want) || !strings.Contains(said, "the agent does not answer") {
				t.Errorf("code %d, no %q:\n%s", code, row.want, out)
			}
		})
	}
}

func TestDoctorLeadsFromADamagedJournalToItsCure(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "local.journal.damaged-20260101T000000.000Z"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	known := maps.Clone(sick)
	known["GET /v1/agent/self"] = fmt.Sprintf(`{"Config":{"NodeName":"a","Datacenter":"dc1"},"DebugConfig":{"DataDir":%q,"DNSPort":-1,"HTTPSPort":-1}}`, dir)
	answer(t, known)
	out, _, _ := run(t, "doctor", "-data-dir="+dir)
	said := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"warning disk files of the agent were damaged", "local.journal.damaged-20260101T000000.000Z", "register again what is missing"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

// TestDoctorTakesAnAddress: as an argument, or not at all.
func TestDoctorTakesAnAddress(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<!DOCTYPE html><html>no such page</html>")
	}))
	defer page.Close()
	at := page.Listener.Addr().String()
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{at}, 2, "problem agent the agent does not answer: it sends a web page with HTTP status 404 Not Found -> something else listens there"},
		{[]string{"http://" + at}, 2, "HTTP status 404 Not Found"},
		{[]string{"127.0.0.1:1"}, 2, "nothing listens there: start the agent"},
		{[]string{"a", "b"}, 1, "One agent is examined at a time"},
		{[]string{"-http-addr=" + at, "b"}, 1, "One agent is examined at a time"},
		{[]string{"not an address"}, 1, `"not an address" is no address of an agent`},
	} {
		out, errs, code := run(t, append([]string{"doctor"}, row.args...)...)
		if said := strings.Join(strings.Fields(out+errs), " "); code != row.code || !strings.Contains(said, row.want) || strings.Contains(said, "<") {
			t.Errorf("%q: code %d:\n%s%s", row.args, code, out, errs)
		}
	}
}

func TestHelpHasTopics(t *testing.T) {
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"leader"}, 0, "## There is no leader"},
		{[]string{"troubleshooting"}, 0, "# When something is wrong"},
		{[]string{"kv", "get"}, 0, "Usage: praetor kv get"},
		{[]string{"nosuch"}, 1, `There is no topic and no command "nosuch". Topics are:`},
	} {
		out, errs, code := run(t, append([]string{"help"}, row.args...)...)
		if code != row.code || !strings.Contains(out+errs, row.want) {
			t.Errorf("%q: code %d:\n%s%s", row.args, code, out, errs)
		}
	}
}
