package archive

// The members of an archive, in the order they are written. Numbers in them are
// part of the format.
const (
	metaName  = "meta.json"
	stateName = "state.bin"
	sumsName  = "SHA256SUMS"

	memberMode = 0o600
)

// Bounds on what an archive may claim. The description of a cluster of a thousand
// servers has 200 KB; a state lives in memory.
const (
	maxMetaBytes  = 1 << 20
	maxSumsBytes  = 4 << 10
	maxStateBytes = 64 << 30
)

// Meta describes a state (reference/internals.md §15).
type Meta struct {
	Version            int
	ID                 string // TERM-INDEX-MILLISECONDS
	Index              uint64 // of the last entry in the state
	Term               uint64
	Peers              []byte // of old versions
	Configuration      Configuration
	ConfigurationIndex uint64
	Size               int64 // of state.bin, bytes
}

// Configuration is the servers the state was saved from. A restore does not use it.
type Configuration struct {
	Servers []Server
}

// Server is one of them. Suffrage is 0 for a voter, 1 for others.
type Server struct {
	Suffrage int
	ID       string
	Address  string
}
