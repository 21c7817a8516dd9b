package mesh

import (
	"encoding/binary"
	"net/netip"
)

// Virtual addresses are those of 240.0.0.0/4 but its first and its last; a number
// from 1 to MaxVirtual stands for each.
const (
	virtualBase = 240 << 24
	MaxVirtual  = 1<<28 - 2
)

// VirtualAddr returns the virtual address with a number.
func VirtualAddr(number uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], virtualBase+number)
	return netip.AddrFrom4(b)
}

// VirtualNumber returns the number of a virtual address in dotted form, and
// whether it is one.
func VirtualNumber(text string) (uint32, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return 0, false
	}
	b := addr.As4()
	number := binary.BigEndian.Uint32(b[:]) - virtualBase
	return number, number != 0 && number <= MaxVirtual
}
