package server_test

import (
	"testing"

	"praetor/agent/server"
)

func TestOpenNamesAllThatIsMissingInOneOrder(t *testing.T) {
	const want = "server: needs a name\nserver: needs an ID\nserver: needs a datacenter\nserver: needs an address\nserver: needs a listener\nserver: needs a LAN pool"
	for range 20 {
		if _, err := server.Open(server.Options{}); err == nil || err.Error() != want {
			t.Fatalf("%v, want %s", err, want)
		}
	}
}
