package testkernel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/hashicorp/serf/coordinate"

	"praetor/agent/server/kernel"
	"praetor/gossip"
)

// ID is the node ID of server i.
func ID(i int) string { return fmt.Sprintf("%08d-0000-0000-0000-000000000000", i) }

func ip(i int) net.IP { return net.IPv4(10, 0, 0, byte(i)) }

// Member is server i of dc1 as gossip has it, alive, with other tags where change, which
// may be nil, says so.
func Member(i int, change func(*gossip.ServerTags)) gossip.Member {
	tags := gossip.ServerTags{ID: ID(i), Datacenter: "dc1", RPCPort: 8300, WANJoinPort: 8302}
	if change != nil {
		change(&tags)
	}
	return gossip.Member{Name: fmt.Sprint("s", i), Addr: ip(i), Port: 8301, Tags: tags.Map(), Status: gossip.Alive, ProtocolCur: 2, ProtocolMin: 1, ProtocolMax: 5}
}

// Client is a client agent of dc1 as gossip has it, alive, at 10.0.1.i, with ID(100+i).
func Client(name string, i int) gossip.Member {
	return gossip.Member{Name: name, Addr: net.IPv4(10, 0, 1, byte(i)), Port: 8301, Tags: gossip.ClientTags{ID: ID(100 + i), Datacenter: "dc1"}.Map(), Status: gossip.Alive}
}

// As is a member with another status.
func As(m gossip.Member, status gossip.Status) gossip.Member {
	m.Status = status
	return m
}

// Pool is a gossip pool whose members the test chooses.
type Pool struct {
	// Answer answers Ask; nil for nobody.
	Answer func(member, name string, payload []byte) ([]byte, error)
	// Who answers Identify; nil for the members that live.
	Who func(m gossip.Member) (gossip.Identity, error)
	// Places are where members are, "" this server itself.
	Places map[string]*coordinate.Coordinate
	// Fault is what Fire and ForceLeave return.
	Fault error

	mu sync.Mutex

	members []gossip.Member
	did     []string
}

// NewPool returns a pool of some members.
func NewPool(members ...gossip.Member) *Pool { return &Pool{members: members} }

// Set makes others the members.
func (p *Pool) Set(members ...gossip.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.members = members
}

// Did is what was fired and who was made to leave, in order.
func (p *Pool) Did() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.did)
}

func (p *Pool) note(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did = append(p.did, fmt.Sprintf(format, args...))
	return p.Fault
}

// Members is for kernel.Pool, as all that follows.
func (p *Pool) Members() []gossip.Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.members)
}

// ForceLeave notes who is to leave.
func (p *Pool) ForceLeave(name string, prune bool) error {
	return p.note("leave %s, prune %t", name, prune)
}

// Fire notes the event.
func (p *Pool) Fire(name string, payload []byte) error { return p.note("fire %s %s", name, payload) }

// Ask asks Answer.
func (p *Pool) Ask(_ context.Context, member, name string, payload []byte) ([]byte, error) {
	if p.Answer == nil {
		return nil, gossip.ErrNoAnswer
	}
	return p.Answer(member, name, payload)
}

// Identify asks Who.
func (p *Pool) Identify(_ context.Context, asked gossip.Member) (gossip.Identity, error) {
	if p.Who != nil {
		return p.Who(asked)
	}
	for _, m := range p.Members() {
		if m.Addr.Equal(asked.Addr) && m.Status == gossip.Alive {
			return gossip.Identity{Name: m.Name, ID: m.Tags["id"]}, nil
		}
	}
	return gossip.Identity{}, errors.New("nobody answers")
}

// Doubt notes whose end was seen.
func (p *Pool) Doubt(id string) { _ = p.note("doubt %s", id) }

// Coordinate is this server's place.
func (p *Pool) Coordinate() *coordinate.Coordinate { return p.Places[""] }

// CachedCoordinate is a member's.
func (p *Pool) CachedCoordinate(name string) *coordinate.Coordinate { return p.Places[name] }

var _ kernel.Pool = (*Pool)(nil)
