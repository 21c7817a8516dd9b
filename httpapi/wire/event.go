package wire

import "praetor/internal/userevent"

// AppendEvent appends a user event (reference/http-kv-session-txn.md §4).
func AppendEvent(b []byte, e *userevent.Event) []byte {
	b = AppendText(b, `{"ID":`, e.ID)
	b = AppendText(b, `,"Name":`, e.Name)
	b = appendBytes(b, `,"Payload":`, e.Payload)
	b = AppendText(b, `,"NodeFilter":`, e.NodeFilter)
	b = AppendText(b, `,"ServiceFilter":`, e.ServiceFilter)
	b = AppendText(b, `,"TagFilter":`, e.TagFilter)
	b = AppendInt(b, `,"Version":`, int64(e.Version))
	b = AppendUint(b, `,"LTime":`, e.LTime)
	return append(b, '}')
}
