package main_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// setup is what a page takes for granted, and what is something else in a test.
type setup struct {
	before []string // blocks of commands before the page's own
	pairs  []string // texts of the page, each with what replaces it
	says   []string // what the commands must print
}

const (
	threeServers = `praetor agent -server -bootstrap-expect=3 -bind=10.0.0.1 -retry-join=10.0.0.1
		praetor agent -server -bootstrap-expect=3 -bind=10.0.0.2 -retry-join=10.0.0.1
		praetor agent -server -bootstrap-expect=3 -bind=10.0.0.3 -retry-join=10.0.0.1`
	pageAgent = "praetor agent -dev -config-file=page.hcl"
	oldKey    = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
	newKey    = "wKfEpd57VyIiHm7ZfvwkPFEzGt2STDa1fYBDrPmbqUY="
)

// setups are by page. The first HCL of a page is in the file page.hcl.
var setups = map[string]setup{
	"README.md": {
		pairs: []string{"http.server 8080", "http.server -b 127.0.0.1 8080", `"interval": "5s"`, `"interval": "500ms"`,
			"sleep 6 ", "timeout 30 sh -c 'until curl 127.0.0.1:8500/v1/health/service/web?passing | grep 8080; do sleep 0.1; done' "},
		says: []string{"\nconsul\nweb\n", `"Port": 8080`, `"Status": "passing"`, "IN\tSRV\t1 1 8080 n1.node.dc1.consul.", "\nblue\n"},
	},
	"automated-backups.md": {
		before: []string{pageAgent},
		pairs: []string{"age1…", pageKey.Recipient().String(), "age-keygen -o key.txt ", "echo " + pageKey.String() + " >key.txt ",
			"consul-1764382000000000000.snap.age", "consul-*.snap.age"},
	},
	"checks.md": {before: []string{pageAgent,
		"[ $(grep -c '{ id =' page.hcl) = $(curl http://127.0.0.1:8500/v1/agent/checks | grep -c CheckID) ]"}},
	"deploying.md": {
		before: []string{"praetor agent -dev -datacenter=dc2 -bind=10.0.0.5 -encrypt=" + newKey},
		pairs: []string{"praetor agent -server", "praetor agent -server -encrypt=" + oldKey, "praetor agent -data-dir", "praetor agent -encrypt=" + oldKey + " -data-dir",
			"praetor services deregister -anywhere redis-7", `praetor services register -name=redis -id=redis-7
				praetor services register -name=redis -id=redis-8
				praetor services deregister -anywhere redis-7`,
			"=NEW", "=" + newKey, "=OLD", "=" + oldKey, "10.1.0.1", "10.0.0.5", "{{ GetPrivateIP }}", "10.0.0.1"},
	},
	"getting-started.md": {pairs: []string{"&wait=60s", "&wait=1ms"}},
	"history.md":         {before: []string{pageAgent}, says: []string{"Data written to: app/color, the 4 bytes", "\nblue\n", "Data written to: app/size, the 1 bytes", "service registered :8080", `"Event": "elected"`}},
	"production.md":      {before: []string{"praetor agent -dev", "cp page.hcl /etc/praetor.d"}},
	"security.md": {
		before: []string{pageAgent},
		pairs:  []string{"<SecretID of the first token>", said("SecretID"), "<SecretID>", said("SecretID"), "<AccessorID>", said("AccessorID")},
		says:   []string{"Allowed: token", "Denied: token"},
	},
	"telemetry.md":       {before: []string{pageAgent}},
	"troubleshooting.md": {before: []string{"praetor agent -dev", "praetor services register -name=web"}},
	"upgrading.md":       {before: []string{threeServers}},
}

// pageKey stands for the key that a reader makes.
var pageKey, _ = age.GenerateX25519Identity()

// said is what the commands before said last of something.
func said(label string) string {
	return "$(sed -n 's/^" + label + ": *//p' output | tail -1)"
}

// networks are for pages alone: ten addresses each.
var networks = []string{"127.77.124.", "127.77.125.", "127.77.126."}

// page is one for readers.
type page struct {
	name   string
	blocks []block
}

// pages are README.md and all of docs.
func pages(t *testing.T) (found []page) {
	t.Helper()
	files := []string{"../../README.md"}
	err := filepath.WalkDir("../../docs", func(at string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(at, ".md") {
			files = append(files, at)
		}
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		blocks, faults := blocksOf(filepath.Base(file), string(text))
		for _, fault := range faults {
			t.Error(fault)
		}
		found = append(found, page{filepath.Base(file), blocks})
	}
	return found
}

// TestPagesRun runs every command block of the pages, but for those with a reason above them, and has
// configuration in HCL validated.
func TestPagesRun(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name := range setups {
		if !slices.ContainsFunc(all, func(p page) bool { return p.name == name }) {
			t.Errorf("there is no page %s", name)
		}
	}
	for i, page := range all {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			r := &pageRun{t: t, setup: setups[page.name], network: networks[i/24] + fmt.Sprint(1+i%24), dir: t.TempDir(), agents: map[string]*node{}}
			r.run(page.blocks)
		})
	}
}

// pageRun runs a page.
type pageRun struct {
	t       *testing.T
	network string // all but the last digit of its addresses
	dir     string // the root of its files, where it runs
	agents  map[string]*node
	script  string // commands that did not run yet
	setup
}

var (
	agentLine = regexp.MustCompile(`(?m)^\s*(?:praetor|go run \./cmd/praetor) agent\b([^#\n]*)`)
	isCommand = regexp.MustCompile(`(?m)^ *(praetor|consul|curl|dig|sudo|docker|make|go) `)
)

