package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=true
//msgp:limit arrays:65536 maps:65536

// tombstone remembers the deletion of a key, or of all keys that start with
// it, so that the index of a prefix does not go back until it is reaped.
type tombstone struct {
	Key   string
	Index uint64
}

// indexRow is a named index: the raft index of the last change to what the
// name stands for. Queries watch these rows, and a row is one channel, so a
// watch costs the same for one instance as for ten thousand.
type indexRow struct {
	Key   string
	Value uint64
}
