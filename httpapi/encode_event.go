package httpapi

import (
	"praetor/internal/event"
)

// appendEvent appends a user event (reference/http-kv-session-txn.md §4).
func appendEvent(b []byte, e *event.Event) []byte {
	b = appendText(b, `{"ID":`, e.ID)
	b = appendText(b, `,"Name":`, e.Name)
	b = appendBytes(b, `,"Payload":`, e.Payload)
	b = appendText(b, `,"NodeFilter":`, e.NodeFilter)
	b = appendText(b, `,"ServiceFilter":`, e.ServiceFilter)
	b = appendText(b, `,"TagFilter":`, e.TagFilter)
	b = appendInt(b, `,"Version":`, int64(e.Version))
	b = appendUint(b, `,"LTime":`, e.LTime)
	return append(b, '}')
}
