package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// Header values that never change, shared by all responses.
var (
	typeJSON      = []string{"application/json"}
	typeText      = []string{"text/plain; charset=utf-8"}
	typePlain     = []string{"text/plain"}
	typeChain     = []string{"application/pem-certificate-chain"}
	headerVary    = []string{"Accept-Encoding"}
	headerTrue    = []string{"true"}
	headerFalse   = []string{"false"}
	headerZero    = []string{"0"}
	headerClose   = []string{"close"}
	headerGzip    = []string{"gzip"}
	headerBackend = []string{"blocking-query"}

	headerStreaming = []string{"streaming"}
	headerHit       = []string{"HIT"}
	headerMiss      = []string{"MISS"}
)

// indentation of ?pretty and of development agents (reference/http-api.md §2.1).
const indentation = "    "

// done answers with nothing.
func (x *exchange) done() {
	x.w.Header()["Content-Type"] = typeJSON
	x.status(http.StatusOK)
}

// status answers with a status alone.
func (x *exchange) status(code int) {
	x.wrote = true
	x.w.Header()["Content-Length"] = headerZero
	x.w.WriteHeader(code)
}

// text answers with an error's text.
func (x *exchange) text(code int, text string) {
	x.w.Header()["Content-Type"] = typeText
	x.body(code, []byte(text))
}

// bool answers with true or false.
func (x *exchange) bool(v bool) error {
	buf := getBuffer()
	defer buf.release()
	buf.b = strconv.AppendBool(buf.b, v)
	x.json(http.StatusOK, buf.b)
	return nil
}

// reply answers with what encode appends.
func (x *exchange) reply(encode func(b []byte) []byte) error {
	return x.replyStatus(http.StatusOK, encode)
}

func (x *exchange) replyStatus(code int, encode func(b []byte) []byte) error {
	buf := getBuffer()
	defer buf.release()
	buf.b = encode(buf.b)
	x.json(code, buf.b)
	return nil
}

// reflected answers with v as encoding/json sees it, for endpoints that few ask.
func (x *exchange) reflected(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.json(http.StatusOK, text)
	return nil
}

// json answers with compact JSON, indented if wanted.
func (x *exchange) json(code int, compact []byte) {
	x.w.Header()["Content-Type"] = typeJSON
	pretty := x.has("pretty")
	if !pretty && !x.api.opts.Dev {
		x.body(code, compact)
		return
	}
	end := ""
	if pretty {
		end = "\n"
	}
	x.body(code, indent(compact, end))
}

// mostIndented is how many times as long JSON may become by indenting it. Nested as
// deep as may be written it would be more than a hundred times, so deep as
// older versions took it thousands of times.
const mostIndented = 16

// indent indents compact JSON of our own making, unless that makes too much of it,
// and appends end.
func indent(compact []byte, end string) []byte {
	size := indentedBytes(compact)
	if size > mostIndented*max(len(compact), 4<<10) {
		return append(slices.Clip(compact), end...) // others may share it
	}
	var out bytes.Buffer
	out.Grow(size + len(end))
	if err := json.Indent(&out, compact, "", indentation); err != nil {
		panic("httpapi: encoder made invalid JSON: " + err.Error())
	}
	out.WriteString(end)
	return out.Bytes()
}

// indentedBytes is how long JSON gets by indenting it, at most.
func indentedBytes(compact []byte) int {
	size, depth, quoted := len(compact), 0, false
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			size += 1 + depth*len(indentation)
		case c == '}' || c == ']':
			depth--
			size += 1 + depth*len(indentation)
		case c == ',':
			size += 1 + depth*len(indentation)
		case c == ':':
			size++
		}
	}
	return size
}

// body answers with bytes, compressed if the client likes that and it pays.
func (x *exchange) body(code int, body []byte) {
	if !x.wantsGzip(len(body)) {
		x.send(code, body)
		return
	}
	buf := getBuffer()
	defer buf.release()
	buf.b = appendGzip(buf.b, body)
	x.w.Header()["Content-Encoding"] = headerGzip
	x.send(code, buf.b)
}

func (x *exchange) send(code int, body []byte) { x.sendShared(code, body, nil) }

// sendShared is send for a body that other exchanges may send too, and of is what it
// is known by.
func (x *exchange) sendShared(code int, body []byte, of any) {
	give := x.room(len(body), of)
	if give == nil {
		return
	}
	defer give()
	x.wrote = true
	h := x.w.Header()
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(code)
	_, _ = x.w.Write(body) // a client that has left is not an error
}
