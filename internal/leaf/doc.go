// Package leaf keeps the certificates of the services of one agent, and renews them.
//
// # Use
//
// New makes the leaves of an agent, Run renews them until its context ends, Get hands
// one out, or waits for the next. leaf_test.go plays the servers.
//
// # Concurrency
//
// All methods may be called at once. Run owns one goroutine that follows the roots and
// up to maxRenewals that renew; it returns when all have ended. What Get signs it signs in
// its caller's goroutine; of many who ask for one service one does.
//
// # Invariants
//
// A private key is made here and leaves only through Get. Whoever calls Get has seen to
// the caller's rights: a leaf is given to all who have them, and only new ones are
// signed by a server, which asks again. A leaf is for the one URI that it was asked for
// and has the key that was made for it. There are maxLeaves at most; one that nobody asked
// for in a day is not renewed any more, and is forgotten when it ends.
//
// # Decisions
//
// A leaf is renewed with the token that asked for it last. When that one may not any
// more the leaf is forgotten, and who waits for it asks with a token of his own. The roots
// are followed only while there is a leaf: most client agents have none.
package leaf
