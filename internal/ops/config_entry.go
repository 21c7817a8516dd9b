package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// ConfigApply writes or deletes a config entry.
	ConfigApply = rpc.Write[ConfigApplyRequest, ConfigApplyReply]("Config.Apply")
	// ConfigGet reads one entry; the reply's Entry is nil if it is absent.
	ConfigGet = rpc.ReadState[ConfigGetRequest, ConfigGetReply]("Config.Get")
	// ConfigList reads the entries of a kind.
	ConfigList = rpc.ReadState[ConfigListRequest, ConfigListReply]("Config.List")
	// ConfigExported lists the services that peers may call.
	ConfigExported = rpc.ReadState[ConfigExportedRequest, ConfigExportedReply]("Config.Exported")
)

// ConfigApplyRequest holds an entry as the client sent it: the leader prepares it.
type ConfigApplyRequest struct {
	rpc.WriteOptions
	Write catalog.ConfigWrite
}

type ConfigApplyReply struct {
	Done  bool
	Index uint64
}

type ConfigGetRequest struct {
	rpc.ReadOptions
	Kind string
	Name string
}

type ConfigGetReply struct {
	rpc.ReadMeta
	Entry *catalog.ConfigEntry
}

// ConfigListRequest asks for entries of a kind, of all kinds for "", that match
// an expression.
type ConfigListRequest struct {
	rpc.ReadOptions
	Kind   string
	Filter string
}

type ConfigListReply struct {
	rpc.ReadMeta
	Entries []*catalog.ConfigEntry
}

type ConfigExportedRequest struct {
	rpc.ReadOptions
	Filter string // about filter.Exported
}

// ConfigExportedReply has services by name.
type ConfigExportedReply struct {
	rpc.ReadMeta
	Services []catalog.ExportedService
}
