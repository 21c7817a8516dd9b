package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

func TestTheClientReadsTheAgentItself(t *testing.T) {
	t.Parallel()
	n := newNode(t, "self", "127.78.8.1", "-dev").start()
	client, err := api.NewClient(&api.Config{Address: n.ip + ":8500"})
	if err != nil {
		t.Fatal(err)
	}
	agent := client.Agent()
	var self map[string]map[string]any
	waitFor(t, "an answer", time.Minute, func() (err error) {
		self, err = agent.Self()
		return err
	})
	if self["Config"]["NodeName"] != "self" || self["Config"]["Version"] != "1.22.7" || self["xDS"]["Port"] != 8503.0 {
		t.Errorf("self: %v", self["Config"])
	}
	if tags := self["Member"]["Tags"].(map[string]any); tags["build"] != "1.22.7:" {
		t.Errorf("build tag is %v", tags["build"])
	}
	if host, err := agent.Host(); err != nil || host["Memory"] == nil || host["Host"] == nil || host["Disk"] == nil {
		t.Errorf("host: %v, %v", host, err)
	}
	if v, err := agent.Version(); err != nil || v["HumanVersion"] != "1.22.7" {
		t.Errorf("version: %v, %v", v, err)
	}
	waitFor(t, "figures of Raft and of the runtime", time.Minute, func() error {
		figures, err := agent.Metrics()
		if err != nil {
			return err
		}
		text, err := json.Marshal(figures)
		if err != nil {
			return err
		}
		for _, want := range []string{`"consul.raft.`, `.runtime.num_goroutines"`, `.state.nodes"`, `"consul.api.http"`} {
			if !strings.Contains(string(text), want) {
				return fmt.Errorf("no %s in %s", want, text)
			}
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	stream, err := agent.MetricsStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var interval api.MetricsInfo
	if err := json.NewDecoder(stream).Decode(&interval); err != nil || len(interval.Gauges) == 0 {
		t.Errorf("stream: %+v, %v", interval, err)
	}
	for name, set := range map[string]func(string, *api.WriteOptions) (*api.WriteMeta, error){
		"default": agent.UpdateDefaultACLToken, "agent": agent.UpdateAgentACLToken, "dns": agent.UpdateDNSToken,
		"replication": agent.UpdateReplicationACLToken, "file": agent.UpdateConfigFileRegistrationToken,
	} {
		if _, err := set("x", nil); err == nil || !strings.Contains(err.Error(), "401 (ACL support disabled)") {
			t.Errorf("token %s: %v", name, err)
		}
	}
}

func TestTheClientFollowsTheLog(t *testing.T) {
	t.Parallel()
	n := newNode(t, "log", "127.78.8.2", "-dev", "-log-level=error").start()
	client, err := api.NewClient(&api.Config{Address: n.ip + ":8500"})
	if err != nil {
		t.Fatal(err)
	}
	agent := client.Agent()
	waitFor(t, "an answer", time.Minute, func() error {
		_, err := agent.Self()
		return err
	})
	stop := make(chan struct{})
	defer close(stop)
	text, err := agent.Monitor("warn", stop, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := agent.MonitorJSON("warn", stop, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.ServiceRegister(&api.AgentServiceRegistration{Name: "a_b"}); err != nil {
		t.Fatal(err)
	}
	wantLine(t, text, "Service name will not be discoverable via DNS", "service=a_b")
	wantLine(t, lines, `"@message":"Service name will not be discoverable via DNS`, `"service":"a_b"`)
	if err := agent.EnableNodeMaintenance("why"); err != nil {
		t.Error(err)
	}
	if checks, err := agent.Checks(); err != nil || checks["_node_maintenance"] == nil {
		t.Errorf("checks: %v, %v", checks, err)
	}
	if err := agent.DisableNodeMaintenance(); err != nil {
		t.Error(err)
	}
}

// wantLine reads until a line has all the parts.
func wantLine(t *testing.T, lines <-chan string, parts ...string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	last := "nothing"
read:
	for {
		select {
		case last = <-lines:
		case <-deadline:
			t.Fatalf("no line with %q; the last was %s", parts, last)
		}
		for _, part := range parts {
			if !strings.Contains(last, part) {
				continue read
			}
		}
		return
	}
}
