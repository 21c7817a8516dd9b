// Package cli is the command line: one file per command.
//
// # Use
//
//	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
//
// # Concurrency
//
// One command runs per process, on the caller's goroutine.
//
// # Invariants
//
// Commands other than agent, validate, keygen and version talk to a running
// agent only, through the public Consul client library. Results go to stdout,
// everything else to stderr. Texts and exit codes are those of
// reference/cli.md.
//
// # Decisions
//
// Cobra parses, but people type Go-style flags (-server, -bind=ADDR): args.go
// rewrites them once for all commands, because pflag would read -server as six
// one-letter flags.
package cli
