package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

const textConfigDecode = "Request decoding failed: %w"

// configWrite writes a config entry (reference/http-mesh-ui.md §1).
func configWrite(x *exchange) error {
	var entry configentry.Entry
	err := x.decodeWith(textConfigDecode, func(body io.Reader) (err error) {
		entry, err = configentry.DecodeJSON(body)
		return err
	})
	if err != nil {
		return err
	}
	row, err := catalog.NewConfigEntry(entry)
	if err != nil {
		return err
	}
	write := catalog.ConfigWrite{Verb: catalog.ConfigSet, Entry: *row}
	if _, err := x.onlyIf(&write, catalog.ConfigCAS); err != nil {
		return err
	}
	done, err := x.applyConfig(&write)
	if err != nil {
		return err
	}
	return x.bool(done)
}

// onlyIf makes a write one that is done only if the entry was last changed at the index
// that the request names, if it names any.
func (x *exchange) onlyIf(write *catalog.ConfigWrite, verb catalog.ConfigVerb) (bool, error) {
	if x.query.Get("cas") == "" {
		return false, nil
	}
	var err error
	write.Verb = verb
	write.Entry.ModifyIndex, err = x.number("cas")
	return true, err
}

// applyConfig writes in the agent's own datacenter, whichever the client names.
func (x *exchange) applyConfig(write *catalog.ConfigWrite) (bool, error) {
	req := &ops.ConfigApplyRequest{WriteOptions: rpc.WriteOptions{Token: x.token}, Write: *write}
	rep, err := ops.ConfigApply.Call(x.r.Context(), x.api.opts.Caller, req)
	if err != nil {
		return false, err
	}
	return rep.Done, nil
}

// config serves one entry, or those of a kind. "KIND/" names an entry that there never
// is, the one without a name.
func config(x *exchange) error {
	kind, name, named := strings.Cut(x.name, "/")
	switch {
	case x.r.Method == http.MethodDelete && !named:
		return fault.New(fault.NotFound, "Must provide both a kind and name to delete")
	case x.r.Method == http.MethodDelete:
		return deleteConfig(x, kind, name)
	case !named:
		return listConfig(x, kind)
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ConfigGet, &ops.ConfigGetRequest{ReadOptions: opts, Kind: kind, Name: name})
	switch {
	case err != nil:
		return err
	case rep.Entry == nil:
		return fault.New(fault.NotFound, "Config entry not found for %q / %q", kind, name)
	}
	return x.reply(func(b []byte) []byte { return appendConfig(b, rep.Entry) })
}

func deleteConfig(x *exchange, kind, name string) error {
	if _, err := configentry.New(kind); err != nil {
		return invalid("%w", err)
	}
	write := catalog.ConfigWrite{Verb: catalog.ConfigDelete, Entry: catalog.ConfigEntry{Kind: kind, Name: name}}
	cas, err := x.onlyIf(&write, catalog.ConfigDeleteCAS)
	if err != nil {
		return err
	}
	done, err := x.applyConfig(&write)
	switch {
	case err != nil:
		return err
	case cas:
		return x.bool(done)
	}
	x.json(http.StatusOK, []byte("{}"))
	return nil
}

func listConfig(x *exchange, kind string) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ConfigList, &ops.ConfigListRequest{ReadOptions: opts, Kind: kind, Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	return x.replyShared(listSource(rep.Entries), func(b []byte) []byte { return wire.AppendList(b, rep.Entries, appendConfig) })
}

// appendConfig appends an entry with its indexes. The hash is of its content alone.
func appendConfig(b []byte, e *catalog.ConfigEntry) []byte {
	b = append(b, bytes.TrimSuffix(e.Body, []byte("}"))...)
	if parsed, err := e.Parsed(); err == nil { // what a newer version wrote may have no hash here
		b = wire.AppendUint(b, `,"Hash":`, configentry.Hash(parsed))
	}
	b = wire.AppendUint(b, `,"CreateIndex":`, e.CreateIndex)
	return append(wire.AppendUint(b, `,"ModifyIndex":`, e.ModifyIndex), '}')
}

// exportedServices lists what peers may call.
func exportedServices(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ConfigExported, &ops.ConfigExportedRequest{ReadOptions: opts, Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, rep.Services, appendExported) })
}

// importedServices lists what may be called of peers, which there are none of: since 1.22.
func importedServices(x *exchange) error { return x.replyMesh() }

func appendExported(b []byte, s catalog.ExportedService) []byte {
	b = wire.AppendText(b, `{"Service":`, s.Service)
	return append(wire.AppendStrings(append(b, `,"Consumers":{"Peers":`...), s.Peers), "}}"...)
}
