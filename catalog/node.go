package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// Node is a machine or a stand-in for one (reference/http-catalog-health.md §1).
// Its Name is its identity, compared without regard to case.
type Node struct {
	ID              string            // UUID, lower case; may be empty for external nodes
	Node            string            // the name
	Address         string            // IP or host name
	Datacenter      string            // set when stored
	TaggedAddresses map[string]string // lan, wan, lan_ipv4, … ; nil when not given
	Meta            map[string]string // nil when not given
	Locality        *Locality
	CreateIndex     uint64
	ModifyIndex     uint64
}

// Locality is where a node or service instance runs.
type Locality struct {
	Region string
	Zone   string
}
