package gossip

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// The first byte of memberlist's messages, and of what serf puts into its user
// messages; the numbers are part of their protocols. wireIdentify is ours:
// memberlist knows no message of that number, and hangs up.
const (
	wirePing     = 0
	wireAskPing  = 1 // memberlist's indirect ping: asks another member to ping a third one
	wireAck      = 2
	wireDead     = 5
	wirePushPull = 6
	wireCompound = 7
	wireUser     = 8
	wireCompress = 9
	wireEncrypt  = 10
	wireNack     = 11
	wireCRC      = 12
	wireError    = 13
	wireIdentify = 245

	serfLeave    = 0
	serfJoin     = 1
	serfPushPull = 2
	serfEvent    = 3
	serfQuery    = 4
)

// maxDepth bounds arrays and maps inside each other: messages of memberlist
// and serf need four.
const maxDepth = 16

var (
	errDeep    = errors.New("values nested too deeply")
	errTooLong = errors.New("message larger than allowed")
)

// compressed is memberlist's compress message.
type compressed struct {
	Algo uint8 // 0 = LZW
	Buf  []byte
}

// pushPullHeader is how memberlist announces its state.
type pushPullHeader struct {
	Nodes        int
	UserStateLen int
	Join         bool
}

// ping asks a member for an ack, which goes to the source.
type ping struct {
	SeqNo      uint32
	Node       string // a process that has another name does not answer
	SourceAddr []byte
	SourcePort uint16
	SourceNode string
}

// askPing asks a member to ping another one, and to pass its ack on to the source;
// with Nack also to say that none came.
type askPing struct {
	SeqNo      uint32
	Target     []byte
	Port       uint16
	Node       string
	Nack       bool
	SourceAddr []byte
	SourcePort uint16
	SourceNode string
}

// answer is an ack or a nack.
type answer struct{ SeqNo uint32 }

// message is read from its beginning, and grows as it is read.
type message struct {
	got []byte
	at  int // got[:at] has been read
	end int // where reading must stop, an index of got; 0 = anywhere
	// grow appends at least n bytes to got; nil where all is there.
	grow func(n int) error
}

// take returns the next n bytes, valid until the next call.
func (m *message) take(n int) ([]byte, error) {
	if m.end > 0 && m.at+n > m.end {
		return nil, errTooLong
	}
	if missing := m.at + n - len(m.got); missing > 0 {
		if m.grow == nil {
			return nil, io.ErrUnexpectedEOF
		}
		if err := m.grow(missing); err != nil {
			return nil, err
		}
	}
	m.at += n
	return m.got[m.at-n : m.at], nil
}

// value reads one msgpack value of at most max bytes.
func (m *message) value(max int) ([]byte, error) {
	start := m.at
	m.end = start + max
	err := skipValue(m)
	m.end = 0
	return m.got[start:m.at], err
}

// skipValue reads over one msgpack value. It takes the value's own bytes only,
// whatever lengths it claims, and never recurses.
func skipValue(from *message) error {
	left := make([]uint64, 1, maxDepth) // values to come at each depth
	left[0] = 1
	for len(left) > 0 {
		last := len(left) - 1
		if left[last] == 0 {
			left = left[:last]
			continue
		}
		left[last]--
		inner, err := skipHead(from)
		if err != nil {
			return err
		}
		if inner == 0 {
			continue
		}
		if len(left) == maxDepth {
			return errDeep
		}
		left = append(left, inner)
	}
	return nil
}

// skipHead reads over a scalar, a text, or the head of an array or map, of which
// it returns how many values follow.
func skipHead(from *message) (inner uint64, err error) {
	b, err := from.take(1)
	if err != nil {
		return 0, err
	}
	switch c := b[0]; {
	case c <= 0x7f || c >= 0xe0: // small integers
		return 0, nil
	case c <= 0x8f:
		return 2 * uint64(c&0x0f), nil // map
	case c <= 0x9f:
		return uint64(c & 0x0f), nil // array
	case c <= 0xbf:
		return 0, skipBytes(from, uint64(c&0x1f)) // text
	default:
		return skipTyped(from, c)
	}
}

// fixedBytes are the lengths of values that follow from their type alone.
var fixedBytes = map[byte]uint64{
	0xc0: 0, 0xc2: 0, 0xc3: 0, // nil, false, true
	0xca: 4, 0xcb: 8, // floats
	0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8, // integers
	0xd4: 2, 0xd5: 3, 0xd6: 5, 0xd7: 9, 0xd8: 17, // extensions, with their type
}

// skipTyped is skipHead for types with a length of their own.
func skipTyped(from *message, c byte) (inner uint64, err error) {
	if n, ok := fixedBytes[c]; ok {
		return 0, skipBytes(from, n)
	}
	width, per, extra := 0, uint64(0), uint64(0) // per: values that each unit stands for, 0 for bytes
	switch c {
	case 0xc4, 0xd9:
		width = 1
	case 0xc5, 0xda:
		width = 2
	case 0xc6, 0xdb:
		width = 4
	case 0xc7:
		width, extra = 1, 1
	case 0xc8:
		width, extra = 2, 1
	case 0xc9:
		width, extra = 4, 1
	case 0xdc:
		width, per = 2, 1
	case 0xdd:
		width, per = 4, 1
	case 0xde:
		width, per = 2, 2
	case 0xdf:
		width, per = 4, 2
	default:
		return 0, fmt.Errorf("no value starts with %#x", c)
	}
	b, err := from.take(width)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[8-width:], b)
	n := binary.BigEndian.Uint64(wide[:])
	if per > 0 {
		return n * per, nil
	}
	return 0, skipBytes(from, n+extra)
}

// skipChunk is how much of a long text is asked for at a time, so that what is
// kept of it grows as it comes.
const skipChunk = 4 << 10

func skipBytes(from *message, n uint64) error {
	for n > 0 {
		some := min(n, skipChunk)
		if _, err := from.take(int(some)); err != nil {
			return err
		}
		n -= some
	}
	return nil
}

// decodeValue reads a msgpack value into a struct.
func decodeValue(b []byte, into any) error {
	return codec.NewDecoderBytes(b, &codec.MsgpackHandle{}).Decode(into)
}

// encodeValue is a message of a kind, with its value as serf and memberlist
// write it.
func encodeValue(kind byte, value any) ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte(kind)
	err := codec.NewEncoder(&buf, &codec.MsgpackHandle{}).Encode(value)
	return buf.Bytes(), err
}

// expandChunk is how much is unpacked at a time.
const expandChunk = 32 << 10

// expand unpacks the value of a compress message. It asks grow before it makes
// the plain message longer.
func expand(value []byte, grow func(n int) error) ([]byte, error) {
	var c compressed
	if err := decodeValue(value, &c); err != nil {
		return nil, err
	}
	if c.Algo != 0 {
		return nil, fmt.Errorf("compressed in unknown way %d", c.Algo)
	}
	r := lzw.NewReader(bytes.NewReader(c.Buf), lzw.LSB, 8)
	defer r.Close()
	var plain bytes.Buffer
	for {
		n, err := io.CopyN(&plain, r, expandChunk)
		if charged := grow(int(n)); charged != nil {
			return nil, charged
		}
		if err == io.EOF {
			return plain.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}
