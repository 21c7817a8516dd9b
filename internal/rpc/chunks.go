package rpc

import (
	"context"
	"errors"
	"io"

	"github.com/tinylib/msgp/msgp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"praetor/internal/fault"
)

// chunkBytes is how much of a body travels in one message. gRPC lets a few of them
// be under way, whatever the body's length. With its frame a message fits gRPC's
// buffers of 32 KB: the next larger ones have a megabyte.
const chunkBytes = 32<<10 - 64

// chunk is a part of a body on the wire: MessagePack binary.
type chunk []byte

// MarshalMsg implements msgp.Marshaler.
func (c *chunk) MarshalMsg(b []byte) ([]byte, error) { return msgp.AppendBytes(b, *c), nil }

// UnmarshalMsg implements msgp.Unmarshaler.
func (c *chunk) UnmarshalMsg(b []byte) ([]byte, error) {
	got, rest, err := msgp.ReadBytesBytes(b, (*c)[:0])
	*c = got
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (c *chunk) Msgsize() int { return msgp.BytesPrefixSize + len(*c) }

// wantKey is the gRPC header by which a receiver asks for the body. A refusal
// comes without it, so a sender whose body was not asked for may try elsewhere.
const wantKey = "praetor-want"

var (
	wantBody   = metadata.Pairs(wantKey, "body")
	transferSD = grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
)

// sendTransfer asks one server once.
func (r *Router) sendTransfer(ctx context.Context, srv Server, op *Desc, req Message, in *once, h hop) (Message, io.ReadCloser, verdict, error) {
	l, err := r.pool.get(srv, laneBodies)
	if err != nil {
		return nil, nil, final, err
	}
	// Ended where the reply's body is, or here.
	bounded, cancel := context.WithCancel(ctx)
	var reached peer.Peer
	rep, out, err := talk(r.originOf(ctx, op, h).outgoing(bounded), l.conn, op, req, in, grpc.Peer(&reached))
	if err == nil {
		out.cancel = cancel
		return rep, out, final, nil
	}
	cancel()
	var own *bodyError
	if errors.As(err, &own) {
		return nil, nil, final, own.err
	}
	v, err := judge(ctx, err, srv.Address, op, h, reached.Addr != nil)
	return nil, nil, v, err
}

// bodyError is a fault of who gives the body, not of the other side.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }

// talk sends the request, the body once it is asked for, and reads the reply.
func talk(ctx context.Context, conn *grpc.ClientConn, op *Desc, req Message, in *once, opts ...grpc.CallOption) (Message, *incoming, error) {
	stream, err := conn.NewStream(ctx, &transferSD, op.path(), opts...)
	if err != nil {
		return nil, nil, err
	}
	if err := stream.SendMsg(req); err != nil && err != io.EOF { // EOF: the refusal is read below
		return nil, nil, err
	}
	header, err := stream.Header()
	if err == nil && len(header.Get(wantKey)) > 0 {
		if err := sendBody(stream, in); err != nil {
			return nil, nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, nil, err
	}
	rep := op.NewReply()
	if err := stream.RecvMsg(rep); err != nil {
		return nil, nil, err
	}
	return rep, &incoming{recv: stream.RecvMsg}, nil
}

// sendBody sends all of in. That the other side wants no more is no fault: what
// it thinks of it comes as its answer.
func sendBody(stream interface{ SendMsg(any) error }, in io.Reader) error {
	buf := make([]byte, chunkBytes)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			c := chunk(buf[:n])
			if err := stream.SendMsg(&c); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return &bodyError{err}
		}
	}
}

// incoming is a body that arrives.
type incoming struct {
	ask    func() error // before the first chunk; nil: nothing to ask for
	recv   func(any) error
	cancel context.CancelFunc // nil: the handler's end ends it
	buf    chunk
	rest   []byte
	err    error
}

// Read implements io.Reader.
func (i *incoming) Read(b []byte) (int, error) {
	if i.ask != nil {
		i.err, i.ask = i.ask(), nil
	}
	for len(i.rest) == 0 {
		if i.err != nil {
			return 0, i.err
		}
		if err := i.recv(&i.buf); err != nil {
			i.err = err
			if st := status.Convert(err); err != io.EOF {
				if i.err = fromStatus(st); i.err == nil {
					i.err = fault.New(fault.Internal, "transfer broke: %s", st.Message())
				}
			}
		} else {
			i.rest = i.buf
		}
	}
	n := copy(b, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

// Close gives up what was not read.
func (i *incoming) Close() error {
	if i.cancel != nil {
		i.cancel()
	}
	return nil
}

// describeTransfers lists the transfers as gRPC streams.
func describeTransfers(serving context.Context, r *Router) (list []grpc.StreamDesc) {
	for _, reg := range r.opts.Local.transfers {
		list = append(list, grpc.StreamDesc{
			StreamName: reg.op.Name, ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				return r.transferArrived(serving, reg.op, stream)
			},
		})
	}
	return list
}

// transferArrived answers a transfer that came over the wire.
func (r *Router) transferArrived(serving context.Context, op *Desc, stream grpc.ServerStream) error {
	r.served.streams.Incr()
	h, ok := r.hopOf(stream.Context())
	if !ok {
		return status.Error(codes.InvalidArgument, "unknown "+hopKey)
	}
	req := op.NewRequest()
	done, err := r.receive(stream.Context(), req, stream.RecvMsg)
	defer done()
	if err != nil {
		return err
	}
	give, err := r.room(stream.Context(), transferRoom)
	if err != nil {
		return toStatus(err)
	}
	defer give()
	ctx, cancel := context.WithCancel(stream.Context())
	if op.Write { // its body ends with its sender: one that is whole goes on
		ctx, cancel = context.WithCancel(context.WithoutCancel(stream.Context()))
	}
	defer cancel()
	defer context.AfterFunc(serving, cancel)()
	body := &incoming{ask: func() error { return stream.SendHeader(wantBody) }, recv: func(chunk any) error {
		done, err := r.receive(stream.Context(), chunk.(Message), stream.RecvMsg)
		done()
		return err
	}}
	rep, out, err := r.transfer(ctx, op, req, body, h)
	if err != nil {
		if stream.Context().Err() == nil && serving.Err() != nil {
			return status.Error(codes.Unavailable, textStopping)
		}
		return toStatus(err)
	}
	if out == nil {
		return stream.SendMsg(rep)
	}
	defer out.Close()
	if err := stream.SendMsg(rep); err != nil {
		return err
	}
	err = sendBody(stream, out)
	var own *bodyError
	if errors.As(err, &own) {
		return toStatus(own.err)
	}
	return err
}

var (
	_ Message       = (*chunk)(nil)
	_ io.ReadCloser = (*incoming)(nil)
)
