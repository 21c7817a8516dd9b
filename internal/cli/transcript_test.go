package cli_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"praetor/internal/cli"
)

// play plays transcripts of commands against an agent that answers as written.
// The first character of a line says what it is:
//
//	$ kv get a               a command; single quotes keep words together, VAR=x goes before it
//	+ a.json {"x":1}\n       a file made before, in the test's own folder
//	. text                   a line on its standard input
//	< PUT /v1/kv/a?cas=1 x   a request of it, with token=T if it has one, and its body
//	> true                   what that is answered; "> 404 text" refuses it
//	| text                   a line of its standard output
//	! text                   a line of its standard error
//	= 1                      its exit code; without it 0
//
// "…" stands for anything in a line, and as a line of its own for any lines of the
// output before it.
// Requests come in the order written.
func play(t *testing.T, transcripts string) {
	t.Helper()
	t.Chdir(t.TempDir())
	playAt(t, "", transcripts)
}

// playAt plays transcripts against the agent at an address, in the current folder.
func playAt(t *testing.T, address, transcripts string) {
	t.Helper()
	forget(t)
	for _, text := range strings.Split("\n"+strings.TrimSpace(transcripts), "\n$ ")[1:] {
		s := parseScene(text)
		t.Run(s.line, func(t *testing.T) { s.play(t, address) })
	}
}

// forget takes away the variables that commands look at.
func forget(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CONSUL_") || strings.HasPrefix(name, "PRAETOR_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
}

var update = flag.Bool("update", false, "write what commands ask and print into the transcripts of testdata")

// playFile plays the transcript in a file of testdata. ${NAME} in an answer stands for
// answers[NAME]. With -update what commands ask and print is written into the file; what
// fits what is there, with its "…", stays.
func playFile(t *testing.T, file string, answers map[string]string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forget(t)
	t.Chdir(t.TempDir())
	var all strings.Builder
	for _, text := range strings.Split("\n"+strings.TrimSpace(string(text)), "\n$ ")[1:] {
		s := parseScene(text)
		s.variables, s.lenient = answers, *update
		t.Run(s.line, func(t *testing.T) { s.play(t, "") })
		all.WriteString(s.text())
	}
	if *update {
		if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// text is the scene as it stands in a file.
func (s *scene) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ %s\n", s.line)
	for _, f := range s.files {
		fmt.Fprintf(&b, "+ %s %s\n", f[0], strings.ReplaceAll(f[1], "\n", `\n`))
	}
	for line := range strings.Lines(s.stdin) {
		b.WriteString(". " + line)
	}
	for i, asked := range s.asked {
		fmt.Fprintf(&b, "< %s\n", asked)
		for line := range strings.SplitSeq(s.answers[i], "\n") {
			fmt.Fprintf(&b, "%s\n", strings.TrimRight("> "+line, " "))
		}
	}
	writeLines(&b, "|", s.out)
	writeLines(&b, "!", s.err)
	if s.code != 0 {
		fmt.Fprintf(&b, "= %d\n", s.code)
	}
	return b.String()
}

func writeLines(b *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		switch line {
		case "…":
			b.WriteString(line + "\n")
		case "":
			b.WriteString(mark + "\n")
		default:
			b.WriteString(mark + " " + line + "\n")
		}
	}
}

// scene is one command of a transcript.
type scene struct {
	line     string
	files    [][2]string
	stdin    string
	asked    []string // requests, each with what it is answered
	answers  []string
	out, err []string
	code     int

	variables map[string]string
	lenient   bool // whatever is asked gets the next answer; what comes is noted
}

func parseScene(text string) *scene {
	lines := strings.Split(text, "\n")
	s := &scene{line: lines[0]}
	printed := &s.out
	for _, line := range lines[1:] {
		if line == "…" {
			*printed = append(*printed, line)
			continue
		}
		kind, rest := line, ""
		if line != "" {
			kind, rest = line[:1], strings.TrimPrefix(line[1:], " ")
		}
		switch kind {
		case "+":
			name, content, _ := strings.Cut(rest, " ")
			s.files = append(s.files, [2]string{name, strings.ReplaceAll(content, `\n`, "\n")})
		case ".":
			s.stdin += rest + "\n"
		case "<":
			s.asked, s.answers = append(s.asked, rest), append(s.answers, "")
		case ">":
			last := &s.answers[len(s.answers)-1]
			*last = strings.TrimPrefix(*last+"\n"+rest, "\n")
		case "|":
			printed = &s.out
			s.out = append(s.out, rest)
		case "!":
			printed = &s.err
			s.err = append(s.err, rest)
		case "=":
			s.code, _ = strconv.Atoi(rest)
		case "", "#":
		default:
			panic("not a line of a transcript: " + line)
		}
	}
	return s
}

