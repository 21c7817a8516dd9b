package server

import (
	"praetor/agent/server/kernel"
	"praetor/internal/rpc"
)

// families register the operations of one noun each.
var families = []func(*Server, *kernel.Mux){
	(*Server).handleKV,
	(*Server).handleSessions,
	(*Server).handleQueries,
	(*Server).handleConfig,
	(*Server).handleTxn,
	(*Server).handleRegistrations,
	(*Server).handleEvictions,
	(*Server).handleCatalog,
	(*Server).handleHealth,
	(*Server).handleOperator,
	(*Server).handleCoordinates,
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
