package duty

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/rpc"
	"praetor/raftstore"
)

const (
	// headStart is how long the address of the Raft configuration is tried alone.
	// A server on the LAN that is there answers within some milliseconds; on a
	// machine that is gone nobody answers at all, and an election cannot wait for
	// the time-out.
	headStart = 100 * time.Millisecond
	// mostAddresses bounds where one server is looked for.
	mostAddresses = 4
	// nowhere ends the address of a server that another one has taken the place
	// of, until it shows up elsewhere (parked).
	nowhere = ".moved.invalid:0"
)

// DialRaft opens a connection for Raft to a server. The address in the Raft
// configuration is tried first; where nobody answers there as this server, those
// that gossip knows for its ID. Whoever answers has said that he is this server,
// and proved to have the gossip key where there is one.
func (s *Set) DialRaft(ctx context.Context, p raftstore.Peer) (net.Conn, error) {
	servers := s.Whereabouts(p)
	if len(servers) == 0 {
		return nil, errors.New("nobody knows where server " + p.ID + " is")
	}
	conn, err := firstConn(ctx, len(servers), func(ctx context.Context, i int) (net.Conn, error) {
		srv := servers[i]
		conn, err := s.opts.Dialer.DialRaft(ctx, srv)
		if errors.Is(err, rpc.ErrNoHello) && s.gossipHas(p.ID, srv.Address) {
			return s.opts.Dialer.DialOldRaft(ctx, srv)
		}
		return conn, err
	})
	s.dialed(err)
	return conn, err
}

// Whereabouts lists where a server may be, the likeliest first.
func (s *Set) Whereabouts(p raftstore.Peer) []rpc.Server {
	var servers, dead []rpc.Server
	if !strings.HasSuffix(p.Address, nowhere) {
		servers = append(servers, rpc.Server{ID: p.ID, Datacenter: s.Datacenter, Address: p.Address})
	}
	for _, m := range s.LAN.Members() {
		info, ok := s.ownServer(m)
		switch {
		case !ok || info.ID != p.ID:
		case len(servers) > 0 && servers[0].Address == info.RPCAddress:
			servers[0] = kernel.ServerAt(info)
		case m.Status == gossip.Alive:
			servers = append(servers, kernel.ServerAt(info))
		default:
			dead = append(dead, kernel.ServerAt(info))
		}
	}
	servers = append(servers, dead...)
	return servers[:min(len(servers), mostAddresses)]
}

// ownServer reads a member that is a server of this datacenter.
func (s *Set) ownServer(m gossip.Member) (gossip.ServerInfo, bool) {
	info, ok := gossip.ParseServer(m)
	return info, ok && info.Datacenter == s.Datacenter
}

// gossipHas reports whether a living server has this ID at this address. One
// that knows no hello is believed to be there on no other word.
func (s *Set) gossipHas(id, address string) bool {
	return slices.ContainsFunc(s.LAN.Members(), func(m gossip.Member) bool {
		info, ok := s.ownServer(m)
		return ok && m.Status == gossip.Alive && info.ID == id && info.RPCAddress == address
	})
}

// InRaft reports whether a server is in the Raft configuration.
func (s *Set) InRaft(id string) bool {
	peers, _ := s.Raft.Peers() // none is known after an error
	return isIn(peers, id)
}

// Knows reports whether a server is in the Raft configuration or in gossip: by
// its ID, or by its IP address if id is "".
func (s *Set) Knows(id, ip string) bool {
	peers, _ := s.Raft.Peers() // none is known after an error
	inRaft := slices.ContainsFunc(peers, func(p raftstore.Peer) bool {
		host, _, _ := net.SplitHostPort(p.Address)
		return id != "" && p.ID == id || id == "" && host == ip
	})
	return inRaft || slices.ContainsFunc(s.LAN.Members(), func(m gossip.Member) bool {
		info, ok := s.ownServer(m)
		return ok && (id != "" && info.ID == id || id == "" && m.Addr.String() == ip)
	})
}

// attempt is what became of one of several dials.
type attempt struct {
	conn net.Conn
	err  error
}

// firstConn makes up to n dials and returns the first connection there is. The
// next dial begins when one failed, or headStart after the last began. All have
// ended when it returns.
func firstConn(ctx context.Context, n int, dial func(ctx context.Context, i int) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan attempt, n)
	begun, running := 0, 0
	begin := func() {
		i := begun
		begun, running = begun+1, running+1
		go func() { // received below
			conn, err := dial(ctx, i)
			ended <- attempt{conn, err}
		}()
	}
	var won net.Conn
	var errs []error
	tick := time.NewTicker(headStart)
	defer tick.Stop()
	for begin(); running > 0; {
		select {
		case <-tick.C:
		case a := <-ended:
			running--
			switch {
			case a.err != nil:
				errs = append(errs, a.err)
			case won == nil:
				won = a.conn
				cancel()
			default:
				a.conn.Close()
			}
		}
		if won == nil && ctx.Err() == nil && begun < n {
			begin()
			tick.Reset(headStart)
		}
	}
	if won == nil {
		return nil, errors.Join(errs...)
	}
	return won, nil
}
