package catalog

func autopilotID(*Autopilot) []byte { return []byte{0} }

// Autopilot returns the replicated autopilot configuration, or nil before the
// first leader wrote it.
func (tx *Tx) Autopilot() *Autopilot {
	return first[*Autopilot](tx.txn, tableAutopilot, byID, autopilotID(nil))
}

// autopilot stores the configuration. The same again changes nothing.
func (w *writer) autopilot(a *Autopilot) error {
	a.CreateIndex, a.ModifyIndex = w.index, w.index
	if old := first[*Autopilot](w.txn, tableAutopilot, byID, autopilotID(nil)); old != nil {
		a.CreateIndex = old.CreateIndex
		same := *a
		same.ModifyIndex = old.ModifyIndex
		if same == *old {
			return nil
		}
	}
	must(w.txn.Insert(tableAutopilot, a))
	return nil
}
