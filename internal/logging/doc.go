// Package logging builds the agent's logger and its rotating file.
//
// # Use
//
//	logger, err := logging.Open(logging.Options{Level: "INFO", Output: os.Stdout})
//	defer logger.Close()
//
// # Concurrency
//
// Logger and File may be used by any goroutine at once.
//
// # Invariants
//
// The active log file always has exactly the configured name; archives carry
// the time of their rotation. Loggers with this format read like Consul's
// (reference/cli.md §2.4).
//
// # Decisions
//
// hclog, because raft and serf speak it. The file rotates by itself instead of
// through a library: Consul's names for archives are part of the contract.
package logging
