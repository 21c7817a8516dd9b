package rpc

import (
	"context"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// textStopping is why a request was not looked at.
const textStopping = "the server is stopping"

func (r *Router) describeBatch(serving context.Context) grpc.StreamDesc {
	sd := batchSD
	sd.Handler = func(_ any, stream grpc.ServerStream) error {
		r.served.streams.Incr()
		met, ok := metOf(stream.Context())
		if !ok || met.conn == nil {
			return status.Error(codes.Internal, "a batch came over no connection")
		}
		a := &answering{r: r, serving: serving, out: newOutbox(), slots: met.conn.asks}
		return a.run(stream)
	}
	return sd
}

// answering answers the asks of one stream.
type answering struct {
	r       *Router
	serving context.Context
	out     *outbox
	slots   chan struct{} // one for each ask of the connection in work
	work    sync.WaitGroup
}

// run answers until the sender wants no more or has left.
func (a *answering) run(stream grpc.ServerStream) error {
	sent := make(chan struct{})
	go func() { // waited for below
		defer close(sent)
		a.out.run(stream.SendMsg)
	}()
	unhook := context.AfterFunc(a.serving, a.goodbye)
	ctx, cancel := context.WithCancel(stream.Context())
	err := a.read(ctx, stream)
	if err != nil {
		cancel() // reads have nobody who waits for them
	}
	a.work.Wait()
	cancel()
	unhook()
	a.out.close()
	<-sent
	return err
}

// goodbye tells the sender that the server is stopping.
func (a *answering) goodbye() {
	a.put(&answer{}, nil)
}

// read starts what is asked, until the sender wants no more: nil, or it cannot go on.
func (a *answering) read(ctx context.Context, stream grpc.ServerStream) error {
	for {
		var message chunk
		done, err := a.r.receive(ctx, &message, stream.RecvMsg)
		done()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case len(message) > maxBatch:
			return status.Error(codes.InvalidArgument, fmt.Sprintf("a batch of %d bytes is too large: at most %d are allowed", len(message), maxBatch))
		}
		for rest := []byte(message); len(rest) > 0; {
			var q ask
			if q, rest, err = readAsk(rest); err != nil {
				return status.Error(codes.InvalidArgument, err.Error())
			}
			if q.id == 0 {
				continue
			}
			a.slots <- struct{}{}
			a.work.Go(func() {
				a.answer(ctx, &q)
				<-a.slots
			})
		}
	}
}

// answer answers one ask.
func (a *answering) answer(ctx context.Context, q *ask) {
	a.r.served.requests.Incr()
	rep, err := a.reply(ctx, q)
	a.put(answerOf(q.id, err), rep)
}

// answerOf is an answer as a gRPC status says, nil for one that has a reply.
func answerOf(id uint64, err error) *answer {
	st := status.Convert(err)
	return &answer{id: id, code: st.Code(), text: st.Message()}
}

// reply makes the reply; an error is a gRPC status.
func (a *answering) reply(ctx context.Context, q *ask) (rep Message, err error) {
	if a.serving.Err() != nil {
		return nil, status.Error(codeNotDone, textStopping)
	}
	reg, ok := a.r.opts.Local.handlers[q.op]
	if !ok {
		return nil, status.Error(codes.Unimplemented, "unknown operation "+q.op)
	}
	req := reg.op.NewRequest()
	if err := (codec{bounded: true}).decode(q.request, req); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	if blocks(req) {
		return nil, status.Error(codeAlone, "a request that waits would keep others waiting")
	}
	if q.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.timeout)
		defer cancel()
	}
	rep, err = a.r.answer(q.origin.incoming(ctx), a.serving, reg.op, req)
	if err == nil && !reg.op.Write && rep.Msgsize() > maxBrief {
		return nil, status.Error(codeAlone, "the reply is too long")
	}
	return rep, err
}

// put has an answer sent, or why its reply cannot be encoded.
func (a *answering) put(said *answer, rep Message) {
	_, _, err := a.out.put(true, func(b []byte, _ uint64) ([]byte, error) { return appendAnswer(b, said, rep) })
	if err != nil {
		a.put(answerOf(said.id, toStatus(err)), nil)
	}
}
