// Package memdb holds tables of rows in memory, with indexes, transactions and
// channels that close when what was read changes.
//
// # Use
//
// See the example. A row is a pointer; it must not be changed once it is inserted:
// insert a changed copy in its place. Keys are made by the indexes and compared as
// bytes, so that a walk goes through them in order.
//
// # Concurrency
//
// Any number of read transactions go on beside one that writes; a second writer waits
// for the first. A Txn itself belongs to one goroutine. A read transaction shows the
// moment at which it was opened, and needs no closing.
//
// # Invariants
//
// What a committed transaction replaced is never changed: it belongs to those who read
// it. A channel closes after the commit that changes what it stands for, never before,
// so who is woken sees the change. The channel of a row that exists closes when that row
// changes or goes; that of a row that is not there whenever a key below the same node of
// the tree comes, goes or changes its row; that of a prefix when the one row below it
// does or another one comes beside it, or when a key below the same node does, or what
// leads to the node is parted or joined. A row's channel may also close without a
// change if it was first asked for while a commit went on that moves the row in its tree.
//
// Prefixes of nodes point into keys, so a node may hold the key of a row that is gone:
// one for each node at most.
//
// # Decisions
//
// The trees are radix trees whose nodes are copied when they change, as in
// hashicorp/go-memdb, which stood here first. It makes two channels for each row in
// each index, of 96 bytes each, though few rows are watched, and keeps a node beside
// each leaf. Here a channel is made when somebody asks for it, and a leaf stands in its
// parent's slot; catalog/DESIGN.md has figures.
package memdb