func (r *pageRun) run(blocks []block) {
	r.prepare(blocks)
	for _, text := range r.before {
		r.commands("set-up", text)
	}
	for _, b := range blocks {
		switch {
		case b.why != "":
		case b.lang == "" && len(r.agents) == 0 && !agentLine.MatchString(b.text):
			r.commands("set-up", "praetor agent -dev")
			fallthrough
		case b.lang == "":
			r.commands(b.at, b.text)
		case b.lang == "hcl" && !strings.HasPrefix(b.at, "configuration.md"): // whose examples have a test of their own
			writeFile(r.t, filepath.Join(r.dir, b.at+".hcl"), r.here(b.text))
			r.script += "praetor validate rest.hcl '" + b.at + ".hcl'\n"
		case isCommand.MatchString(b.text) && !strings.HasPrefix(b.at, "cli.md"): // which is made of the commands' help
			r.t.Errorf("%s: commands stand in a block of %s: no test runs them", b.at, b.lang)
		}
	}
	r.flush()
	said, err := os.ReadFile(filepath.Join(r.dir, "output"))
	for _, want := range r.says {
		if err != nil || !strings.Contains(string(said), want) {
			r.t.Errorf("%v, want %q in\n%s", err, want, said)
		}
	}
}

// prepare makes what is there before a page's commands.
func (r *pageRun) prepare(blocks []block) {
	for _, folder := range []string{"bin", "etc/praetor.d", "mnt", "tmp", "var/lib/praetor"} {
		if err := os.MkdirAll(filepath.Join(r.dir, folder), 0o700); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := os.Symlink(binary, filepath.Join(r.dir, "bin", "consul")); err != nil {
		r.t.Fatal(err)
	}
	writeFile(r.t, filepath.Join(r.dir, ".curlrc"), "fail\nsilent\nshow-error\n")
	writeFile(r.t, filepath.Join(r.dir, "rest.hcl"), fmt.Sprintf("data_dir = %q\nenable_local_script_checks = true", r.dir))
	if i := slices.IndexFunc(blocks, func(b block) bool { return b.lang == "hcl" }); i >= 0 {
		writeFile(r.t, filepath.Join(r.dir, "page.hcl"), r.here(blocks[i].text))
	}
}

// here replaces the addresses and folders of a page.
func (r *pageRun) here(text string) string {
	return strings.NewReplacer("127.0.0.1", r.network+"1", "10.0.0.", r.network, "page.hcl", r.dir+"/page.hcl",
		"/etc/", r.dir+"/etc/", "/mnt/", r.dir+"/mnt/", "/tmp/", r.dir+"/tmp/", "/var/", r.dir+"/var/").Replace(strings.NewReplacer(r.pairs...).Replace(text))
}

// commands starts the agents of a block, or adds it to the script.
func (r *pageRun) commands(at, text string) {
	if !agentLine.MatchString(text) {
		r.script += ": " + at + "\n" + r.here(text) + "\n" // -x shows the place
		return
	}
	r.flush()
	var started []*node
	for line := range strings.SplitSeq(strings.TrimSpace(r.here(text)), "\n") {
		m := agentLine.FindStringSubmatch(line)
		if m == nil || strings.ContainsAny(m[1], `'"$\&|`) {
			r.t.Fatalf("%s: a block that starts agents has one in each line, without quotes: %q", at, line)
		}
		args := strings.Fields(m[1])
		ip := r.network + "1"
		for _, arg := range args {
			if bind, ok := strings.CutPrefix(arg, "-bind="); ok {
				ip = bind
			}
		}
		if before := r.agents[ip]; before != nil {
			before.stop()
		}
		r.agents[ip] = newNode(r.t, "n"+strings.TrimPrefix(ip, r.network), ip, args...).start()
		started = append(started, r.agents[ip])
	}
	for _, n := range started {
		waitFor(r.t, n.name+" in the catalog", 30*time.Second, n.isThere)
	}
}

// isThere reports whether the agent serves what a page asks of it.
func (n *node) isThere() error {
	if err := n.hasLeader(); err != nil {
		return err
	}
	if status, _, err := n.request("GET", "/v1/agent/self", ""); status == http.StatusForbidden || err != nil {
		return err // with access rules nobody says more
	}
	return wantSerfHealth(n, n.name, "passing")
}

// prelude has a lookup without an answer fail, and lets the doctor warn of a machine that is busy.
// curl fails at statuses from 400 by its configuration.
const prelude = `trap '[ -z "$!" ] || kill $!' EXIT
praetor() { command praetor "$@" || { code=$?; [ "$1 $code" = "doctor 1" ] || return $code; }; }
dig() { command dig "$@" >dig.out; cat dig.out; grep -q 'ANSWER SECTION' dig.out; }
`

// flush runs the commands that did not run yet, in one shell, so that they may use each other's variables.
func (r *pageRun) flush() {
	r.t.Helper()
	if r.script == "" {
		return
	}
	for _, program := range []string{"curl", "dig", "python3"} {
		if _, err := exec.LookPath(program); err != nil && strings.Contains(r.script, program+" ") {
			r.t.Skipf("the page's commands need %s: %v", program, err)
		}
	}
	output, err := os.OpenFile(filepath.Join(r.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer output.Close()
	sh := exec.Command("timeout", "90", "sh", "-exc", prelude+r.script) // which also ends what hangs
	sh.Dir, sh.Stdout, sh.Stderr = r.dir, output, output
	sh.Env = append(os.Environ(), "PATH="+r.dir+"/bin:"+filepath.Dir(binary)+":"+os.Getenv("PATH"), "CONSUL_HTTP_ADDR="+r.network+"1:8500", "CURL_HOME="+r.dir)
	if err := sh.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		r.t.Fatalf("%v\n%s", err, text)
	}
	r.script = ""
}
