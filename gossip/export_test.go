package gossip

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
)

// Queue is the queue behind Run.
type Queue = queue

func (q *queue) Push(e Event)       { q.push(e) }
func (q *queue) Pop() (Event, bool) { return q.pop() }
func (q *queue) Dropped() uint64    { return q.droppedUsers() }
func (q *queue) Len() int           { return len(q.events) }
