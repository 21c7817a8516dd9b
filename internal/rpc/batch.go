package rpc

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"
	"google.golang.org/grpc/codes"
)

// Brief requests do not travel in a call each, which costs more than what most of them ask
// for: those of one connection share a stream. Whatever was asked while a message was sent
// goes with the next, and so do the replies. See DESIGN.md.

// batchName is the stream's method; no operation has a name without a dot.
const batchName = "Batch"

const (
	// maxBrief bounds a request that travels with others, in bytes, and the reply to a read.
	maxBrief = 16 << 10
	// maxQueued is how many bytes may wait to be sent before no more are taken.
	maxQueued = 256 << 10
	// maxBatch bounds a message: what waits, and one more.
	maxBatch = freeRequest
	// batchIdle is how long a stream stays that nobody uses: shorter than the connection's
	// pingAfter, for it is probed while it has a stream.
	batchIdle = 8 * time.Second
)

// Codes of replies beside gRPC's and those of faults.
const (
	// codeNotDone: the server is stopping and has not looked at the request.
	codeNotDone codes.Code = 50 + iota
	// codeAlone: the reply is too long for a batch, or has to be waited for; the read is to be
	// asked for by itself.
	codeAlone
)

// A batch is a chunk that holds asks, or answers, one behind the other. Each is a
// MessagePack array, which a later version may make longer.
const (
	askFields    = 7
	answerFields = 4
)

// ask is one request in a batch. A batch that is read owns its bytes.
type ask struct {
	id      uint64 // 0: withdrawn
	op      string
	timeout time.Duration // what the sender waits for
	origin  origin
	request []byte // MessagePack
}

// answer is the reply to an ask. The one with id 0 says that the server is stopping, and
// takes no more.
type answer struct {
	id    uint64
	code  codes.Code
	text  string // of an error
	reply []byte // MessagePack
}

// idAt is where an ask's ID begins: behind the array's header and its own. It has
// eight bytes always, so that it can be overwritten.
const idAt = 2

func appendID(b []byte, fields uint32, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(msgp.AppendArrayHeader(b, fields), 0xcf), id)
}

// appendAsk encodes an ask, whose request is m.
func appendAsk(b []byte, a *ask, m Message) ([]byte, error) {
	b = appendID(b, askFields, a.id)
	b = msgp.AppendString(b, a.op)
	b = msgp.AppendInt64(b, int64(a.timeout))
	for _, line := range [...]string{a.origin.hop, a.origin.source, a.origin.agent} {
		b = msgp.AppendString(b, line)
	}
	return appendMessage(b, m)
}

// appendAnswer encodes an answer, whose reply is m; nil for none.
func appendAnswer(b []byte, a *answer, m Message) ([]byte, error) {
	b = appendID(b, answerFields, a.id)
	b = msgp.AppendUint32(b, uint32(a.code))
	b = msgp.AppendString(b, a.text)
	if m == nil {
		return msgp.AppendBytes(b, nil), nil
	}
	return appendMessage(b, m)
}

// appendMessage encodes m as the content of a byte string.
func appendMessage(b []byte, m Message) ([]byte, error) {
	const header = 5 // bin 32
	b = append(b, 0xc6, 0, 0, 0, 0)
	begin := len(b)
	out, err := m.MarshalMsg(b)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	binary.BigEndian.PutUint32(out[begin-header+1:], uint32(len(out)-begin))
	return out, nil
}

// fieldReader reads the fields of one ask or answer; after an error all are zero.
type fieldReader struct {
	rest []byte
	err  error
}

func readField[T any](r *fieldReader, read func([]byte) (T, []byte, error)) (v T) {
	if r.err != nil {
		return v
	}
	got, rest, err := read(r.rest)
	if err != nil {
		r.err = err
		return v
	}
	r.rest = rest
	return got
}

// open reads the header of an array of so many fields at least. It returns those beyond.
func (r *fieldReader) open(fields uint32) (more uint32) {
	count := readField(r, msgp.ReadArrayHeaderBytes)
	if r.err != nil {
		return 0
	}
	if count < fields {
		r.err = fmt.Errorf("%d fields, at least %d are expected", count, fields)
		return 0
	}
	return count - fields
}

