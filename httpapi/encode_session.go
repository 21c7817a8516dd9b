package httpapi

import "praetor/catalog"

// appendSession appends a session (reference/http-kv-session-txn.md §2).
func appendSession(b []byte, s *catalog.Session) []byte {
	b = appendText(b, `{"ID":`, s.ID)
	b = appendText(b, `,"Name":`, s.Name)
	b = appendText(b, `,"Node":`, s.Node)
	b = appendInt(b, `,"LockDelay":`, int64(s.LockDelay))
	b = appendText(b, `,"Behavior":`, s.Behavior)
	b = appendText(b, `,"TTL":`, s.TTL)
	b = appendNullableStrings(append(b, `,"NodeChecks":`...), s.NodeChecks)
	b = appendNullableList(append(b, `,"ServiceChecks":`...), s.ServiceChecks, func(b []byte, c catalog.SessionServiceCheck) []byte {
		b = appendText(b, `{"ID":`, c.ID)
		return append(appendText(b, `,"Namespace":`, c.Namespace), '}')
	})
	if len(s.Checks) > 0 {
		b = appendStrings(append(b, `,"Checks":`...), s.Checks)
	}
	b = appendUint(b, `,"CreateIndex":`, s.CreateIndex)
	b = appendUint(b, `,"ModifyIndex":`, s.ModifyIndex)
	return append(b, '}')
}
