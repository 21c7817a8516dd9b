package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"praetor/agent/config"
	"praetor/gossip"
	"praetor/internal/life"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

const (
	// enrolLimit bounds one server's answer.
	enrolLimit = 10 * time.Second
	// enrolLeast and enrolMost are the pauses between rounds that got no certificate.
	enrolLeast = time.Second
	enrolMost  = time.Minute
)

// enrol gets this agent's certificate from the servers, however long that takes, unless
// ctx ends (auto_encrypt.tls).
func (a *Agent) enrol(ctx context.Context, rt *config.Runtime) error {
	for wait := enrolLeast; ; wait = min(2*wait, enrolMost) {
		cert, err := a.askCertificate(ctx, rt)
		if err == nil {
			a.giveCertificate(cert)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for a certificate of the servers: %w", ctx.Err())
		}
		a.logger.Error(err.Error())
		if !life.Pause(ctx, wait/2+rand.N(wait/2)) {
			return fmt.Errorf("wait for a certificate of the servers: %w", ctx.Err())
		}
	}
}

// giveCertificate puts a certificate in force for all that have none of a file.
func (a *Agent) giveCertificate(cert *tls.Certificate) {
	first := !a.tls.peers.Serves()
	changed := a.tls.peers.Give(cert)
	a.tls.https.Give(cert)
	a.tls.dns.Give(cert)
	a.tls.grpc.Give(cert)
	if first {
		a.logger.Info("automatically upgraded to TLS")
	}
	if changed && a.router != nil {
		a.router.Redial()
	}
}

// errNobodySigned is Consul's.
var errNobodySigned = errors.New("No servers successfully responded to the auto-encrypt request")

// askCertificate asks one server after the other.
func (a *Agent) askCertificate(ctx context.Context, rt *config.Runtime) (*tls.Certificate, error) {
	for _, srv := range a.signers(rt) {
		cert, err := a.askServer(ctx, rt, srv)
		if err == nil {
			return cert, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.logger.Error("AutoEncrypt.Sign RPC failed", "addr", srv.Address, "error", "rpcinsecure: error making call: "+err.Error())
	}
	return nil, errNobodySigned
}

// signers are the servers to ask: those that gossip knows, which is nobody before the
// first join, then those that the agent is to join.
func (a *Agent) signers(rt *config.Runtime) []rpc.Server {
	var list []rpc.Server
	for _, m := range a.lan.Members() {
		if s, ok := gossip.ParseServer(m); ok && m.Status == gossip.Alive && s.Datacenter == rt.Datacenter {
			list = append(list, rpc.Server{Address: s.RPCAddress, Datacenter: rt.Datacenter})
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, joined := range rt.JoinLAN.Addresses {
		host, _, err := net.SplitHostPort(joined)
		if err != nil { // without a port
			host = strings.Trim(joined, "[]")
		}
		list = append(list, rpc.Server{Address: net.JoinHostPort(host, strconv.Itoa(rt.Ports.Server)), Datacenter: rt.Datacenter})
	}
	return list
}

// askServer has one server sign a certificate for a key made here.
func (a *Agent) askServer(ctx context.Context, rt *config.Runtime, srv rpc.Server) (*tls.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, enrolLimit)
	defer cancel()
	caller := rpc.Uncertified{Server: srv, Dialer: rpc.Dialer{
		Identity: a.identity(rt), Network: a.network.Dial, TLS: func(s rpc.Server) *tls.Config { return a.tls.peers.Uncertified(s.Datacenter) },
	}}
	options := rpc.WriteOptions{Token: a.ownToken()}
	rep, err := ops.AutoEncryptSign.Call(ctx, caller, &ops.AutoEncryptSignRequest{WriteOptions: options})
	if err != nil {
		return nil, err
	}
	id := pki.SPIFFE{Identity: pki.Agent, TrustDomain: rep.TrustDomain, Datacenter: rt.Datacenter, Name: rt.NodeName}
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		return nil, err
	}
	names := append([]string{"localhost"}, rt.AutoEncrypt.DNSSAN...)
	addresses := append([]net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, rt.AutoEncrypt.IPSAN...)
	csr, err := pki.NewAgentCSR(key, id.URI(), names, addresses)
	if err != nil {
		return nil, err
	}
	if rep, err = ops.AutoEncryptSign.Call(ctx, caller, &ops.AutoEncryptSignRequest{WriteOptions: options, CSR: csr}); err != nil {
		return nil, err
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair([]byte(rep.CertPEM), []byte(secret)) // also that it is of this key
	if err != nil {
		return nil, err
	}
	if len(cert.Leaf.URIs) != 1 || cert.Leaf.URIs[0].String() != id.String() {
		return nil, errors.New("the server signed another certificate than was asked for")
	}
	return &cert, nil
}

// runAutoEncrypt renews this agent's certificate, or has a server trust those that it and
// its like give.
func (a *Agent) runAutoEncrypt(ctx context.Context) error {
	rt := a.runtime.Load()
	if rt.Server {
		a.followMesh(ctx)
		return nil
	}
	for {
		cert := a.tls.peers.Certificate()
		due := pki.RenewAt(cert.NotBefore, cert.NotAfter)
		if !life.Pause(ctx, max(enrolLeast, time.Until(due))) {
			return nil
		}
		if err := a.enrol(ctx, a.runtime.Load()); err != nil {
			return nil // ctx ended
		}
	}
}

// followMesh lets in the agents of the mesh.
func (a *Agent) followMesh(ctx context.Context) {
	req := &ops.ConnectCARootsRequest{}
	for ctx.Err() == nil {
		rep, err := view.Await(ctx, a.views, ops.ConnectCARoots, req)
		if err == nil {
			var roots []*x509.Certificate
			for _, r := range rep.Roots {
				cert, err := pki.ParseCertificate(r.RootCert)
				if err != nil {
					a.logger.Error("root of the mesh cannot be read: agents whose certificates it signed are not let in", "root", r.ID, "error", err)
					continue
				}
				roots = append(roots, cert)
			}
			a.tls.peers.Trust(roots)
			index := rep.Index
			if index < req.MinIndex {
				index = 0 // the state was restored
			}
			req = &ops.ConnectCARootsRequest{ReadOptions: rpc.ReadOptions{MinIndex: index, Stale: true}}
			if index > 0 {
				continue
			}
		}
		life.Pause(ctx, enrolLeast)
	}
}
