package ops

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// Near asks for a list in order of distance from a node (reference/http-api.md
// §3.4). Distances are known within a datacenter only: a list of another one
// stays as it is. Embed it in requests whose answers can be sorted so.
type Near struct {
	NearNode       string // name; "" leaves the order as it is
	NearIP         string // in place of NearNode: the node that has this address
	NearDatacenter string // the datacenter of that node
}
