// Package config turns files, fragments and flags into one finished, immutable
// configuration of an agent.
//
// # Use
//
// The package example loads a configuration, and one with a fault. Commands register
// every agent flag with Flags.Register first.
//
// A running agent calls rt.Reload and compares. The validate command calls
// Validate.
//
// # Concurrency
//
// A Runtime is never changed, so everyone may read it. Load, Reload and
// Validate may run at once; they start no goroutine.
//
// # Invariants
//
// Sources are merged in the order of reference/config.md §1.1 and by the rules
// of §1.2. A key nobody knows is an error. All faults of all sources are
// reported together, and a fault changes nothing: only NodeID writes. One
// source is at most 16 MiB and 500 levels deep.
//
// # Decisions
//
// Defaults are written in HCL and pass through the same parser as what users
// write, so there is one way in. The struct settings, with its tags, is the
// single list of keys: decoding, merging, hints, warnings and documentation
// (Keys) all walk it.
//
// Consul's texts are kept byte for byte. What we add, a suggestion or the file
// that set a value, stands on a line of its own after them.
//
// Merging uses reflection: it runs once per start, and a hand-written merge of
// 400 keys is where one is forgotten.
package config
