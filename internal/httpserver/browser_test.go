package httpserver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"praetor/internal/httpserver"
)

// answers is a handler that answers all.
var answers = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })

func statusOf(t *testing.T, address, method, host string, header ...string) (int, string) {
	t.Helper()
	request := method + " /v1/query HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for _, h := range header {
		request += h + "\r\n"
	}
	res, body := exchange(t, dial(t, address), request+"Content-Length: 0\r\n\r\n")
	return res.StatusCode, body
}

func TestPagesOfOtherOriginsCannotWrite(t *testing.T) {
	address, _ := served(t, httpserver.Options{Handler: answers, Browsers: httpserver.BrowserOptions{
		Origins: []string{"https://tools.example.com"}, Hosts: []string{"node1", "consul.example.com"},
	}})
	open, _ := served(t, httpserver.Options{Handler: answers, Browsers: httpserver.BrowserOptions{Origins: []string{"*"}}})
	for _, tt := range []struct {
		name    string
		address string
		method  string
		host    string
		header  []string
		want    int
	}{
		{"a simple request of another site", address, "POST", address, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		{"of the same site", address, "POST", address, []string{"Sec-Fetch-Site: same-site"}, 403},
		{"of an old browser", address, "POST", address, []string{"Origin: http://evil.example"}, 403},
		{"of another port", address, "PUT", address, []string{"Origin: http://127.0.0.1:1"}, 403},
		{"of a sandbox", address, "DELETE", address, []string{"Origin: null"}, 403},
		{"reads", address, "GET", address, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 200},
		{"asks beforehand", address, "OPTIONS", address, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 200},
		{"our own page", address, "POST", address, []string{"Sec-Fetch-Site: same-origin", "Origin: http://" + address}, 200},
		{"our own page, old browser", address, "POST", address, []string{"Origin: http://" + address}, 200},
		{"typed by the user", address, "POST", address, []string{"Sec-Fetch-Site: none"}, 200},
		{"of an origin that may read", address, "POST", address, []string{"Sec-Fetch-Site: cross-site", "Origin: https://tools.example.com"}, 200},
		{"behind a proxy that changes Host", address, "PUT", address, []string{"Origin: http://consul.example.com"}, 200},
		{"no browser", address, "POST", address, nil, 200},
		{"all may read", open, "POST", open, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 200},
	} {
		got, body := statusOf(t, tt.address, tt.method, tt.host, tt.header...)
		if got != tt.want {
			t.Errorf("%s: got %d %q, want %d", tt.name, got, body, tt.want)
		}
		if got == 403 && !strings.Contains(body, "Access-Control-Allow-Origin") {
			t.Errorf("%s: does not name the cure: %q", tt.name, body)
		}
		if strings.Contains(body, `""`) {
			t.Errorf("%s: names an origin that was not sent: %q", tt.name, body)
		}
	}
}

func TestBrowsersReachALoopbackListenerUnderItsOwnNamesOnly(t *testing.T) {
	address, _ := served(t, httpserver.Options{Handler: answers, Browsers: httpserver.BrowserOptions{Hosts: []string{"Node1", "*.lab.example.com"}}})
	const firefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for _, tt := range []struct {
		host   string
		header []string
		want   int
	}{
		{"evil.example", []string{"Origin: http://evil.example"}, 403},
		{"evil.example:8500", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}, 403},
		{"evil.example", []string{"Sec-Fetch-Mode: navigate"}, 403},
		{"evil.example", []string{firefox, "Accept-Language: en"}, 403},
		{"localhost.evil.example", []string{"Origin: http://localhost.evil.example"}, 403},
		{"127.0.0.1.evil.example", []string{"Origin: http://127.0.0.1.evil.example"}, 403},
		{"lab.example.com", []string{"Sec-Fetch-Site: none"}, 403},
		{"evil.example", nil, 200},
		{"evil.example", []string{"User-Agent: curl/8.5.0"}, 200},
		{"consul.corp:8500", []string{"User-Agent: node", "Accept-Language: *", "Sec-Fetch-Mode: cors"}, 200},
		{"consul.corp", []string{"User-Agent: Mozilla/5.0 (Windows NT; en-US) WindowsPowerShell/5.1"}, 200},
		{"127.0.0.1:8500", []string{"Sec-Fetch-Site: none"}, 200},
		{"10.0.0.1", []string{"Sec-Fetch-Site: none"}, 200},
		{"[::1]:8500", []string{"Sec-Fetch-Site: none"}, 200},
		{"[::1]", []string{"Sec-Fetch-Site: none"}, 200},
		{"LOCALHOST:8500", []string{"Sec-Fetch-Site: none"}, 200},
		{"ui.localhost", []string{"Sec-Fetch-Site: none"}, 200},
		{"node1.", []string{"Sec-Fetch-Site: none"}, 200},
		{"ui.lab.example.com:80", []string{"Sec-Fetch-Site: none"}, 200},
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			got, body := statusOf(t, address, method, tt.host, tt.header...)
			if got != tt.want {
				t.Errorf("%s %s %v: got %d %q, want %d", method, tt.host, tt.header, got, body, tt.want)
			}
			if got == 403 && !strings.Contains(body, "http_config.allowed_hosts") {
				t.Errorf("does not name the cure: %q", body)
			}
		}
	}
}

func TestBrowsersReachOtherListenersUnderAnyName(t *testing.T) {
	l := listening(t, "tcp", "0.0.0.0:0")
	serveOn(t, l, httpserver.Options{Handler: answers})
	if got, body := statusOf(t, strings.Replace(l.Addr().String(), "[::]", "127.0.0.1", 1), "GET", "consul.corp", "Sec-Fetch-Site: none"); got != 200 {
		t.Errorf("got %d %q", got, body)
	}
}

func TestHostsThatAreAllowedLaterReachALoopbackListener(t *testing.T) {
	srv := httpserver.New(httpserver.Options{Handler: answers})
	address := serveWith(t, func(ctx context.Context, l net.Listener) error { return srv.Serve(ctx, l) })
	status := func() int {
		got, _ := statusOf(t, address, "GET", "consul.example.com", "Sec-Fetch-Site: none")
		return got
	}
	if got := status(); got != 403 {
		t.Errorf("before: %d", got)
	}
	srv.AllowHosts([]string{"consul.example.com"})
	if got := status(); got != 200 {
		t.Errorf("after: %d", got)
	}
}

// Browsers do not guess what an answer is; programs get the headers that they know.
func TestAnswersToBrowsersAreNotSniffed(t *testing.T) {
	address, _ := served(t, httpserver.Options{Handler: answers})
	for header, want := range map[string]string{
		"Sec-Fetch-Site: cross-site":                         "nosniff",
		"Origin: http://evil.example":                        "nosniff",
		"User-Agent: Mozilla/5.0\r\nAccept-Language: de, en": "nosniff",
		"User-Agent: curl/8.0":                               "",
	} {
		for _, method := range []string{"GET", "POST"} { // the latter are refused to some
			res, _ := exchange(t, dial(t, address), method+" / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"+header+"\r\n\r\n")
			if got := res.Header.Get("X-Content-Type-Options"); got != want {
				t.Errorf("%s, %s: %d, X-Content-Type-Options %q, want %q", method, header, res.StatusCode, got, want)
			}
		}
	}
}
