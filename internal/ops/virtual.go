package ops

import "praetor/internal/rpc"

// VirtualAddress finds the virtual address of a service.
var VirtualAddress = rpc.Read[VirtualAddressRequest, VirtualAddressReply]("Virtual.Address")

type VirtualAddressRequest struct {
	rpc.ReadOptions
	Service string
}

// VirtualAddressReply has "" for a service without one.
type VirtualAddressReply struct {
	rpc.ReadMeta
	Address string
}
