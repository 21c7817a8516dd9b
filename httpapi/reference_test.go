package httpapi_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"praetor/httpapi"
)

// reference.txt describes every endpoint; docs/api.md and docs/openapi.json are made of
// it. Its lines: "= " a part of the page, "METHOD path LETTERS" an operation, "? "
// a parameter, "> " the body, "< " the answer, "! " a refusal, "@ " the right. Letters:
// B waits with ?index, C has consistency modes, K knows ?cached, F knows ?filter.
const reference = "reference.txt"

var update = flag.Bool("update", false, "write docs/api.md and docs/openapi.json")

type part struct {
	title, text string
	operations  []*operation
}

type operation struct {
	method, path, letters string
	text, body, answer    string
	right                 string
	parameters, refusals  [][2]string
}

func readReference(t *testing.T) []*part {
	t.Helper()
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var parts []*part
	var op *operation
	pair := func(s, cut string) [2]string {
		a, b, ok := strings.Cut(s, cut)
		if !ok {
			t.Errorf("%s: %q has no meaning", reference, s)
		}
		return [2]string{a, b}
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
			op = nil
		case mark == "=":
			parts, op = append(parts, &part{title: rest}), nil
		case slices.Contains([]string{"GET", "PUT", "POST", "DELETE"}, mark):
			path, letters, _ := strings.Cut(rest, " ")
			op = &operation{method: mark, path: path, letters: letters}
			parts[len(parts)-1].operations = append(parts[len(parts)-1].operations, op)
		case op == nil:
			p := parts[len(parts)-1]
			p.text = strings.TrimSpace(p.text + "\n" + line)
		case mark == "?":
			op.parameters = append(op.parameters, pair(rest, ": "))
		case mark == "!":
			op.refusals = append(op.refusals, pair(rest, " "))
		case mark == ">":
			op.body = rest
		case mark == "<":
			op.answer = rest
		case mark == "@":
			op.right = rest
		default:
			op.text = strings.TrimSpace(op.text + " " + line)
		}
	}
	return parts
}

func (o *operation) has(letter string) bool { return strings.Contains(o.letters, letter) }

// names are the parameters in the path.
func (o *operation) names() []string {
	var names []string
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(o.path, -1) {
		names = append(names, m[1])
	}
	return names
}

// shared are the parameters that letters stand for.
var shared = []struct{ letter, name, meaning string }{
	{"B", "index", "wait until the answer's index is past this one"},
	{"B", "wait", "with index: how long at most, 5m if not given, 10m at most"},
	{"C", "dc", "ask this datacenter"},
	{"C", "consistent", "the leader asks a quorum first"},
	{"C", "stale", "any server may answer"},
	{"C", "max_stale", "as stale, but no older than this"},
	{"C", "leader", "as without any, where discovery_max_stale is set"},
	{"K", "cached", "what the agent has, kept fresh by it"},
	{"F", "filter", "only what this expression is true of"},
}

// everywhere are the parameters that the first part of the page explains.
var everywhere = []string{"token", "dc", "datacenter", "pretty", "ns", "partition"}

// TestEveryEndpointIsDescribed compares the reference with the routes: each operation is
// one that is served, and each that is served is there.
func TestEveryEndpointIsDescribed(t *testing.T) {
	described := map[string]bool{}
	for _, p := range readReference(t) {
		for _, o := range p.operations {
			pattern, _, _ := strings.Cut(o.path, "{")
			if o.path == "/v1/acl/token/self" || !strings.Contains(o.path, "{") {
				pattern = o.path
			}
			described[o.method+" "+pattern] = true
			cached, blocks := httpapi.Traits(pattern)
			if cached != o.has("K") && !strings.HasPrefix(pattern, "/v1/query/") && !strings.HasPrefix(pattern, "/v1/agent/") {
				t.Errorf("%s %s: ?cached %t, documented %t", o.method, o.path, cached, o.has("K"))
			}
			if blocks && o.method == "GET" && !o.has("B") && !strings.Contains(o.path, "}/") {
				t.Errorf("%s %s: blocks, which is not documented", o.method, o.path)
			}
			if o.text == "" || o.right == "" || o.method == "GET" && o.answer == "" || o.method == "GET" && o.body != "" {
				t.Errorf("%s %s: text %q, right %q, answer %q, body %q", o.method, o.path, o.text, o.right, o.answer, o.body)
			}
		}
	}
	served := map[string]bool{}
	for _, r := range httpapi.Routes() {
		for _, m := range r.Methods {
			served[m+" "+r.Pattern] = true
		}
	}
	for _, o := range slices.Sorted(maps.Keys(served)) {
		if !described[o] {
			t.Errorf("%s is not in %s", o, reference)
		}
	}
	for _, o := range slices.Sorted(maps.Keys(described)) {
		if !served[o] {
			t.Errorf("%s is in %s and not served", o, reference)
		}
	}
}

