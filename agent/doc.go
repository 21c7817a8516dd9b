// Package agent is the running node: it builds the parts from a finished
// configuration, owns their lives, and stops them in reverse order.
//
// # Use
//
// The package example opens and runs an agent as `praetor agent -dev` does.
//
// # Concurrency
//
// Run owns every goroutine of the node through one life.Group. The methods
// that the front doors call (Self, Join, Leave, …) may be called at any time
// while Run runs.
//
// # Invariants
//
// Open binds every address before it writes to the data folder: an agent that
// cannot start changes nothing on disk. When Run returns nothing of the agent
// runs any more.
//
// # Decisions
//
// Parts never know each other; what one must tell another (a member joined, a
// leader was elected) goes through the few methods in events.go.
package agent
