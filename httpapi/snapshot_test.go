package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// carrier answers transfers.
type carrier func(op *rpc.Desc, req rpc.Message, body io.Reader) (rpc.Message, io.ReadCloser, error)

func (c carrier) Carry(_ context.Context, op *rpc.Desc, req rpc.Message, body io.Reader) (rpc.Message, io.ReadCloser, error) {
	return c(op, req, body)
}

func withTransfers(c carrier) func(*httpapi.Options) {
	return func(o *httpapi.Options) { o.Transfers = c }
}

func TestASnapshotIsStreamedWithItsIndex(t *testing.T) {
	f := newFixture(t, withTransfers(func(op *rpc.Desc, req rpc.Message, _ io.Reader) (rpc.Message, io.ReadCloser, error) {
		asked := req.(*ops.SnapshotSaveRequest)
		if op.Name != ops.SnapshotSave.Name || !asked.Stale || asked.Datacenter != "dc2" || asked.Token != "t" {
			t.Errorf("%s %+v", op.Name, asked)
		}
		return &ops.SnapshotSaveReply{ReadMeta: leaderMeta}, io.NopCloser(strings.NewReader("archive")), nil
	}))
	res := f.want("GET", "/v1/snapshot?stale&consistent&dc=dc2&token=t", "", 200, "archive")
	wantHeader(t, res, "Content-Type", "application/x-gzip")
	wantHeader(t, res, "X-Consul-Index", "7")
	wantHeader(t, res, "X-Consul-KnownLeader", "true")
	wantHeader(t, res, "Content-Encoding", "")
}

// TestASnapshotForConsulSaysWhatItLeavesOut, and one from a server that cannot make it is
// not given out as one.
func TestASnapshotForConsulSaysWhatItLeavesOut(t *testing.T) {
	reply := &ops.SnapshotSaveReply{ReadMeta: leaderMeta, Format: "consul", Omitted: []string{"one", "two, and more"}}
	f := newFixture(t, withTransfers(func(_ *rpc.Desc, req rpc.Message, _ io.Reader) (rpc.Message, io.ReadCloser, error) {
		if asked := req.(*ops.SnapshotSaveRequest); asked.Format != "consul" {
			t.Errorf("%+v", asked)
		}
		return reply, io.NopCloser(strings.NewReader("archive")), nil
	}))
	res := f.want("GET", "/v1/snapshot?format=consul", "", 200, "archive")
	if got := res.Header["X-Praetor-Snapshot-Omitted"]; !slices.Equal(got, reply.Omitted) {
		t.Errorf("omitted %q", got)
	}
	reply = &ops.SnapshotSaveReply{ReadMeta: leaderMeta}
	f.want("GET", "/v1/snapshot?format=consul", "", 500, "the server that answers is of an older version, which cannot save in Consul's format")
}

// A snapshot that breaks off must not look whole to the client.
func TestASnapshotThatBreaksOffEndsTheConnection(t *testing.T) {
	f := newFixture(t, withTransfers(func(*rpc.Desc, rpc.Message, io.Reader) (rpc.Message, io.ReadCloser, error) {
		half, to := io.Pipe()
		go func() { // ends when both are read
			io.WriteString(to, strings.Repeat("x", 100<<10))
			to.CloseWithError(errors.New("the disk is gone"))
		}()
		return &ops.SnapshotSaveReply{ReadMeta: leaderMeta}, half, nil
	}))
	server := httptest.NewServer(f.api)
	defer server.Close()
	res, err := http.Get(server.URL + "/v1/snapshot")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%d bytes were read without an error", len(b))
	}
}

func TestARestoreHandsTheBodyOnAndSaysWhatIsWrong(t *testing.T) {
	f := newFixture(t, withTransfers(func(_ *rpc.Desc, req rpc.Message, body io.Reader) (rpc.Message, io.ReadCloser, error) {
		b, err := io.ReadAll(body)
		if err != nil || string(b) != "archive" {
			return nil, nil, fault.New(fault.Rejected, "failed to decompress snapshot: EOF")
		}
		return &ops.Empty{}, nil, nil
	}))
	res := f.want("PUT", "/v1/snapshot", "archive", 200, "")
	wantHeader(t, res, "Content-Type", "application/octet-stream")
	wantHeader(t, res, "X-Consul-Index", "")
	f.want("PUT", "/v1/snapshot", "", 500, "failed to decompress snapshot: EOF")
	f.want("PUT", "/v1/snapshot?stale", "archive", 500, "stale not allowed for restore")
}
