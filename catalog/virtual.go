package catalog

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"

	"praetor/internal/mesh"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableVirtual = "virtual"

var virtualTable = stored(tableVirtual, 12, "ServiceVirtualIP", virtualID, (*restorer).virtualAddress,
	unique(byName, virtualByName), unique(byFree, virtualByFree))

// VirtualAddress is the address in 240.0.0.0/4 under which proxies know a
// service. A service has one as long as something serves it in the mesh or an
// entry says what becomes of its requests; then it is free for the next.
type VirtualAddress struct {
	Number      uint32 // the address is 240.0.0.0 plus it, from 1
	Service     string // "" if the address is free
	ModifyIndex uint64
}

// Addr returns the address.
func (v *VirtualAddress) Addr() netip.Addr { return mesh.VirtualAddr(v.Number) }

func virtualID(v *VirtualAddress) []byte { return home.numberKey(v.Number) }

func (in *keyspace) numberKey(n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(in.begin()), n)
}

func virtualByName(v *VirtualAddress) []byte {
	if v.Service == "" {
		return nil
	}
	return home.serviceNameKey(v.Service)
}

func virtualByFree(v *VirtualAddress) []byte {
	if v.Service != "" {
		return nil
	}
	return virtualID(v)
}

// VirtualAddress returns the virtual address of a service, nil if it has none.
func (tx *Tx) VirtualAddress(ws WatchSet, service string) *VirtualAddress {
	return firstWatch[*VirtualAddress](tx.txn, ws, tableVirtual, byName, tx.in.serviceNameKey(service))
}

// tagVirtual gives an instance in the mesh the virtual address of what it serves,
// which gets one if it is the first.
func (w *writer) tagVirtual(s *Service) {
	name := meshName(s)
	if name == "" {
		return
	}
	v := w.takeVirtual(name)
	tag := ServiceAddress{Address: v.Addr().String(), Port: s.Port}
	if s.TaggedAddresses[mesh.TagVirtual] == tag {
		return
	}
	tagged := maps.Clone(s.TaggedAddresses)
	if tagged == nil {
		tagged = make(map[string]ServiceAddress, 1)
	}
	tagged[mesh.TagVirtual] = tag
	s.TaggedAddresses = tagged
}

// takeVirtual returns the virtual address of a service, which gets one if it has none.
func (w *writer) takeVirtual(service string) *VirtualAddress {
	v := w.virtual(service)
	if v == nil {
		v = &VirtualAddress{Number: w.freeVirtual(), Service: service, ModifyIndex: w.index}
		w.txn.Insert(tableVirtual, v)
	}
	return v
}

func (w *writer) virtual(service string) *VirtualAddress {
	return first[*VirtualAddress](w.txn, tableVirtual, byName, w.in.serviceNameKey(service))
}

// freeVirtual finds the number that comes next: the lowest of those that were
// given back, else the one after the greatest. The range outlasts any memory.
func (w *writer) freeVirtual() uint32 {
	if free := firstUnder[*VirtualAddress](w.txn, tableVirtual, byFree, nil); free != nil {
		return free.Number
	}
	if last, _ := w.txn.Last(tableVirtual, byID).(*VirtualAddress); last != nil {
		return last.Number + 1
	}
	return 1
}

// settleVirtual gives the address of a service back that is not needed any more.
func (w *writer) settleVirtual(service string) {
	if v := w.virtual(service); v != nil && !w.hasMesh(service) && !w.hasChain(service) {
		w.txn.Insert(tableVirtual, &VirtualAddress{Number: v.Number, ModifyIndex: w.index})
	}
}

// virtualAddress takes an address of a snapshot.
func (re *restorer) virtualAddress(v *VirtualAddress) error {
	switch {
	case v.Number == 0 || v.Number > mesh.MaxVirtual:
		return errNoKey
	case re.holds(tableVirtual, byID, virtualID(v)):
		return errTwice
	case v.Service != "" && re.w.virtual(v.Service) != nil:
		return fmt.Errorf("virtual address of service %q: %w", v.Service, errTwice)
	}
	re.w.txn.Insert(tableVirtual, v)
	return re.indexes(0, v.ModifyIndex)
}

// adoptVirtual notes the address that an instance of a snapshot shows, where the
// snapshot has no record of it: Consul's, or one of an older version. Instances
// without one get theirs when all are read.
func (re *restorer) adoptVirtual(s *Service) {
	name := meshName(s)
	if name == "" || re.w.virtual(name) != nil {
		return
	}
	number, ok := mesh.VirtualNumber(s.TaggedAddresses[mesh.TagVirtual].Address)
	v := &VirtualAddress{Number: number, Service: name, ModifyIndex: s.CreateIndex}
	if ok && !re.holds(tableVirtual, byID, virtualID(v)) {
		re.w.txn.Insert(tableVirtual, v)
	}
}
