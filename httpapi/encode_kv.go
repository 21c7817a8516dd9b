package httpapi

import (
	"praetor/catalog"
)

// appendKVEntry appends an entry (reference/http-kv-session-txn.md §1).
func appendKVEntry(b []byte, e *catalog.KVEntry) []byte {
	b = appendUint(b, `{"LockIndex":`, e.LockIndex)
	b = appendText(b, `,"Key":`, e.Key)
	b = appendUint(b, `,"Flags":`, e.Flags)
	b = appendBytes(b, `,"Value":`, e.Value)
	b = appendGivenText(b, `,"Session":`, e.Session)
	b = appendUint(b, `,"CreateIndex":`, e.CreateIndex)
	b = appendUint(b, `,"ModifyIndex":`, e.ModifyIndex)
	return append(b, '}')
}
