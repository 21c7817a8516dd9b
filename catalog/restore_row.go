package catalog

import (
	"errors"
)

// What may be wrong with a row that decodes.
var (
	errTwice   = errors.New("a row with this key came before")
	errNoKey   = errors.New("a row without a key")
	errIndex   = errors.New("an index past the header's")
	errType    = errors.New("unknown type; was it written by a newer server?")
	errTooLong = errors.New("bytes after the row")
)

// row decodes a row, checks that it fits to those before it, and stores it.
func (re *restorer) row(record recordType, body []byte) error {
	t := tableOf(record)
	if t == nil {
		return errType
	}
	return t.restore(re, body)
}

func restoreRow[T any, M message[T]](body []byte, store func(M) error) error {
	row := M(new(T))
	rest, err := row.UnmarshalMsg(body)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errTooLong
	}
	return store(row)
}

// holds reports whether a table has a row at key.
func (re *restorer) holds(table, index string, key []byte) bool {
	return first[any](re.w.txn, table, index, key) != nil
}

func (re *restorer) indexes(created, modified uint64) error {
	if created > modified || modified > re.last {
		return errIndex
	}
	return nil
}
