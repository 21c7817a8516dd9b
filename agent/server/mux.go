package server

import (
	"praetor/agent/server/kernel"
	"praetor/agent/server/operator"
	"praetor/agent/server/query"
	"praetor/internal/rpc"
)

// families register the operations of one noun each.
var families = []func(*Server, *kernel.Mux){
	(*Server).registerKV,
	(*Server).registerHistory,
	(*Server).registerSessions,
	func(s *Server, m *kernel.Mux) { query.New(s.kernel).Register(m) },
	(*Server).registerConfig,
	(*Server).registerIntentions,
	(*Server).registerTxn,
	(*Server).registerRegistrations,
	func(s *Server, m *kernel.Mux) { s.duties.Register(m) },
	(*Server).registerCatalog,
	(*Server).registerHealth,
	func(s *Server, m *kernel.Mux) { operator.New(s.duties, s.opts.LANKeys, s.opts.WANKeys).Register(m) },
	(*Server).registerEvents,
	(*Server).registerSnapshots,
	(*Server).registerBackups,
	(*Server).registerUI,
	(*Server).registerStatus,
	func(s *Server, m *kernel.Mux) { s.acls.Register(m) },
	func(s *Server, m *kernel.Mux) { s.ca.Register(m) },
}

// mux lists the operations this server answers.
func (s *Server) mux() *rpc.Mux {
	return s.registered().Serving(s.measured.around)
}

func (s *Server) registered() *kernel.Mux {
	m := kernel.NewMux(s.kernel.ACL)
	for _, family := range families {
		family(s, m)
	}
	return m
}
