package server

import (
	"context"
	"io"
	"slices"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) handleKV(m *kernel.Mux) {
	kernel.Handle(m, ops.KVApply, kernel.Needs(kvApplyNeed), s.kvApply)
	kernel.Handle(m, ops.KVGet, kernel.Needs(func(r *ops.KVGetRequest) acl.Need { return acl.Key.Read(r.Key) }), s.kvGet)
	kernel.Handle(m, ops.KVList, kernel.FilteredBy("key:read"), s.kvList)
	kernel.HandleTransfer(m, ops.KVStream, kernel.FilteredBy("key:read"), s.kvStream)
	kernel.Handle(m, ops.KVKeys, kernel.FilteredBy("key:read"), s.kvKeys)
}

func kvApplyNeed(r *ops.KVApplyRequest) acl.Need {
	if r.Write.Verb == catalog.KVDeleteTree {
		return acl.Key.WriteBelow(r.Write.Entry.Key)
	}
	return acl.Key.Write(r.Write.Entry.Key)
}

func (s *Server) kvApply(ctx context.Context, _ *acl.Authorizer, req *ops.KVApplyRequest) (*ops.KVApplyReply, error) {
	key := req.Write.Entry.Key
	if key == "" && req.Write.Verb != catalog.KVDeleteTree {
		return nil, fault.New(fault.Rejected, "Missing key name")
	}
	if err := s.checkValue(&req.Write.Entry); err != nil {
		return nil, err
	}
	if req.Write.Verb == catalog.KVLock && s.duties.Delays.Holds(key, time.Now()) {
		return &ops.KVApplyReply{}, nil
	}
	write := req.Write
	write.Entry.Session = kernel.SessionID(s.kernel.Store.Read(), write.Entry.Session)
	result, index, err := s.kernel.Apply(ctx, catalog.KVWriteCommand, &write)
	if err != nil {
		return nil, kernel.ApplyFailed("raft apply failed", err)
	}
	done, _ := result.(bool)
	return &ops.KVApplyReply{Done: done, Index: index}, nil
}

func (s *Server) kvGet(ctx context.Context, _ *acl.Authorizer, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
	rep := &ops.KVGetReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, entry := tx.KVGet(ws, req.Key)
		rep.Entry, rep.Absent = entry, entry == nil
		return index, nil
	})
}

func (s *Server) kvList(ctx context.Context, az *acl.Authorizer, req *ops.KVListRequest) (*ops.KVListReply, error) {
	rep := &ops.KVListReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, entries := tx.KVList(ws, req.Prefix)
		rep.Entries = slices.DeleteFunc(entries, func(e *catalog.KVEntry) bool { return !az.Allows(acl.Key.Read(e.Key)) })
		rep.Filtered, rep.Absent = len(rep.Entries) < len(entries), len(entries) == 0
		if rep.TooLarge = req.MaxBytes > 0 && entriesBytes(rep.Entries) > req.MaxBytes; rep.TooLarge {
			rep.Entries = nil
		}
		return index, nil
	})
}

// entryBytes is about what an entry has besides its key and its value.
const entryBytes = 100

func entriesBytes(list []*catalog.KVEntry) (bytes int) {
	for _, e := range list {
		bytes += entryBytes + len(e.Key) + len(e.Value)
	}
	return bytes
}

// kvStream is kvList with the entries behind the reply.
func (s *Server) kvStream(ctx context.Context, az *acl.Authorizer, req *ops.KVListRequest, _ io.Reader) (*ops.KVStreamReply, io.ReadCloser, error) {
	whole := *req
	whole.MaxBytes = 0
	list, err := s.kvList(ctx, az, &whole)
	if err != nil {
		return nil, nil, err
	}
	return &ops.KVStreamReply{ReadMeta: list.ReadMeta, Entries: list.Entries}, &entryReader{list: list.Entries}, nil
}

// entryReader encodes entries as they are read: one at a time is held, the rows
// are the store's.
type entryReader struct {
	list []*catalog.KVEntry
	buf  []byte // reused
	rest []byte // of buf, not read yet
}

// Read implements io.Reader.
func (r *entryReader) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		if len(r.list) == 0 {
			return 0, io.EOF
		}
		var err error
		r.buf = r.buf[:0]
		for len(r.list) > 0 && len(r.buf) < len(b) {
			if r.buf, err = r.list[0].MarshalMsg(r.buf); err != nil {
				return 0, err
			}
			r.list = r.list[1:]
		}
		r.rest = r.buf
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *entryReader) Close() error { return nil }

func (s *Server) kvKeys(ctx context.Context, az *acl.Authorizer, req *ops.KVKeysRequest) (*ops.KVKeysReply, error) {
	rep := &ops.KVKeysReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, keys := tx.KVKeys(ws, req.Prefix, req.Separator)
		rep.Keys = slices.DeleteFunc(keys, func(k string) bool { return !az.Allows(acl.Key.Read(k)) })
		rep.Filtered, rep.Absent = len(rep.Keys) < len(keys), len(keys) == 0
		return index, nil
	})
}
