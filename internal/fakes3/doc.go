// Package fakes3 is an S3-compatible store in memory, for tests.
//
// # Use
//
//	store := fakes3.New("backups", "AKIA…", "secret")
//	web := httptest.NewServer(store)
//
// # Concurrency
//
// All methods may be called at once.
//
// # Invariants
//
// A request whose signature, time or sum is wrong gets what AWS answers it, and
// changes nothing.
//
// # Decisions
//
// It shares no code with what signs: it checks what came, as AWS documents it, and its
// own test is the examples that AWS publishes.
package fakes3
