// Package version says which Praetor this is and which Consul it stands in for.
//
// # Use
//
//	tags["build"] = version.Compatible + ":"
//
// # Concurrency
//
// Constants, and variables set by the linker only.
//
// # Invariants
//
// Compatible is shaped like a Consul version, because clients gate features on
// it (reference/clients.md).
//
// # Decisions
//
// Two numbers: what we are, and what we speak. The second stands where Consul
// reports its version, the first where it reports its revision, and alone in
// `praetor version -praetor`.
package version

// Compatible is the Consul version whose behaviour this build reproduces.
const Compatible = "1.22.7"

// BuildDate is reported where Consul reports its own, RFC 3339.
const BuildDate = "2026-11-23T00:00:00Z"

// Praetor is this program's own version. A release sets it by the linker
// (-X praetor/internal/version.Praetor=…): see internal/release.
var Praetor = "0.1.0"

// commit is what the binary was built from; the linker sets it
// (-X praetor/internal/version.commit=…). Empty in plain `go build`.
var commit = ""

// Revision is what we are, reported where Consul reports its own commit.
func Revision() string {
	if commit == "" {
		return "praetor-" + Praetor
	}
	return "praetor-" + Praetor + "-" + commit
}

// Full is what we are, with the commit if it is known: for people.
func Full() string {
	if commit == "" {
		return Praetor
	}
	return Praetor + " (" + commit + ")"
}
