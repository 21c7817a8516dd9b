package server

import (
	"context"
	"io"
	"os"

	"github.com/tinylib/msgp/msgp"

	"praetor/agent/server/acls"
	"praetor/agent/server/ca"
	"praetor/agent/server/duty"
	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/rpc"
)

// Operations lists what a server answers.
func Operations() []*rpc.Desc { return blank().mux().Operations() }

// Rules lists what each operation and transfer asks of its caller.
func Rules() map[string]kernel.Rule { return blank().registered().Rules() }

func blank() *Server {
	k := kernel.New(kernel.Options{})
	return &Server{kernel: k, duties: duty.New(k, duty.Options{}), acls: acls.New(k, acls.Options{}), ca: ca.New(k, ca.Options{Enabled: true}), measured: newMeasured(nil)}
}

// Views is how many answers are kept, and what they hold.
func (s *Server) Views() (views, bytes int) { return s.kernel.Views.Size() }

// State is the state at this moment.
func (s *Server) State() *catalog.Tx { return s.kernel.Store.Read() }

// AdmitStale reports whether a stale read would be answered now: nil for yes.
func (s *Server) AdmitStale(ctx context.Context) error {
	return s.kernel.AdmitRead(ctx, &rpc.ReadOptions{Stale: true})
}

// CatchUp reports whether this server, not leading, may answer a read now.
func (s *Server) CatchUp(ctx context.Context, o *rpc.ReadOptions) bool {
	_, may := s.kernel.CatchUp(ctx, o)
	return may
}

// SessionTTLs is how many sessions have a timer.
func (s *Server) SessionTTLs() int { return s.duties.Timers.Active() }

// LeaveReady marks s ready in the term it sees now.
func (s *Server) LeaveReady() { s.kernel.MakeReady(s.kernel.Raft.Raft().CurrentTerm()) }

// ReconcileAll makes one pass over all members.
func (s *Server) ReconcileAll(ctx context.Context) { s.duties.ReconcileAll(ctx) }

// SpoolWith writes to a spool on a disk with so much room.
func SpoolWith(dir string, free func(string) (uint64, error)) error {
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return err
	}
	f := &spool{File: file, dir: dir, free: free}
	defer f.Close()
	_, err = f.Write([]byte("state"))
	return err
}

// Stream reads what write writes.
func Stream(ctx context.Context, write func(io.Writer) error) io.ReadCloser {
	return stream(ctx, write)
}

// Log writes a command as a handler does.
func (s *Server) Log(ctx context.Context, t catalog.CommandType, cmd msgp.Marshaler) error {
	_, _, err := s.kernel.Apply(ctx, t, cmd)
	return err
}

// TakeUpAgain has the leader take up its duties anew, as after a restore.
func (s *Server) TakeUpAgain(ctx context.Context) { s.duties.TakeUpAgain(ctx) }
