package httpapi

import (
	"errors"
	"math"
	"net/http"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/shape"
)

// makesKey are the verbs that may write a key which is not there.
var makesKey = map[catalog.TxnVerb]bool{catalog.TxnSet: true, catalog.TxnCAS: true, catalog.TxnLock: true}

// decodeTxn reads the operations of a transaction, without empty ones.
func (x *exchange) decodeTxn() ([]catalog.TxnOp, error) {
	var bodies []*wire.TxnOp
	if err := x.decodeTxnBody(&bodies); err != nil {
		return nil, err
	}
	if n := len(bodies); n > ops.MaxTxnOps {
		return nil, fault.New(fault.TooLarge, "Transaction contains too many operations (%d > %d)", n, ops.MaxTxnOps)
	}
	list := make([]catalog.TxnOp, 0, len(bodies))
	for _, b := range bodies {
		op, given := b.Row()
		if !given {
			continue
		}
		if most := x.api.opts.KVMaxValueSize; op.KV != nil && uint64(len(op.KV.Entry.Value)) > most {
			return nil, fault.New(fault.TooLarge, "Value for key %q is too large (%d > %d bytes)", op.KV.Entry.Key, len(op.KV.Entry.Value), most)
		}
		if op.KV != nil {
			if err := x.checkKey(op.KV.Entry.Key, makesKey[op.KV.Verb]); err != nil {
				return nil, err
			}
		}
		list = append(list, op)
	}
	return list, nil
}

func (x *exchange) decodeTxnBody(v any) error {
	most := max(x.api.opts.TxnMaxBytes, x.api.opts.KVMaxValueSize)
	if n := x.r.ContentLength; n > 0 && uint64(n) > most {
		return tooLarge(n, most, settingTxnSize)
	}
	body := x.open(int64(min(most, math.MaxInt64)))
	err := definition.Decode(shape.NewReader(body), v)
	var tooBig *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooBig):
		return tooLarge(tooBig.Limit+1, most, settingTxnSize) // at least so many: it came in chunks
	}
	return invalid("Failed to parse body: %w", err)
}
