package httpapi

import (
	"compress/gzip"
	"io"
	"net/http"
)

// stream is an answer without an end of its own. Clients that speak HTTP/1.0 get
// it until the connection closes, others in chunks.
type stream struct {
	to   io.Writer
	zip  *gzip.Writer // nil if the client does not want it
	http *http.ResponseController
}

// stream sends the header at once. However little follows, it is compressed if
// the client likes that (reference/http-api.md §2.1).
func (x *exchange) stream(contentType []string) (*stream, error) {
	x.wrote = true
	h := x.w.Header()
	h["Content-Type"] = contentType
	s := &stream{to: x.w, http: http.NewResponseController(x.w)}
	if acceptsGzip(x.header("Accept-Encoding")) {
		h["Content-Encoding"] = headerGzip
		zip, err := gzip.NewWriterLevel(x.w, gzip.BestSpeed) // a third of the memory of the default
		if err != nil {
			panic(err) // the level is a constant
		}
		s.zip = zip
		s.to = s.zip
	}
	x.w.WriteHeader(http.StatusOK)
	return s, s.http.Flush()
}

func (s *stream) write(p []byte) error {
	_, err := s.to.Write(p)
	return err
}

// flush sends what was written to the client.
func (s *stream) flush() error {
	if s.zip != nil {
		if err := s.zip.Flush(); err != nil {
			return err
		}
	}
	return s.http.Flush()
}

// close completes what is compressed.
func (s *stream) close() {
	if s.zip != nil {
		_ = s.zip.Close() // a client that has left is not an error
	}
}
