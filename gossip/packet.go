package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// maxPlainPacket bounds what a packet may be unpacked to. memberlist fills
// packets up to 1,400 bytes before it packs them.
const maxPlainPacket = 64 << 10

// checkPacket returns what memberlist may read of a packet that came without
// encryption, or why it may read nothing. Packets are taken as memberlist makes
// them: a checksum outside, then compression, then several messages in one;
// each at most once.
func checkPacket(buf []byte) ([]byte, error) {
	plain, err := unpack(buf)
	if err != nil {
		return nil, err
	}
	return plain, eachMessage(plain, checkMessage)
}

// unpack removes checksum and compression.
func unpack(buf []byte) ([]byte, error) {
	if len(buf) >= 5 && buf[0] == wireCRC {
		if crc32.ChecksumIEEE(buf[5:]) != binary.BigEndian.Uint32(buf[1:5]) {
			return nil, errors.New("wrong checksum")
		}
		buf = buf[5:]
	}
	if len(buf) == 0 || buf[0] != wireCompress {
		return buf, nil
	}
	left := maxPlainPacket
	return expand(buf[1:], func(n int) error {
		if left -= n; left < 0 {
			return errTooLong
		}
		return nil
	})
}

// eachMessage calls do for what is in a packet that was unpacked, until one fails.
func eachMessage(plain []byte, do func(message []byte) error) error {
	if len(plain) == 0 {
		return errors.New("packet without a message")
	}
	if plain[0] != wireCompound {
		return do(plain)
	}
	buf := plain[1:]
	if len(buf) < 1 || len(buf) < 1+2*int(buf[0]) {
		return errors.New("list of messages cut off")
	}
	n := int(buf[0])
	lengths, rest := buf[1:1+2*n], buf[1+2*n:]
	for i := range n {
		size := int(binary.BigEndian.Uint16(lengths[2*i:]))
		if size > len(rest) {
			return errors.New("message cut off")
		}
		if err := do(rest[:size]); err != nil {
			return err
		}
		rest = rest[size:]
	}
	return nil
}

// checkMessage checks that a message has the bytes that it claims to have.
func checkMessage(buf []byte) error {
	if len(buf) == 0 {
		return errors.New("message without a kind")
	}
	switch kind := buf[0]; {
	case kind == wireUser:
		return nil // serf's business, see intents
	case kind <= 5 || kind == 11:
		return skipValue(&message{got: buf[1:]})
	default:
		return fmt.Errorf("message of kind %d in a packet", kind)
	}
}
