package catalog

import "praetor/internal/fault"

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableAutopilot = "autopilot"

var autopilotTable = stored(tableAutopilot, 7, "Autopilot", autopilotID, (*restorer).autopilot)

// AutopilotCommand replaces the configuration; its result is nil or an error.
const AutopilotCommand CommandType = 5

var autopilotCommand = succeeds(AutopilotCommand, "autopilot", (*writer).autopilot)

// Autopilot is the replicated configuration of autopilot. The leader writes it
// on first leadership; durations in nanoseconds. A command whose ModifyIndex is
// not 0 applies only if the configuration was last changed there.
type Autopilot struct {
	CleanupDeadServers      bool
	LastContactThreshold    int64
	MaxTrailingLogs         uint64
	MinQuorum               uint64
	ServerStabilizationTime int64
	RedundancyZoneTag       string // key of node metadata; "": zones do not matter
	DisableUpgradeMigration bool
	UpgradeVersionTag       string
	CreateIndex             uint64
	ModifyIndex             uint64
}

func autopilotID(*Autopilot) []byte { return []byte{0} }

// Autopilot returns the replicated autopilot configuration, or nil before the
// first leader wrote it.
func (tx *Tx) Autopilot() *Autopilot {
	return first[*Autopilot](tx.txn, tableAutopilot, byID, autopilotID(nil))
}

// autopilot stores the configuration. The same again is a change: whoever set it by
// its index sees that somebody else did. It is a fault.Conflict if the configuration is not the one that was to be replaced.
func (w *writer) autopilot(a *Autopilot) error {
	old := first[*Autopilot](w.txn, tableAutopilot, byID, autopilotID(nil))
	if want := a.ModifyIndex; want != 0 && (old == nil || old.ModifyIndex != want) {
		return fault.New(fault.Conflict, "the autopilot configuration was changed since index %d", want)
	}
	a.CreateIndex, a.ModifyIndex = w.index, w.index
	if old != nil {
		a.CreateIndex = old.CreateIndex
	}
	w.txn.Insert(tableAutopilot, a)
	return nil
}

// autopilot takes the configuration of a snapshot.
func (re *restorer) autopilot(a *Autopilot) error {
	if re.holds(tableAutopilot, byID, autopilotID(a)) {
		return errTwice
	}
	re.w.txn.Insert(tableAutopilot, a)
	return re.indexes(a.CreateIndex, a.ModifyIndex)
}
