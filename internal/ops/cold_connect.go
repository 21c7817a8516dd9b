package ops

import "praetor/internal/msgreflect"

// See cold.go.

func (z *ConnectCARootsRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *ConnectCARootsRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectCARootsRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ConnectCARootsReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConnectCARootsReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConnectCARootsReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConnectCAConfigRequest) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *ConnectCAConfigRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectCAConfigRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ConnectCAConfigReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConnectCAConfigReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConnectCAConfigReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConnectCASetConfigRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ConnectCASetConfigRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectCASetConfigRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ConnectCASignRequest) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConnectCASignRequest) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConnectCASignRequest) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConnectCASignReply) MarshalMsg(b []byte) ([]byte, error)   { return msgreflect.Append(b, z) }
func (z *ConnectCASignReply) UnmarshalMsg(b []byte) ([]byte, error) { return msgreflect.Decode(b, z) }
func (z *ConnectCASignReply) Msgsize() int                          { return msgreflect.Size(z) }

func (z *ConnectCASignIntermediateRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ConnectCASignIntermediateRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectCASignIntermediateRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ConnectCASignIntermediateReply) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ConnectCASignIntermediateReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectCASignIntermediateReply) Msgsize() int { return msgreflect.Size(z) }

func (z *ConnectAuthorizeRequest) MarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Append(b, z)
}
func (z *ConnectAuthorizeRequest) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectAuthorizeRequest) Msgsize() int { return msgreflect.Size(z) }

func (z *ConnectAuthorizeReply) MarshalMsg(b []byte) ([]byte, error) { return msgreflect.Append(b, z) }
func (z *ConnectAuthorizeReply) UnmarshalMsg(b []byte) ([]byte, error) {
	return msgreflect.Decode(b, z)
}
func (z *ConnectAuthorizeReply) Msgsize() int { return msgreflect.Size(z) }
