// Package shape looks at what came from outside before it is decoded: how much a
// few bytes will become.
//
// # Use
//
//	size, rest, err := shape.Of(message)       // MessagePack
//	d := json.NewDecoder(shape.NewReader(body)) // JSON
//
// # Concurrency
//
// Functions without state; a Reader is for one goroutine.
//
// # Invariants
//
// Looking costs time in proportion to the bytes, no memory, and no stack. A header
// that claims more than follows is an error, so that nobody makes room for what is
// not there.
//
// # Decisions
//
// An empty map is one byte of MessagePack and two of JSON, and a record of a kilobyte
// when it is decoded: a megabyte became 1.5 GB. What people and programs write
// has the names of a record's members in it, some dozens of bytes at least.
// So records are counted, and there may be so many as fit the bytes with room
// to spare; whoever decodes says how many (Size.Dense, MaxRecords).
package shape
