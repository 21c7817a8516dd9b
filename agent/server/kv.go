package server

import (
	"context"
	"io"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

func (s *Server) registerKV(m *kernel.Mux) {
	kernel.Handle(m, ops.KVApply, kernel.Needs(kvApplyNeed), s.kvApply)
	kernel.Handle(m, ops.KVGet, kernel.Needs(func(r *ops.KVGetRequest) acl.Need { return acl.Key.Read(r.Key) }), s.kvGet)
	kernel.HandleList(m, s.kernel, ops.KVList, kernel.Entries, s.kvEntries)
	kernel.HandleTransfer(m, ops.KVStream, kernel.Entries.Rule(), s.kvStream)
	kernel.HandleList(m, s.kernel, ops.KVKeys, kernel.Keys, func(r *ops.KVKeysRequest, rep *ops.KVKeysReply) kernel.List[string] {
		return kernel.List[string]{
			Absent: true, Needs: s.keyList(r.Prefix), Into: &rep.Keys,
			Rows: func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []string) {
				return tx.KVKeys(ws, r.Prefix, r.Separator)
			},
			Keep: keepBelow(kernel.NewListKey("keys", r.Prefix, r.Separator), r.Prefix),
		}
	})
}

func kvApplyNeed(r *ops.KVApplyRequest) acl.Need {
	if r.Write.Verb == catalog.KVDeleteTree {
		return acl.Key.WriteBelow(r.Write.Entry.Key)
	}
	return acl.Key.Write(r.Write.Entry.Key)
}

func (s *Server) kvApply(ctx context.Context, az *acl.Authorizer, req *ops.KVApplyRequest) (*ops.KVApplyReply, error) {
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
	result, index, err := s.kernel.Apply(s.kernel.By(ctx, az), catalog.KVWriteCommand, &write)
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

// keepBelow keeps what is listed of the entries below a prefix.
func keepBelow(key, prefix string) *kernel.Keep {
	return &kernel.Keep{
		Key: key,
		Stamp: func(tx *catalog.Tx, ws catalog.WatchSet) kernel.Stamp {
			return kernel.Stamp{Changed: tx.WatchKVList(ws, prefix)}
		},
		Index: func(tx *catalog.Tx, listed uint64) uint64 { return tx.KVListIndex(prefix, listed) },
	}
}

// keyList is the right to list keys, where acl.enable_key_list_policy asks for it.
func (s *Server) keyList(prefix string) acl.Need {
	if !s.opts.KeyListPolicy {
		return acl.Need{}
	}
	return acl.Key.List(prefix)
}

// kvEntries lists the entries below a prefix, if they are not larger together than
// the request allows.
func (s *Server) kvEntries(r *ops.KVListRequest, rep *ops.KVListReply) kernel.List[*catalog.KVEntry] {
	return kernel.List[*catalog.KVEntry]{
		Absent: true, Needs: s.keyList(r.Prefix), Into: &rep.Entries,
		Rows: func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, []*catalog.KVEntry) { return tx.KVList(ws, r.Prefix) },
		Keep: keepBelow(kernel.NewListKey("entries", r.Prefix), r.Prefix),
		Then: func() {
			if rep.TooLarge = r.MaxBytes > 0 && entriesBytes(rep.Entries) > r.MaxBytes; rep.TooLarge {
				rep.Entries = nil
			}
		},
	}
}

// entryBytes is about what an entry has besides its key and its value.
const entryBytes = 100

func entriesBytes(list []*catalog.KVEntry) (bytes int) {
	for _, e := range list {
		bytes += entryBytes + len(e.Key) + len(e.Value)
	}
	return bytes
}

// kvStream is KV.List with the entries behind the reply.
func (s *Server) kvStream(ctx context.Context, az *acl.Authorizer, req *ops.KVListRequest, _ io.Reader) (*ops.KVStreamReply, io.ReadCloser, error) {
	whole, list := *req, ops.KVListReply{}
	whole.MaxBytes = 0
	if err := kernel.ReadList(ctx, s.kernel, az, &req.ReadOptions, &list.ReadMeta, kernel.Entries, s.kvEntries(&whole, &list)); err != nil {
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
