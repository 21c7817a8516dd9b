package catalog

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// CommandType is the first byte of a command in the log; the rest is the
// command's MessagePack. Numbers are for ever.
type CommandType uint8

// The commands. Result types: Register, Deregister and Coordinate give nil or an error;
// KVWrite and ConfigWrite give bool or an error, SessionWrite, QueryWrite and Reap nil or an error,
// Txn *TxnAnswer or an error.
const (
	RegisterCommand   CommandType = 1
	DeregisterCommand CommandType = 2
	KVWriteCommand    CommandType = 4
	AutopilotCommand  CommandType = 5
	SessionCommand    CommandType = 6
	ReapCommand       CommandType = 7
	CoordinateCommand CommandType = 8
	TxnCommand        CommandType = 9
	QueryCommand      CommandType = 10
	ConfigCommand     CommandType = 11
)

// Register writes a node and, at will, one service and checks on it, all or
// nothing (reference/http-catalog-health.md §2.1).
type Register struct {
	ID              string
	Node            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	NodeMeta        map[string]string
	Locality        *Locality
	SkipNodeUpdate  bool
	Service         *Service
	Checks          []*Check
}

// Deregister removes a service (ServiceID), a check (CheckID), or, with
// neither, a whole node. What does not exist is not an error.
type Deregister struct {
	Node      string
	ServiceID string
	CheckID   string
}

// Autopilot is the replicated configuration of autopilot. The leader writes it
// on first leadership; durations in nanoseconds. A command whose ModifyIndex is
// not 0 applies only if the configuration was last changed there.
type Autopilot struct {
	CleanupDeadServers      bool
	LastContactThreshold    int64
	MaxTrailingLogs         uint64
	MinQuorum               uint64
	ServerStabilizationTime int64
	RedundancyZoneTag       string // this and the next two: kept for those who read it, no more
	DisableUpgradeMigration bool
	UpgradeVersionTag       string
	CreateIndex             uint64
	ModifyIndex             uint64
}
