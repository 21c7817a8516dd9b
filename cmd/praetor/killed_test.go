//go:build unix

package main_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process that was killed refuses connections, and fails for that; one that was
// stopped has its socket yet, and the time that gossip gives whoever is silent.
func TestKilledAgentFailsByItsRefusalsAndAStoppedOneDoesNot(t *testing.T) {
	t.Parallel()
	const network = "127.77.185."
	server := newNode(t, "server", network+"1", "-server", "-bootstrap-expect=1").start()
	var clients []*node
	for i, name := range []string{"killed", "stopped", "other"} {
		ip := network + string(rune('2'+i))
		clients = append(clients, newNode(t, name, ip, "-retry-join="+server.ip).start())
	}
	killed, stopped, other := clients[0], clients[1], clients[2]
	for _, c := range clients {
		waitFor(t, c.name+" in the catalog", 20*time.Second, func() error { return wantSerfHealth(server, c.name, "passing") })
	}
	if err := stopped.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	killed.kill()
	took := waitFor(t, "killed agent critical", 4*time.Second, func() error { return wantSerfHealth(server, "killed", "critical") })
	t.Logf("critical after %s", took.Round(time.Millisecond))
	if err := stopped.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "agent that goes on", 40*time.Second, func() error { return wantSerfHealth(server, "stopped", "passing") })
	other.kill()
	server.kill()
	said := server.log.String() + other.log.String()
	const ended = "member's process has ended: its address refuses connections: member="
	if !strings.Contains(said, ended+"killed ") {
		t.Errorf("nobody was refused by the killed agent:\n%s", server.tail())
	}
	if strings.Contains(said, ended+"stopped ") {
		t.Errorf("the stopped agent was taken for dead by a refusal:\n%s", server.tail())
	}
}