// skip reads what a later version has appended.
func (r *fieldReader) skip(fields uint32) {
	for ; fields > 0 && r.err == nil; fields-- {
		r.rest, r.err = msgp.Skip(r.rest)
	}
}

// readAsk reads the first ask of b, whose bytes it keeps.
func readAsk(b []byte) (a ask, rest []byte, err error) {
	r := fieldReader{rest: b}
	more := r.open(askFields)
	a.id = readField(&r, msgp.ReadUint64Bytes)
	a.op = readField(&r, msgp.ReadStringBytes)
	a.timeout = time.Duration(readField(&r, msgp.ReadInt64Bytes))
	for _, line := range [...]*string{&a.origin.hop, &a.origin.source, &a.origin.agent} {
		*line = readField(&r, msgp.ReadStringBytes)
	}
	a.request = readField(&r, msgp.ReadBytesZC)
	r.skip(more)
	if r.err != nil {
		return ask{}, nil, fmt.Errorf("a request in a batch: %w", r.err)
	}
	return a, r.rest, nil
}

// readReply reads the first answer of b, whose bytes it keeps.
func readReply(b []byte) (a answer, rest []byte, err error) {
	r := fieldReader{rest: b}
	more := r.open(answerFields)
	a.id = readField(&r, msgp.ReadUint64Bytes)
	a.code = codes.Code(readField(&r, msgp.ReadUint32Bytes))
	a.text = readField(&r, msgp.ReadStringBytes)
	a.reply = readField(&r, msgp.ReadBytesZC)
	r.skip(more)
	if r.err != nil {
		return answer{}, nil, fmt.Errorf("an answer in a batch: %w", r.err)
	}
	return a, r.rest, nil
}

// outbox sends what others put in, as few messages as it can.
type outbox struct {
	mu     sync.Mutex
	change sync.Cond // of what follows
	queued []byte
	closed bool
	last   uint64 // how many were put in
	taken  uint64 // how many were handed to the stream
}

func newOutbox() *outbox {
	o := &outbox{}
	o.change.L = &o.mu
	return o
}

// put has encode append something, and returns its number and where it begins; 0 if the
// outbox is closed, or full and wait false.
func (o *outbox) put(wait bool, encode func(b []byte, number uint64) ([]byte, error)) (number uint64, at int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && len(o.queued) >= maxQueued {
		if !wait {
			return 0, 0, nil
		}
		o.change.Wait()
	}
	if o.closed {
		return 0, 0, nil
	}
	at = len(o.queued)
	queued, err := encode(o.queued, o.last+1)
	if err != nil {
		return 0, 0, err
	}
	o.last++
	if o.queued = queued; at == 0 {
		o.change.Broadcast()
	}
	return o.last, at, nil
}

// withdraw takes back an ask that was put in, unless it was handed to the stream.
func (o *outbox) withdraw(number uint64, at int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if number <= o.taken {
		return false
	}
	if len(o.queued) > 0 { // else it is abandoned
		clear(o.queued[at+idAt:][:8])
	}
	return true
}

// close has run end when it has sent all that was put in; nothing more is.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.change.Broadcast()
}

// abandon closes the outbox and forgets what it has. It returns how many were handed to
// the stream.
func (o *outbox) abandon() (taken uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.queued = true, nil
	o.change.Broadcast()
	return o.taken
}

// run sends until the outbox is closed, or until a message cannot be sent: then it
// abandons the outbox.
func (o *outbox) run(send func(any) error) {
	var spare []byte
	for {
		message := o.take(spare)
		if message == nil {
			return
		}
		c := chunk(message)
		if send(&c) != nil { // why is said where the stream is read
			o.abandon()
			return
		}
		if spare = message; cap(spare) > maxQueued {
			spare = nil
		}
	}
}

// take waits for something to send, nil for the end. What is put in from now on goes to spare.
func (o *outbox) take(spare []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queued) == 0 {
		if o.closed {
			return nil
		}
		o.change.Wait()
	}
	o.mu.Unlock()
	runtime.Gosched() // those that can run put in what they have
	o.mu.Lock()
	message := o.queued
	o.queued, o.taken = spare[:0], o.last
	if len(message) >= maxQueued {
		o.change.Broadcast()
	}
	return message
}
