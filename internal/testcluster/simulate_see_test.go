package testcluster_test

import (
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"praetor/internal/linear"
)

// see starts who writes and who looks: those who wait for a key, and those who read the
// catalog. What it returns makes the last changes, and wants everybody to see them.
func (s *simulation) see(all *sync.WaitGroup) (finish func()) {
	var servers, clients []linear.Place
	for _, m := range s.home {
		if m.server {
			servers = append(servers, m)
		} else {
			clients = append(clients, m)
		}
	}
	s.seers = linear.NewSeers(s.TB, s.begin, s.plan.seed, servers, clients)
	s.c.WaitFor("a prepared query", func() error { return s.seers.Prepare(servers[0]) })
	end := s.seers.Start(s.ctx, all)
	return func() { end(time.Second, s.c.WaitFor) }
}

// Resolve asks the machine's DNS, without a socket.
func (m *machine) Resolve(q *dns.Msg) (*dns.Msg, error) {
	server := m.dns()
	if server == nil {
		return nil, errGone
	}
	query, err := q.Pack()
	if err != nil {
		return nil, err
	}
	reply := new(dns.Msg)
	return reply, reply.Unpack(server.Answer(m.s.ctx, nil, query, netip.MustParseAddrPort("127.0.0.1:5353"), true))
}
