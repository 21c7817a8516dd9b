// Package pattern compiles regular expressions that come from outside, if they
// are cheap.
//
// # Use
//
//	p, err := pattern.Compile(text)
//	ok := p.MatchString(name)
//
// # Concurrency
//
// Functions without state. A Pattern may be used by many goroutines, as a
// regexp.Regexp may.
//
// # Invariants
//
// Compiling costs in proportion to the limits, not to what a text claims: eight
// bytes like ".{0,999}" stand for two thousand instructions, so their number is worked
// out before they are made. A match costs at most Instructions steps
// per byte of text (package regexp promises time linear in the text), some 40 ns
// each.
//
// # Decisions
//
// Whoever writes a pattern makes others work: those who look up a prepared query,
// the servers that filter a list, every agent that an event reaches. So the
// limits are the same everywhere, and fixed: they are far above what people write
// (an IPv4 address matched strictly has some 200 instructions).
package pattern
