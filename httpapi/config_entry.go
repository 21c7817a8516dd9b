package httpapi

import (
	"bytes"
	"hash/fnv"
	"io"
	"net/http"
	"strings"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/ops"
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
	if x.has("cas") {
		write.Verb = catalog.ConfigCAS
		if write.Entry.ModifyIndex, err = x.number("cas"); err != nil {
			return err
		}
	}
	done, err := x.applyConfig(&write)
	if err != nil {
		return err
	}
	return x.bool(done)
}

func (x *exchange) applyConfig(write *catalog.ConfigWrite) (bool, error) {
	req := &ops.ConfigApplyRequest{WriteOptions: x.writeOptions(), Write: *write}
	rep, err := ops.ConfigApply.Call(x.r.Context(), x.api.opts.Caller, req)
	if err != nil {
		return false, err
	}
	return rep.Done, nil
}

// config serves one entry, or those of a kind.
func config(x *exchange) error {
	kind, name, _ := strings.Cut(x.name, "/")
	switch {
	case x.r.Method == http.MethodDelete:
		return deleteConfig(x, kind, name)
	case name == "":
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
	if name == "" {
		return fault.New(fault.NotFound, "Must provide both a kind and name to delete")
	}
	if _, err := configentry.New(kind); err != nil {
		return invalid("%w", err)
	}
	write := catalog.ConfigWrite{Verb: catalog.ConfigDelete, Entry: catalog.ConfigEntry{Kind: kind, Name: name}}
	cas := x.has("cas")
	if cas {
		write.Verb = catalog.ConfigDeleteCAS
		var err error
		if write.Entry.ModifyIndex, err = x.number("cas"); err != nil {
			return err
		}
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
	h := fnv.New64a()
	h.Write(e.Body)
	b = wire.AppendUint(b, `,"Hash":`, h.Sum64())
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

func appendExported(b []byte, s catalog.ExportedService) []byte {
	b = wire.AppendText(b, `{"Service":`, s.Service)
	return append(wire.AppendStrings(append(b, `,"Consumers":{"Peers":`...), s.Peers), "}}"...)
}
