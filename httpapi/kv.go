package httpapi

import (
	"net/http"
	"strconv"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

// kv serves keys (reference/http-kv-session-txn.md §1).
func kv(x *exchange) error {
	switch x.r.Method {
	case http.MethodPut, http.MethodDelete:
		if _, err := x.readOptions(); err != nil { // of no use here, but looked at
			return err
		}
		if x.r.Method == http.MethodPut {
			return kvPut(x)
		}
		return kvDelete(x)
	}
	if err := x.checkConflict("keys", "recurse", "history", "at"); x.has("history") || x.has("at") {
		switch {
		case err != nil:
			return err
		case x.has("at"):
			return kvAt(x)
		}
		return kvHistory(x)
	}
	switch {
	case x.has("keys"):
		return kvKeys(x)
	case x.has("recurse"):
		return kvList(x)
	}
	return kvGet(x)
}

func kvGet(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing key name")
	}
	if err := x.checkKey(x.name, false); err != nil {
		return err
	}
	rep, err := ask(x, ops.KVGet, &ops.KVGetRequest{ReadOptions: opts, Key: x.name})
	if err != nil {
		return err
	}
	return x.replyEntry(rep.Entry)
}

// replyEntry answers with a key, or that there is none.
func (x *exchange) replyEntry(e *catalog.KVEntry) error {
	switch {
	case e == nil:
		x.status(http.StatusNotFound)
		return nil
	case x.has("raw"):
		x.raw(e.Value)
		return nil
	}
	return x.reply(func(b []byte) []byte { return append(wire.AppendKVEntry(append(b, '['), e), ']') })
}

// raw answers with a value as it is, so that no browser takes it for a page.
func (x *exchange) raw(value []byte) {
	h := x.w.Header()
	h["Content-Type"] = typePlain
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Security-Policy"] = []string{"sandbox"}
	x.body(http.StatusOK, value)
}

func kvKeys(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.KVKeys, &ops.KVKeysRequest{ReadOptions: opts, Prefix: x.name, Separator: x.separator()})
	switch {
	case err != nil:
		return err
	case len(rep.Keys) == 0 && x.name != "":
		x.status(http.StatusNotFound)
		return nil
	}
	return x.replyShared(listSource(rep.Keys), func(b []byte) []byte { return wire.AppendStrings(b, rep.Keys) })
}

// separator is where a listing of keys cuts them, "" for nowhere.
func (x *exchange) separator() string {
	if s := x.query.Get("separator"); s != "" {
		return s
	}
	return x.query.Get("seperator") // a misspelling that clients use
}

func kvPut(x *exchange) error {
	if x.name == "" {
		return invalid("Missing key name")
	}
	if err := x.checkConflict("cas", "acquire", "release"); err != nil {
		return err
	}
	write := catalog.KVWrite{Verb: catalog.KVSet, Entry: catalog.KVEntry{Key: x.name}}
	var err error
	if x.has("flags") {
		if write.Entry.Flags, err = x.number("flags"); err != nil {
			return err
		}
	}
	if x.has("cas") {
		write.Verb = catalog.KVCAS
		if write.Entry.ModifyIndex, err = x.number("cas"); err != nil {
			return err
		}
	}
	x.readLock(&write)
	if err := x.checkKey(x.name, write.Verb != catalog.KVUnlock); err != nil {
		return err
	}
	if write.Entry.Value, err = x.readValue(); err != nil {
		return err
	}
	return x.apply(write)
}

func kvDelete(x *exchange) error {
	if err := x.checkConflict("recurse", "cas"); err != nil {
		return err
	}
	write := catalog.KVWrite{Verb: catalog.KVDelete, Entry: catalog.KVEntry{Key: x.name}}
	switch {
	case x.has("recurse"):
		write.Verb = catalog.KVDeleteTree
	case x.name == "":
		return invalid("Missing key name")
	case x.has("cas"):
		write.Verb = catalog.KVDeleteCAS
		var err error
		if write.Entry.ModifyIndex, err = x.number("cas"); err != nil {
			return err
		}
	}
	if err := x.checkKey(x.name, false); err != nil {
		return err
	}
	return x.apply(write)
}

func (x *exchange) apply(write catalog.KVWrite) error {
	rep, err := ops.KVApply.Call(x.r.Context(), x.api.opts.Caller, &ops.KVApplyRequest{WriteOptions: x.writeOptions(), Write: write})
	if err != nil {
		return err
	}
	return x.bool(rep.Done)
}

// checkConflict refuses requests that have more than one of some parameters.
func (x *exchange) checkConflict(names ...string) error {
	found := 0
	for _, name := range names {
		if x.has(name) {
			found++
		}
	}
	if found > 1 {
		return invalid("Conflicting flags: %s\n", x.query.Encode())
	}
	return nil
}

// readLock applies ?acquire or ?release, if given.
func (x *exchange) readLock(write *catalog.KVWrite) {
	for name, verb := range map[string]catalog.KVVerb{"acquire": catalog.KVLock, "release": catalog.KVUnlock} {
		if x.has(name) {
			write.Verb, write.Entry.Session = verb, x.query.Get(name)
		}
	}
}

// number reads an unsigned parameter; Consul answers 500 to a bad one.
func (x *exchange) number(name string) (uint64, error) {
	n, err := strconv.ParseUint(x.query.Get(name), 10, 64)
	if err != nil {
		return 0, rejected("%w", err)
	}
	return n, nil
}
