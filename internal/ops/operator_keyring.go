package ops

import (
	"praetor/internal/rpc"
)

// OperatorKeyring lists or changes the gossip encryption keys, in the pools of
// every datacenter.
var OperatorKeyring = rpc.ReadAny[OperatorKeyringRequest, OperatorKeyringReply]("Operator.Keyring")

// KeyringAction is what is to be done about keys.
type KeyringAction string

// The actions.
const (
	KeyringList    KeyringAction = "list"
	KeyringInstall KeyringAction = "install"
	KeyringUse     KeyringAction = "use"
	KeyringRemove  KeyringAction = "remove"
)

type OperatorKeyringRequest struct {
	rpc.ReadOptions
	Action      KeyringAction
	Key         string // base64; not for KeyringList
	RelayFactor int    // 0 to 5
	LANOnly     bool   // just the LAN pool of one datacenter
	// Part is set by a server that asks other datacenters: what members say
	// against it is in the reply, else it is the error.
	Part bool
}

type OperatorKeyringReply struct {
	Pools []KeyringPool
}

// KeyringPool is what the members of one pool answered.
type KeyringPool struct {
	WAN         bool
	Datacenter  string
	Messages    map[string]string // by member
	Keys        map[string]int    // key to members that have it
	PrimaryKeys map[string]int
	Members     int
	Error       string // why it failed, "" if it did not
}