// TestEveryParameterIsDescribed compares the reference with the parameters that
// the package reads by name.
func TestEveryParameterIsDescribed(t *testing.T) {
	described := slices.Clone(everywhere)
	for _, s := range shared {
		described = append(described, s.name)
	}
	for _, p := range readReference(t) {
		for _, o := range p.operations {
			for _, q := range o.parameters {
				described = append(described, q[0])
			}
		}
	}
	// Those that are refused or change nothing but where the answer comes from.
	silent := []string{"sg", "sameness-group", "merge-central-config"}
	asks := regexp.MustCompile(`(?:query\.Get\(|\.has\(|query\[|\.flag\(|\.number\()"([\w-]+)"`)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asks.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(described, m[1]) && !slices.Contains(silent, m[1]) {
				t.Errorf("%s reads ?%s, which %s does not name", f.Name(), m[1], reference)
			}
		}
	}
}

// TestAPIPagesAreUpToDate keeps docs/api.md and docs/openapi.json what the reference says.
func TestAPIPagesAreUpToDate(t *testing.T) {
	parts := readReference(t)
	for page, got := range map[string]string{"../docs/api.md": apiPage(parts), "../docs/openapi.json": openAPI(t, parts)} {
		if *update {
			if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(page); err != nil || string(kept) != got {
			t.Errorf("%s is not what %s says (%v): go test ./httpapi -run APIPages -update", page, reference, err)
		}
	}
}

func apiPage(parts []*part) string {
	var b strings.Builder
	b.WriteString(`# HTTP API

Made from ` + "`httpapi/reference.txt`" + `, which a test compares with the routes; [openapi.json](openapi.json) is the same for programs (OpenAPI 3.1).
Everything is Consul's, to the byte, but for what is marked as Praetor's own.

` + "    curl 'http://127.0.0.1:8500/v1/health/service/web?passing'" + `

**Token**: header ` + "`X-Consul-Token`, `Authorization: Bearer …`" + `, or ` + "`?token=`" + ` (ends up in logs of proxies: avoid it). Rights below are what it needs where access
rules are on; "left out" means that an answer leaves out what the token may not see, and has ` + "`X-Consul-Results-Filtered-By-ACLs: true`" + `.
**Datacenter**: ` + "`?dc=`" + `. **Readable JSON**: ` + "`?pretty`" + `. Namespaces and partitions are refused, as Consul's free edition does.

**Blocking** reads take ` + "`?index=`" + ` (` + "`X-Consul-Index`" + ` of the last answer) and ` + "`?wait=`" + `; **consistency** is ` + "`?stale`, `?consistent`, `?max_stale=`" + ` or none; **cached** is
` + "`?cached`" + `; **filter** is ` + "`?filter=`" + `. How to use them: [clients.md](clients.md).

**Errors** are plain text. Beside those listed: 400 a malformed request; 403 the token may not, or is unknown (` + "`Permission denied`, `ACL not found`" + `);
405 another method; 413 too long a body; 429 too many requests or connections (` + "`Retry-After`" + `); 500 everything else, among it ` + "`No cluster leader`" + ` and
` + "`No path to datacenter`" + `; 503 too many answers are waiting for their readers.

| part | |
|---|---|
`)
	for _, p := range parts {
		fmt.Fprintf(&b, "| [%s](#%s) | %d operations |\n", p.title, anchor(p.title), len(p.operations))
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "\n## %s\n", p.title)
		if p.text != "" {
			fmt.Fprintf(&b, "\n%s\n", p.text)
		}
		for _, o := range p.operations {
			o.write(&b)
		}
	}
	return b.String()
}

func anchor(title string) string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(strings.ToLower(title))
}

