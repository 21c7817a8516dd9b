package server

import (
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// The HTTP API bounds what it takes before it asks the servers. Who reaches the RPC
// port has not passed it, so what multiplies is bounded here again.
const (
	defaultKVMaxValue = 512 << 10 // bytes; reference/http-api.md §4
	// maxSyncMembers is four times what an agent sends at once.
	maxSyncMembers = 1024
)

// checkValue refuses a value that is larger than keys may have.
func (s *Server) checkValue(e *catalog.KVEntry) error {
	if n, most := uint64(len(e.Value)), s.opts.KVMaxValueSize; n > most {
		return fault.New(fault.TooLarge, "Value for key %q is too large (%d > %d bytes)", e.Key, n, most)
	}
	return nil
}

// checkTxnSize refuses a transaction of too many operations, or with a value that is
// too large.
func (s *Server) checkTxnSize(list []catalog.TxnOp) error {
	if n := len(list); n > ops.MaxTxnOps {
		return fault.New(fault.TooLarge, "Transaction contains too many operations (%d > %d)", n, ops.MaxTxnOps)
	}
	for i := range list {
		if list[i].KV == nil {
			continue
		}
		if err := s.checkValue(&list[i].KV.Entry); err != nil {
			return err
		}
	}
	return nil
}

// checkSyncSize refuses more members than any agent sends at once.
func checkSyncSize(req *ops.CatalogSyncRequest) error {
	if n := len(req.Registers) + len(req.Deregisters); n > maxSyncMembers {
		return fault.New(fault.TooLarge, "the request has too many registrations and removals: %d, at most %d are allowed", n, maxSyncMembers)
	}
	return nil
}
