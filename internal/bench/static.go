package main

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// serveStatic is the limit that answers over HTTP are held against: it answers
// every request with the bytes of a file, ready in memory, over net/http. A
// request with ?index waits until somebody asks for /wake, then all are answered.
// It runs as a process of its own, as the agents do.
func serveStatic(address, file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	wake := make(chan struct{})
	var once sync.Once
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/wake":
			once.Do(func() { close(wake) })
			return
		case r.URL.RawQuery != "" && r.URL.Query().Has("index"):
			<-wake
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a client that is gone is no fault
	}))
}

// static starts serveStatic with a body, beside the agents.
func (b *bench) static(body string) *agent {
	file := b.dir + "/body"
	must(os.WriteFile(file, []byte(body), 0o644))
	self, err := os.Executable()
	must(err)
	a := &agent{name: "static", ip: "127.88.1.99", program: self}
	a.args = []string{"-static", a.ip + ":8500", "-body", file}
	b.agents = append(b.agents, a)
	a.run(b)
	eventually(func() bool { return a.try("GET", "/", "") })
	return a
}

// only makes b count the CPU of one agent.
func (b *bench) only(a *agent) *bench {
	c := *b
	c.agents = []*agent{a}
	return &c
}

// settle lets background work that a preparation left behind come to its end.
func settle() { time.Sleep(time.Second) }
