package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/tinylib/msgp/msgp"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

const (
	// maxWholeList is how many bytes of entries are asked for, encoded and sent at
	// once; longer lists are written as they come.
	maxWholeList = 1 << 20
	// listChunk is how much of such a list is encoded before it is sent.
	listChunk = 64 << 10
	// listRoom is what one under way is held to have of memory, here and at the server
	// that sends it: buffers of both directions.
	listRoom = 1 << 20
)

func kvList(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	req := &ops.KVListRequest{ReadOptions: opts, Prefix: x.name}
	if x.api.opts.Transfers != nil {
		req.MaxBytes = maxWholeList
	}
	rep, err := ask(x, ops.KVList, req)
	switch {
	case err != nil:
		return err
	case rep.TooLarge:
		return x.streamEntries(req)
	case len(rep.Entries) == 0:
		x.status(http.StatusNotFound)
		return nil
	}
	return x.replyShared(listSource(rep.Entries), func(b []byte) []byte { return wire.AppendList(b, rep.Entries, wire.AppendKVEntry) })
}

// streamEntries answers with a long list, written as it is read.
func (x *exchange) streamEntries(asked *ops.KVListRequest) error {
	give := x.room(listRoom, nil)
	if give == nil {
		return nil
	}
	defer give()
	req := *asked
	req.MinIndex, req.MaxWait, req.MaxBytes = 0, 0, 0
	rep, body, err := ops.KVStream.Call(x.r.Context(), x.api.opts.Transfers, &req, nil)
	if err == nil && req.Stale && req.MaxStale > 0 && rep.LastContact > req.MaxStale {
		body.Close()
		req.Stale = false
		rep, body, err = ops.KVStream.Call(x.r.Context(), x.api.opts.Transfers, &req, nil)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	next := sliceEntries(rep.Entries)
	if rep.Entries == nil {
		next = readEntries(body)
	}
	first, err := next()
	switch {
	case err == io.EOF: // they were deleted meanwhile
		x.writeMeta(&rep.ReadMeta)
		x.status(http.StatusNotFound)
		return nil
	case err != nil:
		return err
	}
	x.writeMeta(&rep.ReadMeta)
	if err := x.writeEntries(first, next); err != nil {
		x.api.opts.Logger.Debug("a list was broken off", "url", x.r.URL.Path, "from", x.r.RemoteAddr, "error", err)
		panic(http.ErrAbortHandler) // net/http's way to break the answer off: it must not look whole
	}
	return nil
}

// nextEntry gives the entries of a list one by one, then io.EOF.
type nextEntry func() (*catalog.KVEntry, error)

func sliceEntries(list []*catalog.KVEntry) nextEntry {
	return func() (*catalog.KVEntry, error) {
		if len(list) == 0 {
			return nil, io.EOF
		}
		e := list[0]
		list = list[1:]
		return e, nil
	}
}

// readEntries reads entries that come one after the other. Each is good until the
// next.
func readEntries(r io.Reader) nextEntry {
	from := msgp.NewReaderSize(r, listChunk)
	var text bytes.Buffer
	e := new(catalog.KVEntry)
	return func() (*catalog.KVEntry, error) {
		if _, err := from.R.Peek(1); err != nil {
			return nil, err // EOF between two entries is the end
		}
		text.Reset()
		if _, err := from.CopyNext(&text); err != nil {
			return nil, fmt.Errorf("read entry: %w", err)
		}
		*e = catalog.KVEntry{Value: e.Value[:0]}
		if _, err := e.UnmarshalMsg(text.Bytes()); err != nil {
			return nil, fmt.Errorf("read entry: %w", err)
		}
		return e, nil
	}
}

// writeEntries writes a list, compressed or indented as a whole one would be.
func (x *exchange) writeEntries(first *catalog.KVEntry, next nextEntry) error {
	x.wrote = true
	h := x.w.Header()
	h["Content-Type"] = typeJSON
	to := io.Writer(x.w)
	if acceptsGzip(x.header("Accept-Encoding")) {
		h["Content-Encoding"] = headerGzip
		zip, err := gzip.NewWriterLevel(x.w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		defer zip.Close() // its error is the client's, who is gone then
		to = zip
	}
	x.w.WriteHeader(http.StatusOK)
	return x.encodeEntries(to, first, next)
}

// encodeEntries encodes a list chunk by chunk.
func (x *exchange) encodeEntries(to io.Writer, first *catalog.KVEntry, next nextEntry) error {
	pretty := x.has("pretty")
	between, appendEntry, end := ",", wire.AppendKVEntry, "]"
	if pretty || x.api.opts.Dev {
		between, appendEntry, end = ",\n"+indentation, appendIndentedEntry, "\n]"
	}
	if pretty {
		end += "\n"
	}
	chunk := append([]byte{'['}, between[1:]...)
	for e := first; ; {
		chunk = appendEntry(chunk, e)
		if len(chunk) >= listChunk {
			if _, err := to.Write(chunk); err != nil {
				return err
			}
			if err := x.r.Context().Err(); err != nil { // what is written to a client that is gone is taken all the same
				return err
			}
			chunk = chunk[:0]
		}
		var err error
		if e, err = next(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		chunk = append(chunk, between...)
	}
	_, err := to.Write(append(chunk, end...))
	return err
}

// appendIndentedEntry appends an entry as a member of an indented list.
func appendIndentedEntry(b []byte, e *catalog.KVEntry) []byte {
	out := bytes.NewBuffer(b)
	if err := json.Indent(out, wire.AppendKVEntry(nil, e), indentation, indentation); err != nil {
		panic("httpapi: encoder made invalid JSON: " + err.Error())
	}
	return out.Bytes()
}
