package msgreflect_test

import (
	"fmt"

	"praetor/internal/msgreflect"
)

// Leave is a message that is sent now and then.
type Leave struct {
	Node   string
	Reason string
	Seen   int `msg:"-"` // does not travel
}

func (z *Leave) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *Leave) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *Leave) Msgsize() int                          { return msgreflect.Size(z) }

func Example() {
	sent := &Leave{Node: "web-1", Reason: "maintenance", Seen: 3}
	b, err := sent.MarshalMsg(nil)
	if err != nil {
		panic(err)
	}
	var got Leave
	rest, err := got.UnmarshalMsg(b)
	fmt.Printf("%+v %d %v %t\n", got, len(rest), err, len(b) <= sent.Msgsize())
	// Output: {Node:web-1 Reason:maintenance Seen:0} 0 <nil> true
}
