package wire

import "praetor/catalog"

// AppendKVEntry appends an entry (reference/http-kv-session-txn.md §1).
func AppendKVEntry(b []byte, e *catalog.KVEntry) []byte {
	b = AppendUint(b, `{"LockIndex":`, e.LockIndex)
	b = AppendText(b, `,"Key":`, e.Key)
	b = AppendUint(b, `,"Flags":`, e.Flags)
	b = appendBytes(b, `,"Value":`, e.Value)
	b = appendGivenText(b, `,"Session":`, e.Session)
	b = AppendUint(b, `,"CreateIndex":`, e.CreateIndex)
	b = AppendUint(b, `,"ModifyIndex":`, e.ModifyIndex)
	return append(b, '}')
}
