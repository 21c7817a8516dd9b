package ops

import (
	"praetor/catalog"
	"praetor/internal/rpc"
)

var (
	// ConnectCARoots lists what the mesh trusts.
	ConnectCARoots = rpc.Read[ConnectCARootsRequest, ConnectCARootsReply]("ConnectCA.Roots")
	// ConnectCAConfig reads how the authority signs.
	ConnectCAConfig = rpc.Read[ConnectCAConfigRequest, ConnectCAConfigReply]("ConnectCA.Config")
	// ConnectCASetConfig replaces it; it may make another root.
	ConnectCASetConfig = rpc.Write[ConnectCASetConfigRequest, Empty]("ConnectCA.SetConfig")
	// ConnectCASign signs a leaf certificate.
	ConnectCASign = rpc.Write[ConnectCASignRequest, ConnectCASignReply]("ConnectCA.Sign")
	// ConnectCASignIntermediate signs the authority of another datacenter.
	ConnectCASignIntermediate = rpc.Write[ConnectCASignIntermediateRequest, ConnectCASignIntermediateReply]("ConnectCA.SignIntermediate")
	// AutoEncryptSign signs the certificate of a client agent that has none yet. It is the
	// one operation that can be reached without one (rpc.ServeOnly).
	AutoEncryptSign = rpc.WriteAny[AutoEncryptSignRequest, AutoEncryptSignReply]("AutoEncrypt.Sign")
	// ConnectAuthorize says whether a service may call another.
	ConnectAuthorize = rpc.Read[ConnectAuthorizeRequest, ConnectAuthorizeReply]("Connect.Authorize")
)

type ConnectCARootsRequest struct {
	rpc.ReadOptions
}

// ConnectCARootsReply has the roots by ID.
type ConnectCARootsReply struct {
	rpc.ReadMeta
	TrustDomain string
	Roots       []*catalog.CARoot
}

// Active is the root that signs now, nil if there is none.
func (r *ConnectCARootsReply) Active() *catalog.CARoot {
	for _, root := range r.Roots {
		if root.Active {
			return root
		}
	}
	return nil
}

type ConnectCAConfigRequest struct {
	rpc.ReadOptions
}

// ConnectCAConfigReply has the configuration with its keys hidden.
type ConnectCAConfigReply struct {
	rpc.ReadMeta
	Config *catalog.CAConfig
}

// ConnectCASetConfigRequest has in Config what is to be in force, whole. Of the rest of
// it Provider and ForceWithoutCrossSigning count.
type ConnectCASetConfigRequest struct {
	rpc.WriteOptions
	Config catalog.CAConfig
	State  bool // the caller gave a state of the provider, which is not his to set
}

// ConnectCASignRequest has a CSR, PEM, and the one ID that it must be for.
type ConnectCASignRequest struct {
	rpc.WriteOptions
	CSR string
	URI string // "" for whatever the CSR says
}

// ConnectCASignReply has a certificate with the chain below a root, PEM.
type ConnectCASignReply struct {
	CertPEM string
	Index   uint64
}

type ConnectCASignIntermediateRequest struct {
	rpc.WriteOptions
	CSR string
}

// ConnectCASignIntermediateReply has the certificate, PEM, and those between it and the root.
type ConnectCASignIntermediateReply struct {
	CertPEM string
}

// AutoEncryptSignRequest has a CSR, PEM; "" asks for the trust domain alone, which a CSR
// must name.
type AutoEncryptSignRequest struct {
	rpc.WriteOptions
	CSR string
}

// AutoEncryptSignReply has a certificate with the chain below a root, PEM.
type AutoEncryptSignReply struct {
	TrustDomain string
	CertPEM     string
}

type ConnectAuthorizeRequest struct {
	rpc.ReadOptions
	Namespace   string // of the source; intentions are about "default" and "", which is the same
	Source      string
	Destination string
}

// ConnectAuthorizeReply has the verdict and, in Consul's words, its reason.
type ConnectAuthorizeReply struct {
	rpc.ReadMeta
	Authorized bool
	Reason     string
}
