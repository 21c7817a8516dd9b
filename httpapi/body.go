package httpapi

import (
	"bytes"
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

// trustedBytes is how much is allocated on the word of a Content-Length.
const trustedBytes = 64 << 10

// boundBody refuses a body that is larger than it may be, before anything is done for
// whoever sent it (reference/security.md §13). Only a body that does not say its length
// has to be read for that.
func (x *exchange) boundBody() error {
	if x.traits&ownBody != 0 || x.r.Body == nil || x.r.Body == http.NoBody {
		return nil
	}
	most := x.api.opts.MaxBodyBytes
	if n := x.r.ContentLength; n >= 0 {
		if uint64(n) > most {
			return tooLarge(n, most, settingBodySize)
		}
		return nil // net/http gives no more than that
	}
	body, err := readAll(x.open(int64(min(most, math.MaxInt64))), -1)
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return tooLarge(tooBig.Limit+1, most, settingBodySize) // at least so many: it came in chunks
	case err != nil:
		return invalid("read body: %w", err)
	}
	r := *x.r // net/http looks at the body of its own
	r.Body = io.NopCloser(bytes.NewReader(body))
	x.r = &r
	return nil
}

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
	settingBodySize  = "http_max_request_body_size"
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
	if err := read(shape.NewReader(x.r.Body)); err != nil {
		return invalid(text, wire.NameKeys(err))
	}
	return nil
}

// decodeTenant is decode for bodies whose refusal of a namespace says why.
func (x *exchange) decodeTenant(v any) error {
	err := x.decode(v)
	if err != nil && strings.HasSuffix(err.Error(), `unknown field "Namespace"`) {
		return invalid("%w - "+textNamespaces, err)
	}
	return err
}
