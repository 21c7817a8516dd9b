package rpc

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errAlone tells that a request is to be asked in a call of its own: nothing was changed.
var errAlone = errors.New("not in a batch")

// batchForget is after what time a server that knew no batches is tried again.
const batchForget = time.Minute

var batchSD = grpc.StreamDesc{StreamName: batchName, ServerStreams: true, ClientStreams: true}

// batcher asks over one connection, on a stream that it opens when there is something to
// ask.
type batcher struct {
	conn    *grpc.ClientConn
	running sync.WaitGroup // of streams

	mu      sync.Mutex
	current *batchStream // nil: none
	retry   time.Time    // no stream is opened before
	closed  bool
}

// batchStream is a stream of asks and their answers.
type batchStream struct {
	of  *batcher
	out *outbox

	mu      sync.Mutex
	waiting map[uint64]*waiter // nil: the stream is broken
	used    bool               // since idle looked
	timer   *time.Timer        // runs idle
}

// waiter waits for one answer.
type waiter struct {
	rep  Message
	done chan outcome // has room for one
}

type outcome struct {
	err     error
	reached bool // the server may have the request
}

// ask asks the server. It reports whether the request may have reached it.
func (b *batcher) ask(ctx context.Context, op *Desc, req, rep Message, said *origin) (reached bool, err error) {
	s := b.stream()
	if s == nil {
		return false, errAlone
	}
	a := ask{op: op.Name, origin: *said}
	if until, ok := ctx.Deadline(); ok {
		a.timeout = max(time.Until(until), 1)
	}
	w := &waiter{rep: rep, done: make(chan outcome, 1)}
	number, at, err := s.put(&a, req, w)
	if err != nil {
		return false, err
	}
	if number == 0 {
		return false, errAlone
	}
	select {
	case o := <-w.done:
		return o.reached, o.err
	case <-ctx.Done():
		return s.leave(number, at), ctx.Err()
	}
}

// stream returns the stream in use, nil if there can be none.
func (b *batcher) stream() *batchStream {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != nil || b.closed || time.Now().Before(b.retry) {
		return b.current
	}
	s := &batchStream{of: b, out: newOutbox(), waiting: map[uint64]*waiter{}}
	s.timer = time.AfterFunc(batchIdle, s.idle) // stopped by end
	b.current = s
	b.running.Go(s.run)
	return s
}

// detach has others than s take a new stream, not before pause is over.
func (b *batcher) detach(s *batchStream, pause time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == s {
		b.current = nil
	}
	if pause > 0 {
		b.retry = time.Now().Add(pause)
	}
}

// close returns when no stream runs any more. The connection must be closed.
func (b *batcher) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.running.Wait()
}

// put has an ask sent, of which w gets the outcome; see outbox.put.
func (s *batchStream) put(a *ask, req Message, w *waiter) (number uint64, at int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return 0, 0, nil
	}
	number, at, err = s.out.put(false, func(b []byte, number uint64) ([]byte, error) {
		a.id = number
		return appendAsk(b, a, req)
	})
	if number > 0 {
		s.waiting[number], s.used = w, true
	}
	return number, at, err
}

// leave is for who waits no more. It reports whether the server may have the request.
func (s *batchStream) leave(number uint64, at int) (reached bool) {
	s.answered(number)
	return !s.out.withdraw(number, at)
}

// answered returns who waited for an answer, nil for nobody.
func (s *batchStream) answered(number uint64) *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting[number]
	delete(s.waiting, number)
	return w
}

// idle ends a stream that nobody uses.
func (s *batchStream) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.waiting == nil:
	case s.used || len(s.waiting) > 0:
		s.used = false
		s.timer.Reset(batchIdle)
	default:
		s.out.close()
	}
}

// run opens the stream, sends on it what is put in, and reads the answers.
func (s *batchStream) run() {
	// The context of the stream outlives that of each who asks.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := s.of.conn.NewStream(ctx, &batchSD, methodPrefix+batchName)
	if err != nil {
		s.end(err)
		return
	}
	sent := make(chan struct{})
	go func() { // waited for below
		defer close(sent)
		s.out.run(stream.SendMsg)
		s.of.detach(s, 0)
		_ = stream.CloseSend() // never fails
	}()
	for err == nil {
		var message chunk
		if err = stream.RecvMsg(&message); err == nil {
			err = s.read(message)
		}
	}
	if err == io.EOF {
		err = status.Error(codes.Unavailable, "the server has ended the stream")
	}
	cancel()
	s.end(err)
	<-sent
}

// read gives those who wait the answers in a message.
func (s *batchStream) read(message []byte) error {
	for len(message) > 0 {
		a, rest, err := readReply(message)
		if err != nil {
			return status.Error(codes.Internal, err.Error())
		}
		message = rest
		if a.id == 0 {
			s.out.close()
		} else if w := s.answered(a.id); w != nil {
			w.done <- w.outcome(&a)
		}
	}
	return nil
}

// outcome decodes an answer.
func (w *waiter) outcome(a *answer) outcome {
	switch a.code {
	case codes.OK:
		return outcome{codec{}.decode(a.reply, w.rep), true}
	case codeAlone:
		return outcome{errAlone, true}
	case codeNotDone:
		return outcome{status.Error(codes.Unavailable, a.text), false}
	}
	return outcome{status.Error(a.code, a.text), true}
}

// end tells all who wait that the stream is broken, and why.
func (s *batchStream) end(why error) {
	pause := time.Duration(0)
	if status.Code(why) == codes.Unimplemented {
		pause = batchForget
	}
	s.of.detach(s, pause)
	taken := s.out.abandon()
	s.mu.Lock()
	left := s.waiting
	s.waiting = nil
	s.timer.Stop()
	s.mu.Unlock()
	for number, w := range left {
		o := outcome{why, number <= taken}
		if pause > 0 {
			o = outcome{errAlone, false}
		}
		w.done <- o
	}
}
