package gossip

import (
	"fmt"
	"net"

	"github.com/hashicorp/serf/serf"
)

// Status is a member's state; the numbers are Consul's.
type Status int

// The states.
const (
	None Status = iota
	Alive
	Leaving
	Left
	Failed
)

var statusNames = [...]string{"none", "alive", "leaving", "left", "failed"}

// String is the word the CLI shows.
func (s Status) String() string {
	if s >= 0 && int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status %d", int(s))
}

// Member is one agent as the pool knows it. Tags is shared: do not change it.
type Member struct {
	Name   string
	Addr   net.IP
	Port   uint16
	Tags   map[string]string
	Status Status

	ProtocolMin, ProtocolMax, ProtocolCur uint8
	DelegateMin, DelegateMax, DelegateCur uint8
}

// memberOf converts; serf's status numbers are ours.
func memberOf(m *serf.Member) Member {
	return Member{
		Name:        m.Name,
		Addr:        m.Addr,
		Port:        m.Port,
		Tags:        m.Tags,
		Status:      Status(m.Status),
		ProtocolMin: m.ProtocolMin,
		ProtocolMax: m.ProtocolMax,
		ProtocolCur: m.ProtocolCur,
		DelegateMin: m.DelegateMin,
		DelegateMax: m.DelegateMax,
		DelegateCur: m.DelegateCur,
	}
}
