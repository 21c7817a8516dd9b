package rpc

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The first byte of a connection says what follows. 1 and 8 are the numbers that
// Consul gives to the same purposes (reference/internals.md §12); a hello says
// its purpose, one of these two, inside. Behind tlsByte comes TLS, and inside it
// any of the others. Behind uncertifiedByte comes TLS on which no certificate is asked
// for, and inside it a hello for RPC.
const (
	raftByte        = 1
	tlsByte         = 3
	uncertifiedByte = 7
	rpcByte         = 8
	helloByte       = 'P'
)

const (
	nonceBytes = 32
	proofBytes = 32
	// headBytes come before the body of a hello: helloByte and the body's length.
	headBytes = 3
	// maxHelloBytes bounds a body: two IDs of 36 bytes and the name of a
	// datacenter take less than 200; what is left is for fields to come.
	maxHelloBytes = 1024
	// maxHelloText is what one length byte can say.
	maxHelloText = 255
)

// hello is what both sides say first. DESIGN.md has it byte by byte.
type hello struct {
	purpose    byte // raftByte or rpcByte; the listener repeats it
	nonce      [nonceBytes]byte
	id         string
	datacenter string
	want       string // the ID of the server that the dialer wants, "" for any

	// instance is a number of the process's own, 0 if it has none; seenTerm and
	// seenIndex are how far the other side was seen to be, 0 where nothing was seen
	// or the connection is not for Raft. Builds without these fields leave all 0.
	instance            uint64
	seenTerm, seenIndex uint64
}

// tailBytes are what instance, seenTerm and seenIndex take.
const tailBytes = 3 * 8

// newHello is what this agent says on one connection.
func (i *Identity) newHello(purpose byte, want string) hello {
	h := hello{purpose: purpose, id: i.ID, datacenter: i.Datacenter, want: want, instance: i.Instance}
	if purpose == raftByte && i.Seen != nil {
		h.seenTerm, h.seenIndex = i.Seen(want)
	}
	rand.Read(h.nonce[:]) // never fails
	return h
}

// encode gives the hello as it goes over the wire, its head included.
func (h *hello) encode() ([]byte, error) {
	b := make([]byte, headBytes, headBytes+1+nonceBytes+3+len(h.id)+len(h.datacenter)+len(h.want)+tailBytes)
	b = append(append(b, h.purpose), h.nonce[:]...)
	for _, text := range []string{h.id, h.datacenter, h.want} {
		if len(text) > maxHelloText {
			return nil, fmt.Errorf("%q is too long to be told to a server: at most %d bytes", text, maxHelloText)
		}
		b = append(append(b, byte(len(text))), text...)
	}
	for _, n := range []uint64{h.instance, h.seenTerm, h.seenIndex} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b[0] = helloByte
	binary.BigEndian.PutUint16(b[1:headBytes], uint16(len(b)-headBytes))
	return b, nil
}

// decodeHello reads a body. What follows the fields it knows is left to later
// versions.
func decodeHello(body []byte) (hello, error) {
	var h hello
	if len(body) < 1+nonceBytes {
		return h, errors.New("hello is too short")
	}
	h.purpose = body[0]
	if h.purpose != raftByte && h.purpose != rpcByte {
		return h, fmt.Errorf("hello has the unknown purpose %d", h.purpose)
	}
	rest := body[1+copy(h.nonce[:], body[1:]):]
	for _, text := range []*string{&h.id, &h.datacenter, &h.want} {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return h, errors.New("hello is cut short")
		}
		n := 1 + int(rest[0])
		*text, rest = string(rest[1:n]), rest[n:]
	}
	if len(rest) >= tailBytes {
		h.instance = binary.BigEndian.Uint64(rest)
		h.seenTerm, h.seenIndex = binary.BigEndian.Uint64(rest[8:]), binary.BigEndian.Uint64(rest[16:])
	}
	return h, nil
}

// readHello reads a hello whose first byte was read already. whole is all of
// it, that byte included.
func readHello(r io.Reader) (h hello, whole []byte, err error) {
	var length [headBytes - 1]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return h, nil, fmt.Errorf("read hello: %w", err)
	}
	n := int(binary.BigEndian.Uint16(length[:]))
	if n > maxHelloBytes {
		return h, nil, fmt.Errorf("hello of %d bytes is longer than %d", n, maxHelloBytes)
	}
	whole = make([]byte, headBytes+n)
	whole[0] = helloByte
	copy(whole[1:], length[:])
	if _, err := io.ReadFull(r, whole[headBytes:]); err != nil {
		return h, nil, fmt.Errorf("read hello: %w", err)
	}
	h, err = decodeHello(whole[headBytes:])
	return h, whole, err
}

// The listener's last word in the handshake, one byte.
const (
	welcome           = 0
	refusedUnproven   = 1
	refusedStranger   = 2
	refusedDatacenter = 3
	// refusedUncertified: see verify_server_hostname.
	refusedUncertified = 4
	refusedTwin        = 5
)

// ErrTwin reports that a server refused this one since another process that has its ID
// answers at its address.
var ErrTwin = errors.New("another server with the ID of this one runs: this one has a copy of its data folder")

// refusals are the verdicts as the dialer words them.
var refusals = map[byte]string{
	refusedUnproven:    "it does not take the gossip key of this agent: both need the same encrypt key",
	refusedStranger:    "it knows no server with the ID of this one, neither in its Raft configuration nor through gossip",
	refusedDatacenter:  "only servers of its own datacenter may speak Raft with it",
	refusedUncertified: "it verifies names (verify_server_hostname), and this agent did not show a certificate named server.DATACENTER.DOMAIN",
}

// refusal is the text of a verdict other than welcome.
func refusal(verdict byte) string {
	if text, ok := refusals[verdict]; ok {
		return text
	}
	return fmt.Sprintf("for reason %d, which this version does not know", verdict)
}
