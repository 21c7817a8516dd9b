package wire

import (
	"encoding/json"
	"time"

	"praetor/catalog"
)

// KeyChange is a change of a key. Before and After are entries, null where there was none.
type KeyChange struct {
	Index      uint64
	Time       time.Time `json:",omitzero"`
	Op         string
	AccessorID string `json:",omitempty"`
	Agent      string `json:",omitempty"`
	Before     json.RawMessage
	After      json.RawMessage
}

// CatalogChange is something that happened to the catalog.
type CatalogChange struct {
	Index       uint64
	Time        time.Time `json:",omitzero"`
	Kind        string
	Event       string
	Node        string `json:",omitempty"`
	ServiceName string `json:",omitempty"`
	ServiceID   string `json:",omitempty"`
	CheckID     string `json:",omitempty"`
	CheckName   string `json:",omitempty"`
	From        string `json:",omitempty"`
	To          string `json:",omitempty"`
	Output      string `json:",omitempty"`
	Address     string `json:",omitempty"`
	AccessorID  string `json:",omitempty"`
	Agent       string `json:",omitempty"`
}

// NewKeyChange is c as the API shows it.
func NewKeyChange(c *catalog.KeyChange) KeyChange {
	return KeyChange{Index: c.Index, Time: changeTime(c.Time), Op: c.Op, AccessorID: c.Accessor, Agent: c.Agent, Before: entryOrNull(c.Old), After: entryOrNull(c.New)}
}

// NewCatalogChange is c as the API shows it.
func NewCatalogChange(c *catalog.CatalogChange) CatalogChange {
	return CatalogChange{
		Index: c.Index, Time: changeTime(c.Time), Kind: c.Kind, Event: c.Event, Node: c.Node, ServiceName: c.Service, ServiceID: c.ServiceID,
		CheckID: c.CheckID, CheckName: c.CheckName, From: c.From, To: c.To, Output: c.Output, Address: c.Address, AccessorID: c.Accessor, Agent: c.Agent,
	}
}

func changeTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func entryOrNull(e *catalog.KVEntry) json.RawMessage {
	if e == nil {
		return json.RawMessage("null")
	}
	return AppendKVEntry(nil, e)
}
