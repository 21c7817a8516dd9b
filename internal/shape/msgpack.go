package shape

import (
	"encoding/binary"
	"errors"
)

// Size is what a MessagePack value holds, all that is inside it included.
type Size struct {
	Values  int // of all kinds, names of members too
	Maps    int // each may become a record
	Longest int // elements of the largest array, or members of the largest map
}

// Dense reports whether a value of so many bytes has more maps than anybody
// writes: one in 16 bytes, and a thousand that are free.
func (s Size) Dense(bytes int) bool { return s.Maps > freeRecords+bytes/bytesPerRecord }

// The errors of Of.
var (
	errShort = errors.New("it is cut off")
	errByte  = errors.New("0xc1 is no MessagePack")
)

// Of walks one MessagePack value at the start of b and returns what follows it.
func Of(b []byte) (s Size, rest []byte, err error) {
	for left := 1; left > 0; left-- {
		if left > len(b) {
			return s, b, errShort // each value has a byte at least
		}
		head, body, inside, err := item(b)
		switch {
		case err != nil:
			return s, b, err
		case body > len(b)-head:
			return s, b, errShort
		}
		s.Values++
		if isMap(b[0]) {
			s.Maps++
			s.Longest = max(s.Longest, inside/2)
		} else {
			s.Longest = max(s.Longest, inside)
		}
		b = b[head+body:]
		left += inside
	}
	return s, b, nil
}

func isMap(lead byte) bool { return lead&0xf0 == 0x80 || lead == 0xde || lead == 0xdf }

// item reads the head of a value: its length, that of the bytes that belong to
// it, and how many values follow inside it.
func item(b []byte) (head, body, inside int, err error) {
	lead := b[0]
	switch {
	case lead < 0x80 || lead >= 0xe0: // small numbers
		return 1, 0, 0, nil
	case lead < 0x90:
		return 1, 0, 2 * int(lead&0x0f), nil
	case lead < 0xa0:
		return 1, 0, int(lead & 0x0f), nil
	case lead < 0xc0:
		return 1, int(lead & 0x1f), 0, nil
	}
	k := heads[lead-0xc0]
	if k.head == 0 {
		return 0, 0, 0, errByte
	}
	n, ok := length(b[1:], int(k.digits))
	if !ok {
		return 0, 0, 0, errShort
	}
	head = 1 + int(k.digits)
	switch k.of {
	case elements:
		return head, 0, n, nil
	case members:
		return head, 0, 2 * n, nil
	}
	return head, n + int(k.head) - 1, 0, nil
}

// What the length of a value counts.
const (
	bytes = iota
	elements
	members
)

// heads describe the values from 0xc0 on: the bytes that they have besides their
// length and what it counts, and the bytes of their length.
var heads = [32]struct{ head, digits, of uint8 }{
	{1, 0, 0}, {0, 0, 0}, {1, 0, 0}, {1, 0, 0}, // nil, never used, false, true
	{1, 1, 0}, {1, 2, 0}, {1, 4, 0}, // binary
	{2, 1, 0}, {2, 2, 0}, {2, 4, 0}, // extensions: a byte of type
	{5, 0, 0}, {9, 0, 0}, // floats
	{2, 0, 0}, {3, 0, 0}, {5, 0, 0}, {9, 0, 0}, // unsigned
	{2, 0, 0}, {3, 0, 0}, {5, 0, 0}, {9, 0, 0}, // signed
	{3, 0, 0}, {4, 0, 0}, {6, 0, 0}, {10, 0, 0}, {18, 0, 0}, // extensions of a fixed length
	{1, 1, 0}, {1, 2, 0}, {1, 4, 0}, // texts
	{1, 2, elements}, {1, 4, elements}, {1, 2, members}, {1, 4, members},
}

// length reads a number of so many bytes.
func length(b []byte, digits int) (n int, ok bool) {
	if len(b) < digits {
		return 0, false
	}
	switch digits {
	case 1:
		return int(b[0]), true
	case 2:
		return int(binary.BigEndian.Uint16(b)), true
	case 4:
		return int(binary.BigEndian.Uint32(b)), true
	}
	return 0, true
}
