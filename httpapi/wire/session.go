package wire

import "praetor/catalog"

// AppendSession appends a session (reference/http-kv-session-txn.md §2).
func AppendSession(b []byte, s *catalog.Session) []byte {
	b = AppendText(b, `{"ID":`, s.ID)
	b = AppendText(b, `,"Name":`, s.Name)
	b = AppendText(b, `,"Node":`, s.Node)
	b = AppendInt(b, `,"LockDelay":`, int64(s.LockDelay))
	b = AppendText(b, `,"Behavior":`, s.Behavior)
	b = AppendText(b, `,"TTL":`, s.TTL)
	b = AppendNullableStrings(append(b, `,"NodeChecks":`...), s.NodeChecks)
	b = appendNullableList(append(b, `,"ServiceChecks":`...), s.ServiceChecks, func(b []byte, c catalog.SessionServiceCheck) []byte {
		b = AppendText(b, `{"ID":`, c.ID)
		return append(AppendText(b, `,"Namespace":`, c.Namespace), '}')
	})
	if len(s.Checks) > 0 {
		b = AppendStrings(append(b, `,"Checks":`...), s.Checks)
	}
	b = AppendUint(b, `,"CreateIndex":`, s.CreateIndex)
	b = AppendUint(b, `,"ModifyIndex":`, s.ModifyIndex)
	return append(b, '}')
}
