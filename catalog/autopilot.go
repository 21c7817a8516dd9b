package catalog

import "praetor/internal/fault"

func autopilotID(*Autopilot) []byte { return []byte{0} }

// Autopilot returns the replicated autopilot configuration, or nil before the
// first leader wrote it.
func (tx *Tx) Autopilot() *Autopilot {
	return first[*Autopilot](tx.txn, tableAutopilot, byID, autopilotID(nil))
}

// autopilot stores the configuration. The same again changes nothing. It is a
// fault.Conflict if the configuration is not the one that was to be replaced.
func (w *writer) autopilot(a *Autopilot) error {
	old := first[*Autopilot](w.txn, tableAutopilot, byID, autopilotID(nil))
	if want := a.ModifyIndex; want != 0 && (old == nil || old.ModifyIndex != want) {
		return fault.New(fault.Conflict, "the autopilot configuration was changed since index %d", want)
	}
	a.CreateIndex, a.ModifyIndex = w.index, w.index
	if old != nil {
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
