// Command praetor is service discovery, health checking and a key-value store
// in one binary, a drop-in replacement for Consul.
//
// # Use
//
//	praetor agent -dev
//
// # Concurrency
//
// See package cli.
//
// # Invariants
//
// Nothing but the call into package cli stands here.
//
// # Decisions
//
// Installed under the name consul the program behaves the same; only its help
// texts then say consul.
package main

import (
	"os"

	"praetor/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
