package rpc

import "time"

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// WriteOptions is embedded by every request that changes state.
type WriteOptions struct {
	Datacenter string // "" = the receiver's own
	Token      string // secret; never logged
}

// Target implements Routed.
func (o *WriteOptions) Target() (string, string, bool) { return o.Datacenter, o.Token, false }

// WriteOpts gives the options to code that handles all writes alike. Requests have a field
// named Write, which would hide a method of that name.
func (o *WriteOptions) WriteOpts() *WriteOptions { return o }

// ReadOptions is embedded by every request that reads.
type ReadOptions struct {
	Datacenter string // "" = the receiver's own
	Token      string // secret; never logged

	// MinIndex, when not zero, makes the read block until the answer's index
	// is greater, or MaxWait is over.
	MinIndex uint64
	// MaxWait bounds a blocking read; 0 means the default of 5 minutes, more
	// than 10 minutes means 10. The server adds up to a sixteenth of it.
	MaxWait time.Duration

	// Stale lets any server answer from its own state, Consistent makes the
	// leader confirm with a quorum first; neither: the leader answers under
	// its lease. At most one is set.
	Stale      bool
	Consistent bool
	// MaxStale, when not zero and Stale is set, makes the caller ask again in
	// default mode if the answer's LastContact exceeds it.
	MaxStale time.Duration

	// Live asks to be told for how long the reply holds, which is known only if
	// it is made in this process.
	Live bool `msg:"-"`
}

// Target implements Routed.
func (o *ReadOptions) Target() (string, string, bool) { return o.Datacenter, o.Token, o.Stale }

// ReadOpts gives the options to code that handles all reads alike.
func (o *ReadOptions) ReadOpts() *ReadOptions { return o }

// ReadMeta is embedded by every reply to a read.
type ReadMeta struct {
	// Index is what a caller passes as MinIndex next time. Never 0.
	Index uint64
	// KnownLeader reports whether the answering server knows a leader.
	KnownLeader bool
	// LastContact is how long ago the answering server heard its leader; 0 on
	// the leader itself.
	LastContact time.Duration
	// Consistency is "leader", "stale" or "consistent": how it was answered.
	Consistency string
	// Filtered tells that the token hid something.
	Filtered bool
	// Expired says that a blocking read's time was up: most likely the answer is
	// what it was, though its index may have moved.
	Expired bool
	// Absent says that there is nothing of what was asked for: a blocking read that
	// found that goes on while it stays so, whatever becomes of the index.
	Absent bool `msg:"-"`
	// Shared says that others in this process are given the very list or map of this
	// reply for the same request, as long as it holds: what is made of it is worth
	// keeping. A reply from another agent is its caller's alone.
	Shared bool `msg:"-"`
	// Live is set if the request asked for it and it is known.
	Live *Live `msg:"-"`
}

// Meta gives the meta data to code that handles all replies alike.
func (m *ReadMeta) Meta() *ReadMeta { return m }
