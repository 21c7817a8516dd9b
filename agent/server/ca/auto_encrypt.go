package ca

import (
	"context"
	"strings"

	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
)

// autoEncrypt signs the certificate of a client agent that has none yet. Who asks has
// proved nothing but what his token says, so he gets that and nothing else.
func (s *Service) autoEncrypt(ctx context.Context, _ *acl.Authorizer, req *ops.AutoEncryptSignRequest) (*ops.AutoEncryptSignReply, error) {
	if !s.opts.AutoEncrypt {
		return nil, fault.New(fault.Rejected, "this server gives no certificates to client agents: auto_encrypt.allow_tls is not set")
	}
	if req.CSR == "" {
		roots, err := ops.ConnectCARoots.Call(ctx, s.Router, &ops.ConnectCARootsRequest{})
		if err != nil {
			return nil, err
		}
		return &ops.AutoEncryptSignReply{TrustDomain: roots.TrustDomain}, nil
	}
	csr, err := pki.ParseCSR(req.CSR)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	if csr.ID.Identity != pki.Agent {
		return nil, fault.New(fault.Invalid, "SPIFFE ID in CSR must be an agent ID")
	}
	rep, err := ops.ConnectCASign.Call(ctx, s.Router, &ops.ConnectCASignRequest{
		WriteOptions: rpc.WriteOptions{Token: req.Token}, CSR: req.CSR, URI: csr.ID.String(),
	})
	if err != nil {
		return nil, err
	}
	return &ops.AutoEncryptSignReply{TrustDomain: csr.ID.TrustDomain, CertPEM: rep.CertPEM}, nil
}

// isNoServer refuses names by which whoever has them could pass for a server
// (verify_server_hostname), to all but those who may stand for servers.
func (s *Service) isNoServer(csr *pki.CSR) error {
	if csr.ID.Identity == pki.Servers {
		return nil
	}
	for _, name := range csr.DNSNames() {
		lower := strings.ToLower(strings.TrimRight(name, "."))
		first, rest, _ := strings.Cut(lower, ".")
		if (first == "server" || strings.Contains(first, "*")) && strings.HasSuffix("."+rest, "."+strings.ToLower(strings.Trim(s.opts.Domain, "."))) {
			return fault.New(fault.Invalid, "the name %s in CSR is one of servers", name)
		}
	}
	return nil
}
