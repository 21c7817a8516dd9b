package gossip

import (
	"io"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
)

// What tests need to see from inside.
var (
	DecodeKeyring   = decodeKeyring
	EncodeKeyring   = encodeKeyring
	PrepareSnapshot = prepareSnapshot
	NewQueue        = newQueue
	SealPacket      = sealPacket
	SealStream      = sealStream
	EncodeValue     = encodeValue
	CheckPacket     = checkPacket
	IsSnapshotLine  = isSnapshotLine
)

// Thin passes on what serf and memberlist log, to next and, as to how much was held
// back, to logger. The second one is called now and then.
func Thin(next io.Writer, logger hclog.Logger) (w io.Writer, flush func()) {
	t := newThinner(logger, nil)
	return thinWriter{t, next}, t.flush
}

// Queue is the queue behind Run.
type Queue = queue

func (q *queue) Push(e Event)       { q.push(e) }
func (q *queue) Pop() (Event, bool) { return q.pop() }
func (q *queue) Dropped() uint64    { return q.droppedUsers() }
func (q *queue) Len() int           { return len(q.events) }

// Intents stands between memberlist and serf.
type Intents = intents

// NewIntents is that of a member, in front of a serf of one's own.
func NewIntents(self string, serf interface {
	memberlist.Delegate
	memberlist.EventDelegate
}) *Intents {
	i := newIntents(self, func(string, ...any) {}, make(chan struct{}, 1))
	i.Delegate, i.events, i.relayed.RetransmitMult = serf, serf, 1
	return i
}

// Heard is how many members something was heard about.
func (i *intents) Heard() int { return len(i.heard) }

// Word is serf's message that a member leaves, or stays.
func Word(leaves bool, ltime uint64, name string) []byte {
	kind := byte(serfJoin)
	if leaves {
		kind = serfLeave
	}
	b, err := encodeValue(kind, leaveMessage{LTime: ltime, Node: name})
	if err != nil {
		panic(err)
	}
	return b
}

// ReadWord reads one.
func ReadWord(b []byte) (leaves bool, name string) {
	var m leaveMessage
	if err := decodeValue(b[1:], &m); err != nil {
		panic(err)
	}
	return b[0] == serfLeave, m.Node
}