func (s *scene) play(t *testing.T, address string) {
	t.Helper()
	for _, f := range s.files {
		if err := os.WriteFile(f[0], []byte(f[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	agent := &actor{scene: s}
	if address == "" {
		server := httptest.NewServer(agent)
		defer server.Close()
		address = server.Listener.Addr().String()
	}
	t.Setenv("CONSUL_HTTP_ADDR", address)
	words := splitWords(s.line)
	for len(words) > 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(words[0]) {
		name, value, _ := strings.Cut(words[0], "=")
		t.Setenv(name, strings.ReplaceAll(value, "AGENT", address))
		words = words[1:]
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "AGENT", address)
	}
	var out, errs bytes.Buffer
	code := cli.Main(append([]string{"praetor"}, words...), strings.NewReader(s.stdin), &out, &errs)
	agent.mu.Lock()
	defer agent.mu.Unlock()
	if s.lenient {
		s.note(agent.asked, linesOf(out.String()), linesOf(errs.String()), code)
		return
	}
	if code != s.code || !matches(agent.asked, s.asked) || !matches(linesOf(out.String()), s.out) || !matches(linesOf(errs.String()), s.err) {
		t.Errorf("got\n%s\nwant\n%s", shown(s.line, agent.asked, linesOf(out.String()), linesOf(errs.String()), code), shown(s.line, s.asked, s.out, s.err, s.code))
	}
}

// note takes what came for what is wanted, but where that fits already.
func (s *scene) note(asked, out, errs []string, code int) {
	for _, list := range []struct {
		wanted *[]string
		got    []string
	}{{&s.asked, asked}, {&s.out, out}, {&s.err, errs}} {
		if !matches(list.got, *list.wanted) {
			*list.wanted = list.got
		}
	}
	for len(s.answers) < len(s.asked) {
		s.answers = append(s.answers, "")
	}
	s.code = code
}

func shown(line string, asked, out, errs []string, code int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ %s\n", line)
	for i, list := range [][]string{asked, out, errs} {
		for _, text := range list {
			fmt.Fprintf(&b, "%c %s\n", "<|!"[i], text)
		}
	}
	fmt.Fprintf(&b, "= %d", code)
	return b.String()
}

// actor is the agent of a scene.
type actor struct {
	scene *scene

	mu    sync.Mutex
	asked []string
}

// sortedURI has the values of each parameter in order: the client library takes those
// of -node-meta from a map.
func sortedURI(u *url.URL) string {
	query := u.Query()
	for _, values := range query {
		if len(values) < 2 {
			continue
		}
		slices.Sort(values)
		return u.EscapedPath() + "?" + query.Encode()
	}
	return u.RequestURI()
}

// ServeHTTP answers the next request as the scene has it.
func (a *actor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	what := r.Method + " " + sortedURI(r.URL)
	if token := r.Header.Get("X-Consul-Token"); token != "" {
		what += " token=" + token
	}
	if user, password, ok := r.BasicAuth(); ok {
		what += " auth=" + user + ":" + password
	}
	what = strings.TrimSpace(what + " " + strings.TrimSpace(string(body)))
	n := len(a.asked)
	a.asked = append(a.asked, what)
	if a.scene.lenient {
		if n >= len(a.scene.answers) {
			http.Error(w, "no answer to "+what, http.StatusTeapot)
			return
		}
	} else if n >= len(a.scene.asked) || !matches([]string{what}, a.scene.asked[n:n+1]) {
		http.Error(w, "unexpected "+what, http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Consul-Index", "7")
	w.Header().Set("X-Consul-LastContact", "0")
	w.Header().Set("X-Consul-KnownLeader", "true")
	text := a.scene.answers[n]
	for name, value := range a.scene.variables {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	if status, rest, _ := strings.Cut(text, " "); len(status) == 3 && status >= "400" && status <= "599" {
		code, _ := strconv.Atoi(status)
		w.WriteHeader(code)
		text = rest
	}
	io.WriteString(w, text)
}

// linesOf splits what was printed; a last line without an end gets a mark.
func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		text += "(no newline)\n"
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// matches reports whether lines are as written.
func matches(got, want []string) bool {
	for i, pattern := range want {
		if pattern == "…" {
			for n := range len(got) - i + 1 {
				if matches(got[i+n:], want[i+1:]) {
					return true
				}
			}
			return false
		}
		if i >= len(got) {
			return false
		}
		if got[i] == pattern {
			continue
		}
		expression := "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), "…", ".*") + "$"
		if !regexp.MustCompile(expression).MatchString(got[i]) {
			return false
		}
	}
	return len(got) == len(want)
}

// splitWords splits a command line; single quotes keep words together.
func splitWords(line string) []string {
	var words []string
	word, quoted, begun := "", false, false
	for _, c := range line {
		switch {
		case c == '\'':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			if begun || word != "" {
				words = append(words, word)
			}
			word, begun = "", false
		default:
			word += string(c)
		}
	}
	if begun || word != "" {
		words = append(words, word)
	}
	return words
}
