package httpapi

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"

	"praetor/httpapi/wire"
	"praetor/internal/definition"
	"praetor/internal/fault"
	"praetor/internal/shape"
)

const (
	// maxBodyBytes bounds a JSON body. The largest sensible one, a registration
	// with the most metadata and some dozens of checks, has under 1 MiB.
	maxBodyBytes = 8 << 20
	// trustedBytes is how much is allocated on the word of a Content-Length.
	trustedBytes = 64 << 10
)

// readValue reads a KV value (reference/http-api.md §4).
func (x *exchange) readValue() ([]byte, error) {
	most := x.api.opts.KVMaxValueSize
	if n := x.r.ContentLength; n > 0 && uint64(n) > most {
		return nil, tooLarge(n, most, settingValueSize)
	}
	if x.r.ContentLength == 0 {
		return nil, nil
	}
	body := x.open(int64(min(most, math.MaxInt64)))
	value, err := readAll(body, x.r.ContentLength)
	var tooBig *http.MaxBytesError
	switch {
	case err == nil:
		return value, nil
	case errors.As(err, &tooBig):
		return nil, tooLarge(tooBig.Limit+1, most, settingValueSize) // at least so many: it came in chunks
	}
	return nil, invalid("read value: %w", err)
}

// readAll reads to the end of what should be so many bytes, or unknown (-1).
func readAll(body io.Reader, bytes int64) ([]byte, error) {
	b := make([]byte, 0, max(min(bytes, trustedBytes), 511)+1)
	for {
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// The settings that bound bodies.
const (
	settingValueSize = "kv_max_value_size"
	settingTxnSize   = "txn_max_req_len"
)

func tooLarge(bytes int64, most uint64, setting string) error {
	return fault.New(fault.TooLarge, "Request body(%d bytes) too large, max size: %d bytes. "+
		"See https://developer.hashicorp.com/docs/agent/config/config-files#%s.", bytes, most, setting)
}

// open returns the body, bounded in size. The server bounds the time it takes.
func (x *exchange) open(most int64) io.Reader { return http.MaxBytesReader(x.w, x.r.Body, most) }

// decode reads the first JSON value of the body into v, which names every key
// that may occur.
func (x *exchange) decode(v any) error { return x.decodeAs(textDecode, v) }

// decodeAs is decode with another text for what cannot be read.
func (x *exchange) decodeAs(text string, v any) error {
	return x.decodeWith(text, func(body io.Reader) error { return definition.Decode(body, v) })
}

// decodeWith has read read the body.
func (x *exchange) decodeWith(text string, read func(io.Reader) error) error {
	body := x.open(maxBodyBytes)
	err := read(shape.NewReader(body))
	var tooBig *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooBig):
		return fault.New(fault.TooLarge, "Request body too large, max size: %d bytes", tooBig.Limit)
	}
	return invalid(text, wire.NameKeys(err))
}

// decodeTenant is decode for bodies whose refusal of a namespace says why.
func (x *exchange) decodeTenant(v any) error {
	err := x.decode(v)
	if err != nil && strings.HasSuffix(err.Error(), `unknown field "Namespace"`) {
		return invalid("%w - "+textNamespaces, err)
	}
	return err
}
