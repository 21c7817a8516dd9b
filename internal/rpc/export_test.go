package rpc

import (
	"context"
	"io"
	"net"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"praetor/internal/budget"
)

// Peeks for tests.

const (
	RaftByte        = raftByte
	RPCByte         = rpcByte
	HelloByte       = helloByte
	TLSByte         = tlsByte
	UncertifiedByte = uncertifiedByte
	MaxPerIP        = maxPerIP
	AcceptQueue     = acceptQueue
	MaxRecords      = maxRecords
	MaxValues       = maxValues
)

func Encode(v any) ([]byte, error) {
	b, err := codec{}.Marshal(v)
	if err != nil {
		return nil, err
	}
	defer b.Free()
	return b.Materialize(), nil
}

func Decode(b []byte, v any) error {
	return codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, v)
}

// DecodeRequest is Decode on a server.
func DecodeRequest(b []byte, v any) error {
	return codec{bounded: true}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, v)
}

// DecodeSplit decodes bytes that arrived in two pieces.
func DecodeSplit(b []byte, at int, v any) error {
	return codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b[:at]), mem.SliceBuffer(b[at:])}, v)
}

// OverTheWire is what the other side reads of an error.
func OverTheWire(err error) error { return fromStatus(status.Convert(toStatus(err))) }

// Relayed is how it words that.
func Relayed(err error) error { return relayed(err) }

func UnpackTexts(s string) (text, hint, whole string, ok bool) { return unpackTexts(s) }
func PackTexts(text, hint, whole string) string                { return packTexts(text, hint, whole) }

// UnderWay is the budget of replies, and LimitReplies sets it.
func (r *Router) UnderWay() *budget.Budget      { return r.underWay }
func (r *Router) LimitReplies(b *budget.Budget) { r.underWay = b }

// InWork is the budget of requests, and LimitRequests sets it.
func (r *Router) InWork() *budget.Budget         { return r.inWork }
func (r *Router) LimitRequests(b *budget.Budget) { r.inWork = b }

// Partial is how many bytes of requests are not whole, and LimitPartial bounds them.
func (r *Router) Partial() int64 { return r.partial.bytes.Load() }
func (r *Router) LimitPartial(most, perConn int64) {
	r.partial.most, r.partial.perConn = most, perConn
}

// Path is the gRPC method of an operation.
func (d *Desc) Path() string { return d.path() }

// SendAs sends a request that says how it came here: "leader", "datacenter", "here".
func (r *Router) SendAs(ctx context.Context, srv Server, op *Desc, req Message, name string) (Message, error) {
	rep, _, err := r.send(ctx, srv, op, req, hop(slices.Index(hopNames[:], name)))
	return rep, err
}

// The parts of a handshake, for tests that speak it by hand.

const (
	ProofBytes = proofBytes
	MaxRaft    = maxRaft
	MaxUnmet   = maxUnmet

	RefusedUnproven   = refusedUnproven
	RefusedStranger   = refusedStranger
	RefusedDatacenter = refusedDatacenter
)

// Hello is what a dialer says first.
func (i Identity) Hello(purpose byte, want string) []byte {
	h := i.newHello(purpose, want)
	b, err := h.encode()
	if err != nil {
		panic(err)
	}
	return b
}

// ReadHello reads a hello behind its first byte and encodes it again.
func ReadHello(r io.Reader) (again []byte, id, datacenter, want string, err error) {
	h, _, err := readHello(r)
	if err != nil {
		return nil, "", "", "", err
	}
	again, err = h.encode()
	return again, h.id, h.datacenter, h.want, err
}

// DialerProof is what a dialer with a key shows.
func DialerProof(key, hello, answer []byte) []byte { return proof(key, byDialer, hello, answer) }

// DialRPC opens a connection as the pool does.
func (d *Dialer) DialRPC(ctx context.Context, srv Server) (net.Conn, error) {
	return d.dialRPC(ctx, srv)
}

// ServeWithoutBatches is Serve of a version that knew none.
func ServeWithoutBatches(ctx context.Context, l net.Listener, router *Router) error {
	srv, service := newServer(router), describe(ctx, router)
	service.Streams = slices.DeleteFunc(service.Streams, func(s grpc.StreamDesc) bool { return s.StreamName == batchName })
	srv.RegisterService(service, nil)
	return RunServer(ctx, l, srv, "rpc", nil)
}

const (
	MaxAsks   = maxStreams
	MaxBatch  = maxBatch
	BatchIdle = batchIdle
	BatchPath = methodPrefix + batchName
)

// Batch is a message of a batch.
type Batch = chunk

// AppendAsk encodes an ask.
func AppendAsk(b []byte, id uint64, op, hop string, m Message) []byte {
	b, err := appendAsk(b, &ask{id: id, op: op, origin: origin{hop: hop, source: "10.0.0.9:1", agent: "n1"}}, m)
	if err != nil {
		panic(err)
	}
	return b
}

// ReadAsks reads all asks of a message, and encodes those again whose requests m can decode.
func ReadAsks(b []byte, m Message) (again []byte, err error) {
	for len(b) > 0 {
		var a ask
		if a, b, err = readAsk(b); err != nil {
			return nil, err
		}
		if (codec{bounded: true}).decode(a.request, m) != nil {
			continue
		}
		if again, err = appendAsk(again, &a, m); err != nil {
			return nil, err
		}
	}
	return again, nil
}

// Answered is an answer in a batch.
type Answered struct {
	ID   uint64
	Code codes.Code
	Text string
}

// ReadAnswers reads all answers of a message.
func ReadAnswers(b []byte) (list []Answered, err error) {
	for len(b) > 0 {
		var a answer
		if a, b, err = readReply(b); err != nil {
			return nil, err
		}
		list = append(list, Answered{a.id, a.code, a.text})
	}
	return list, nil
}

// Codec is that of both sides.
var Codec = codec{}

// Batches is on how many connections there is a stream for batches.
func (r *Router) Batches() (open int) {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	for _, l := range r.pool.links {
		l.batch.mu.Lock()
		if l.batch.current != nil {
			open++
		}
		l.batch.mu.Unlock()
	}
	return open
}
