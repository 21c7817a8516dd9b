package httpapi

import (
	"io"
	"net/http"
	"time"

	"praetor/internal/httpserver"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

var (
	typeArchive = []string{"application/x-gzip"}
	typeBytes   = []string{"application/octet-stream"}
)

// headerOmitted has a line for each thing that a snapshot for Consul leaves out.
const headerOmitted = "X-Praetor-Snapshot-Omitted"

// textRestoreStale is reference/http-operator-acl.md §2.
const textRestoreStale = "stale not allowed for restore"

// snapshot saves and restores the whole state (reference/http-operator-acl.md §2).
func snapshot(x *exchange) error {
	if x.r.Method == http.MethodGet {
		return snapshotSave(x)
	}
	return snapshotRestore(x)
}

func snapshotSave(x *exchange) error {
	req := &ops.SnapshotSaveRequest{ReadOptions: rpc.ReadOptions{Datacenter: x.datacenter(), Token: x.token, Stale: x.has("stale")}, Format: x.query.Get("format")}
	rep, archive, err := ops.SnapshotSave.Call(x.r.Context(), x.api.opts.Transfers, req, nil)
	if err != nil {
		return err
	}
	defer archive.Close()
	if req.Format == ops.SnapshotConsul && rep.Format != req.Format {
		return rejected("the server that answers is of an older version, which cannot save in Consul's format")
	}
	x.wrote = true
	x.writeMeta(&rep.ReadMeta)
	if len(rep.Omitted) > 0 {
		x.w.Header()[headerOmitted] = rep.Omitted
	}
	x.w.Header()["Content-Type"] = typeArchive
	x.w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(x.w, archive); err != nil {
		x.logFailure(err.Error())
		panic(http.ErrAbortHandler) // net/http's way to break the answer off: it must not look whole
	}
	return nil
}

func snapshotRestore(x *exchange) error {
	if x.has("stale") {
		return rejected(textRestoreStale)
	}
	body := &steadyBody{from: x.r.Body, deadline: http.NewResponseController(x.w)}
	req := &ops.SnapshotRestoreRequest{WriteOptions: x.writeOptions()}
	_, rest, err := ops.SnapshotRestore.Call(x.r.Context(), x.api.opts.Transfers, req, body)
	if err != nil {
		return err
	}
	if rest != nil {
		defer rest.Close()
	}
	x.w.Header()["Content-Type"] = typeBytes
	x.status(http.StatusOK)
	return nil
}

// steadyBody is a body of any length whose bytes must keep coming.
type steadyBody struct {
	from     io.Reader
	deadline *http.ResponseController
}

// Read implements io.Reader.
func (b *steadyBody) Read(p []byte) (int, error) {
	bounded := b.deadline.SetReadDeadline(time.Now().Add(httpserver.BodyStall)) == nil
	n, err := b.from.Read(p)
	if bounded {
		_ = b.deadline.SetReadDeadline(time.Time{}) // what was set can be unset
	}
	return n, err
}

var _ io.Reader = (*steadyBody)(nil)
