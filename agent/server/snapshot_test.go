package server_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"praetor/agent/server"
	"praetor/internal/ops"
)

// bomb is an archive whose state is so many zeros.
func bomb(t *testing.T, bytes int64) io.Reader {
	t.Helper()
	out, in := io.Pipe()
	t.Cleanup(func() { out.Close() })
	go func() { // ends when out is closed
		zip := gzip.NewWriter(in)
		to := tar.NewWriter(zip)
		err := to.WriteHeader(&tar.Header{Name: "state.bin", Mode: 0o600, Size: bytes})
		if err == nil {
			_, err = io.CopyN(to, zeros{}, bytes)
		}
		in.CloseWithError(err)
	}()
	return out
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// counted counts what is read of an upload.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

func TestASnapshotOfZerosIsGivenUpAtItsFirstBytes(t *testing.T) {
	virtual(t, func(o *server.Options) { o.Raft.Dir = "" }, func(s *lone) {
		s.put("a", "1")
		upload := &counted{Reader: bomb(s.t, 8<<30)}
		_, _, err := ops.SnapshotRestore.Call(context.Background(), s.Router(), &ops.SnapshotRestoreRequest{}, upload)
		if err == nil || !strings.HasPrefix(err.Error(), "failed to read snapshot file: ") {
			t.Errorf("%v", err)
		}
		if upload.n > 1<<20 { // 8 MB compressed
			t.Errorf("%d bytes of it were read", upload.n)
		}
		s.put("b", "2")
	})
}

func TestASpoolLeavesRoomOnItsDisk(t *testing.T) {
	for free, refused := range map[uint64]bool{1 << 30: false, 273 << 20: false, 271 << 20: true, 0: true} {
		err := server.SpoolWith(t.TempDir(), func(string) (uint64, error) { return free, nil })
		if got := err != nil && strings.Contains(err.Error(), fmt.Sprintf("%d MB are free, 272 MB must stay so", free>>20)); got != refused {
			t.Errorf("%d MB free: %v, want refused %v", free>>20, err, refused)
		}
	}
}

func TestArchiveThatIsGivenUpIsNotWrittenAnyMore(t *testing.T) {
	for name, giveUp := range map[string]func(stream io.Closer, cancel func()){
		"closed":          func(stream io.Closer, _ func()) { stream.Close() },
		"its caller left": func(stream io.Closer, cancel func()) { cancel(); stream.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				release := make(chan struct{})
				stream := server.Stream(ctx, func(w io.Writer) error {
					_, err := w.Write(make([]byte, 10))
					<-release // as a slow store
					return err
				})
				closed := make(chan struct{})
				go func() { // waited for below
					defer close(closed)
					giveUp(stream, cancel)
				}()
				synctest.Wait()
				select {
				case <-closed:
					t.Error("closed while somebody writes")
				default:
				}
				close(release)
				<-closed
			})
		})
	}
}

func TestArchiveEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stream := server.Stream(ctx, func(w io.Writer) error {
			_, err := w.Write(make([]byte, 10))
			return err
		})
		cancel()
		synctest.Wait() // else the reader may come first, and find it written
		if _, err := io.ReadAll(stream); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the caller left", err)
		}
		stream.Close()
	})
}
