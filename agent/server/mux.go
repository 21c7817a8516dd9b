package server

import (
	"praetor/agent/server/kernel"
	"praetor/agent/server/operator"
	"praetor/agent/server/query"
	"praetor/internal/rpc"
)

// families register the operations of one noun each.
var families = []func(*Server, *kernel.Mux){
	(*Server).handleKV,
	(*Server).handleSessions,
	func(s *Server, m *kernel.Mux) { query.New(s.kernel).Register(m) },
	(*Server).handleConfig,
	(*Server).handleTxn,
	(*Server).handleRegistrations,
	func(s *Server, m *kernel.Mux) { s.duties.Register(m) },
	(*Server).handleCatalog,
	(*Server).handleHealth,
	func(s *Server, m *kernel.Mux) { operator.New(s.duties, s.opts.LANKeys, s.opts.WANKeys).Register(m) },
	(*Server).handleEvents,
	(*Server).handleSnapshots,
	(*Server).handleUI,
	(*Server).handleStatus,
}

// mux lists the operations this server answers.
func (s *Server) mux() *rpc.Mux {
	m := s.registered()
	m.Wrap(s.measured.around)
	return m.Mux
}

func (s *Server) registered() *kernel.Mux {
	m := kernel.NewMux(s.opts.ACL)
	for _, family := range families {
		family(s, m)
	}
	return m
}
