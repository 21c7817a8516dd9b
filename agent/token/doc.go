// Package token keeps the secrets that the agent itself uses.
//
// # Use
//
//	s := token.Open(path, runtime.ACL, local.SyncSoon, logger)
//	err := s.SetToken(httpapi.TokenAgent, secret) // the API
//	tokens := s.Get()                             // whoever asks a server
//
// # Concurrency
//
// A Store may be used by any number of goroutines, and starts none. A file is
// written under its lock: tokens are set by hand.
//
// # Invariants
//
// A token set through the API stands before the configured one of its kind. One
// that cannot be kept is not used either. The file is the user's alone (0600),
// replaced whole, at most maxTokenFile long; no error shows what is in it.
//
// # Decisions
//
// A damaged file is put aside and the agent starts with the configured tokens:
// without an agent nobody could set them again.
package token
