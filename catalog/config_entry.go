package catalog

import (
	"bytes"
	"fmt"
	"slices"

	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/mesh"
	"praetor/internal/shape"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:1048576 maps:65536

const tableConfig = "config"

var configTable = stored(tableConfig, 11, "ConfigEntry", configEntryID, (*restorer).configEntry,
	manyEntries(bySource, entryBySource), manyEntries(byLegacy, entryByLegacy))

// ConfigEntry is configuration that the cluster keeps for all
// (reference/http-mesh-ui.md §1).
type ConfigEntry struct {
	Kind        string
	Name        string
	Body        []byte // JSON as configentry.Encode makes it
	CreateIndex uint64
	ModifyIndex uint64

	parsed configentry.Entry // of Body
}

// maxEntryBytes bounds the body of an entry, as values of keys are bounded: each
// list of a kind carries all of them. The decoder takes twice as many.
const maxEntryBytes = 512 << 10

// NewConfigEntry returns the row for an entry that was prepared; kind fault.Invalid
// if it is too large or too deep to be kept.
func NewConfigEntry(e configentry.Entry) (*ConfigEntry, error) {
	body, err := configentry.Encode(e)
	if err != nil {
		return nil, err
	}
	if len(body) > maxEntryBytes {
		return nil, fault.New(fault.Invalid, "config entry %s/%s is too large: %d bytes, at most %d are allowed", configentry.KindOf(e), e.EntryName(), len(body), maxEntryBytes)
	}
	if err := shape.CheckJSON(body); err != nil {
		return nil, fault.New(fault.Invalid, "config entry %s/%s: %w", configentry.KindOf(e), e.EntryName(), err)
	}
	return &ConfigEntry{Kind: configentry.KindOf(e), Name: e.EntryName(), Body: body, parsed: e}, nil
}

// Parsed returns what the body says. Do not change it.
func (e *ConfigEntry) Parsed() (configentry.Entry, error) {
	if e.parsed != nil {
		return e.parsed, nil
	}
	return configentry.Load(e.Kind, e.Body)
}

// parse reads the body once, before the row is shared.
func (e *ConfigEntry) parse() (err error) {
	if e.parsed, err = e.Parsed(); err != nil {
		return fmt.Errorf("%s %q: %w", e.Kind, e.Name, err)
	}
	if e.parsed.EntryName() != e.Name {
		return fmt.Errorf("%s %q: the entry calls itself %q", e.Kind, e.Name, e.parsed.EntryName())
	}
	return nil
}

// ConfigVerb is what a ConfigWrite does.
type ConfigVerb uint8

// The verbs. The CAS ones, and ConfigEdit, do it only if the entry was last changed
// at the write's ModifyIndex; 0 stands for an entry that does not exist. An entry
// equal to the one that is there is not written, except by ConfigEdit.
const (
	ConfigSet ConfigVerb = iota
	ConfigCAS
	ConfigDelete
	ConfigDeleteCAS
	ConfigEdit
)

// ConfigCommand carries a ConfigWrite; its result is a bool or an error.
const ConfigCommand CommandType = 11

var configCommand = answers(ConfigCommand, "config_entry", (*writer).configWrite)

// ConfigWrite is the command that changes entries. Its result reports whether it
// was done.
type ConfigWrite struct {
	Verb  ConfigVerb
	Entry ConfigEntry
}

func (c *ConfigWrite) hasKnownVerb() bool { return c.Verb <= ConfigEdit }

func configEntryID(e *ConfigEntry) []byte { return home.configKey(e.Kind, e.Name) }

func (in *keyspace) configKey(kind, name string) []byte { return in.partsKey(kind, fold(name)) }

// ConfigEntry returns an entry, or nil. The index is the whole table's.
func (tx *Tx) ConfigEntry(ws WatchSet, kind, name string) (uint64, *ConfigEntry) {
	return tx.index(indexConfigs), firstWatch[*ConfigEntry](tx.txn, ws, tableConfig, byID, tx.in.configKey(kind, name))
}

// ConfigEntries lists the entries of a kind by name, those of all kinds for "".
// The index is the whole table's.
func (tx *Tx) ConfigEntries(ws WatchSet, kind string) (uint64, []*ConfigEntry) {
	prefix := tx.in.all()
	if kind != "" {
		prefix = tx.in.partsKey(kind)
	}
	list := make([]*ConfigEntry, 0)
	for e := range rows[*ConfigEntry](tx.txn, ws, tableConfig, byID, prefix) {
		list = append(list, e)
	}
	return tx.index(indexConfigs), list
}

// configWrite runs one ConfigWrite.
func (w *writer) configWrite(c *ConfigWrite) any {
	e := &c.Entry
	if e.Kind == "" || e.Name == "" {
		return fault.New(fault.Internal, "a config entry needs a kind and a name")
	}
	old := first[*ConfigEntry](w.txn, tableConfig, byID, configEntryID(e))
	fits := old == nil && e.ModifyIndex == 0 || old != nil && old.ModifyIndex == e.ModifyIndex
	switch c.Verb {
	case ConfigDelete, ConfigDeleteCAS:
		switch {
		case old == nil:
			return true
		case c.Verb == ConfigDeleteCAS && !fits:
			return false
		}
		if err := w.checkConfig(e.Kind, e.Name, nil); err != nil {
			return err
		}
		w.removeConfig(old)
	case ConfigSet, ConfigCAS, ConfigEdit:
		if err := e.parse(); err != nil {
			return fault.New(fault.Internal, "decode command: %w", err)
		}
		switch {
		case c.Verb != ConfigEdit && old != nil && old.Name == e.Name && bytes.Equal(old.Body, e.Body):
			return true // whatever index was expected (reference/cli.md §10)
		case c.Verb != ConfigSet && !fits:
			return false
		}
		if err := w.checkConfig(e.Kind, e.Name, e.parsed); err != nil {
			return err
		}
		w.insertConfig(old, e)
	}
	w.bump(indexConfigs)
	return true
}

func (w *writer) insertConfig(old, e *ConfigEntry) {
	e.CreateIndex, e.ModifyIndex = w.index, w.index
	if old != nil {
		e.CreateIndex = old.CreateIndex
	}
	w.txn.Insert(tableConfig, e)
	if slices.Contains(mesh.ChainKinds, e.Kind) {
		w.takeVirtual(e.Name)
	}
}

func (w *writer) removeConfig(e *ConfigEntry) {
	remove(w.txn, tableConfig, e)
	w.settleVirtual(e.Name)
}

// configEntry takes an entry of a snapshot.
func (re *restorer) configEntry(e *ConfigEntry) error {
	switch {
	case e.Kind == "" || e.Name == "":
		return errNoKey
	case re.holds(tableConfig, byID, configEntryID(e)):
		return errTwice
	}
	if err := e.parse(); err != nil {
		return err
	}
	re.w.txn.Insert(tableConfig, e)
	return re.indexes(e.CreateIndex, e.ModifyIndex)
}