func (o *operation) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n### `%s %s`\n\n%s\n\n", o.method, o.path, o.text)
	for _, q := range o.parameters {
		fmt.Fprintf(b, "* `?%s`: %s\n", q[0], q[1])
	}
	if o.body != "" {
		fmt.Fprintf(b, "* Body: %s\n", o.body)
	}
	if o.answer == "" {
		o.answer = "empty"
	}
	fmt.Fprintf(b, "* Answer: %s\n", o.answer)
	var ways []string
	for _, way := range []struct{ letter, word string }{{"B", "blocking"}, {"C", "consistency"}, {"K", "cached"}, {"F", "filter"}} {
		if o.has(way.letter) {
			ways = append(ways, way.word)
		}
	}
	if len(ways) > 0 {
		fmt.Fprintf(b, "* Takes: %s\n", strings.Join(ways, ", "))
	}
	fmt.Fprintf(b, "* Right: %s\n", o.right)
	for _, r := range o.refusals {
		fmt.Fprintf(b, "* %s: %s\n", r[0], r[1])
	}
}

// openAPI is the reference as an OpenAPI 3.1 document, keys in order so that it reads.
func openAPI(t *testing.T, parts []*part) string {
	t.Helper()
	type object = map[string]any
	content := func(text string) object {
		switch {
		case strings.HasPrefix(text, "object"):
			return object{"application/json": object{"schema": object{"type": "object"}}}
		case strings.HasPrefix(text, "list"):
			return object{"application/json": object{"schema": object{"type": "array"}}}
		case strings.Contains(text, "bytes") || strings.Contains(text, "archive"):
			return object{"application/octet-stream": object{}}
		}
		return object{"application/json": object{}}
	}
	parameters := object{"pretty": object{"name": "pretty", "in": "query", "description": "readable JSON", "allowEmptyValue": true, "schema": object{"type": "string"}}}
	for _, s := range shared {
		parameters[s.name] = object{"name": s.name, "in": "query", "description": s.meaning, "allowEmptyValue": true, "schema": object{"type": "string"}}
	}
	paths, ids := map[string]object{}, map[string]bool{}
	var tags []object
	for _, p := range parts {
		tags = append(tags, object{"name": p.title, "description": p.text})
		for _, o := range p.operations {
			id := strings.ToLower(o.method) + strings.Join(strings.FieldsFunc(strings.TrimPrefix(o.path, "/v1"), func(r rune) bool { return strings.ContainsRune("/{}-", r) }), "_")
			if ids[id] {
				t.Errorf("%s %s is there twice", o.method, o.path)
			}
			ids[id] = true
			var list []object
			for _, name := range o.names() {
				list = append(list, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}})
			}
			for _, q := range o.parameters {
				list = append(list, object{"name": q[0], "in": "query", "description": q[1], "allowEmptyValue": true, "schema": object{"type": "string"}})
			}
			own := func(name string) bool {
				return slices.ContainsFunc(o.parameters, func(q [2]string) bool { return q[0] == name })
			}
			for _, s := range shared {
				if o.has(s.letter) && !own(s.name) {
					list = append(list, object{"$ref": "#/components/parameters/" + s.name})
				}
			}
			answer := object{"description": "done"}
			if o.answer != "" {
				answer = object{"description": o.answer, "content": content(o.answer)}
			}
			answers := object{"200": answer, "default": object{"$ref": "#/components/responses/error"}}
			for _, r := range o.refusals {
				answers[r[0]] = object{"description": r[1]}
			}
			entry := object{"operationId": id, "tags": []string{p.title}, "summary": o.text, "description": "Right: " + o.right, "responses": answers}
			if len(list) > 0 {
				entry["parameters"] = list
			}
			if o.body != "" {
				entry["requestBody"] = object{"description": o.body, "content": content(o.body)}
			}
			if paths[o.path] == nil {
				paths[o.path] = object{}
			}
			paths[o.path][strings.ToLower(o.method)] = entry
		}
	}
	text, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info":    object{"title": "Praetor", "version": "1", "summary": "The HTTP API of a Praetor agent, which is Consul's.", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"}},
		"servers": []object{{"url": "http://127.0.0.1:8500"}},
		"tags":    tags,
		"paths":   paths,
		"components": object{
			"parameters":      parameters,
			"responses":       object{"error": object{"description": "refused or failed", "content": object{"text/plain": object{"schema": object{"type": "string"}}}}},
			"securitySchemes": object{"token": object{"type": "apiKey", "in": "header", "name": "X-Consul-Token"}},
		},
		"security": []object{{"token": []string{}}, {}},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}
