// Package msgreflect encodes and decodes MessagePack by reflection: the bytes are
// those of the code that msgp generates, without the code.
//
// # Use
//
//	func (z *Request) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
//	func (z *Request) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
//	func (z *Request) Msgsize() int                          { return msgreflect.Size(z) }
//
// It is for messages that are sent now and then; what carries load is generated.
//
// # Concurrency
//
// Functions that any number of goroutines may call.
//
// # Invariants
//
// A type inside a message that has methods of its own encodes itself with them. The
// type of the message itself does not, or it would have to ask itself. Decoding
// makes room for no more elements than bytes follow; nothing of the bytes is kept.
//
// # Decisions
//
// Every message has the three methods written out. They could come from one
// generic wrapper, but then a type that embeds rpc.ReadOptions would have the
// methods of the embedded one, and be encoded as its options alone, with no word
// from the compiler. Of struct tags only msg:"-" is known; another one panics
// when the type is first used, as does a kind of field that is not listed here.
package msgreflect
