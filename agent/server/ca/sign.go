package ca

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
)

// sign signs a leaf for whoever may act for its name.
func (s *Service) sign(ctx context.Context, az *acl.Authorizer, req *ops.ConnectCASignRequest) (*ops.ConnectCASignReply, error) {
	csr, err := pki.ParseCSR(req.CSR)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	if req.URI != "" && req.URI != csr.ID.String() {
		return nil, fault.New(fault.Invalid, "the CSR is for %s, and a certificate for %s is asked for", csr.ID, req.URI)
	}
	need, err := rightOn(csr.ID)
	if err != nil {
		return nil, err
	}
	if err := az.Check(need); err != nil {
		return nil, err
	}
	if err := s.isNoServer(csr); err != nil {
		return nil, err
	}
	now, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.isOurs(csr.ID, now.config.TrustDomain()); err != nil {
		return nil, err
	}
	leaf, index, err := s.inTurn(ctx, now, func(p provider, serial uint64) (string, error) {
		return p.signLeaf(ctx, csr, req.CSR, serial, now.set.LeafCertTTL)
	})
	if err != nil {
		return nil, err
	}
	return &ops.ConnectCASignReply{CertPEM: leaf + strings.Join(now.active.IntermediateCerts, ""), Index: index}, nil
}

// inTurn has something signed under a serial number of its own, as soon as the limits let
// it. The index is when the number was counted.
func (s *Service) inTurn(ctx context.Context, now *authority, sign func(p provider, serial uint64) (string, error)) (cert string, index uint64, err error) {
	done, err := s.limits.enter(ctx, now.set)
	if err != nil {
		return "", 0, err
	}
	defer done()
	p, err := s.provide(now.config, now.set, now.state)
	if err != nil {
		return "", 0, err
	}
	serial, index, err := s.serial(ctx)
	if err != nil {
		return "", 0, err
	}
	cert, err = sign(p, serial)
	return cert, index, err
}

// rightOn is what it takes to be given a certificate for an ID.
func rightOn(id pki.SPIFFE) (acl.Need, error) {
	if !isDefault(id.Namespace) || !isDefault(id.Partition) {
		return acl.Need{}, fault.New(fault.Invalid, "Non default partition or namespace is supported in Enterprise only."+
			"Provided namespace is %s and partition is %s", orDefault(id.Namespace), orDefault(id.Partition))
	}
	switch id.Identity {
	case pki.Service:
		return acl.Service.Write(id.Name), nil
	case pki.Agent:
		return acl.Node.Write(id.Name), nil
	case pki.MeshGateway:
		return acl.Mesh.Write(), nil
	case pki.Servers:
		return acl.ACL.Write(), nil
	}
	return acl.Need{}, fault.New(fault.Invalid, "SPIFFE ID in CSR must be a service, mesh-gateway, or agent ID")
}

func isDefault(tenancy string) bool { return orDefault(tenancy) == "default" }

func orDefault(tenancy string) string {
	if tenancy == "" {
		return "default"
	}
	return tenancy
}

// isOurs says whether an ID is of this datacenter.
func (s *Service) isOurs(id pki.SPIFFE, domain string) error {
	switch {
	case !strings.EqualFold(id.TrustDomain, domain):
		return fault.New(fault.Invalid, "SPIFFE ID in CSR from a different trust domain: %s, we are %s", id.TrustDomain, domain)
	case id.Datacenter != s.Datacenter:
		return fault.New(fault.Invalid, "SPIFFE ID in CSR from a different datacenter: %s, we are %s", id.Datacenter, s.Datacenter)
	}
	return nil
}

// signIntermediate signs the authority of another datacenter.
func (s *Service) signIntermediate(ctx context.Context, _ *acl.Authorizer, req *ops.ConnectCASignIntermediateRequest) (*ops.ConnectCASignIntermediateReply, error) {
	if s.Secondary() {
		return nil, fault.New(fault.Rejected, "this is not the primary datacenter: %s is", s.Primary)
	}
	csr, err := pki.ParseCSR(req.CSR)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	now, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	if csr.ID.Identity != pki.Signer || !strings.EqualFold(csr.ID.TrustDomain, now.config.TrustDomain()) {
		return nil, fault.New(fault.Invalid, "SPIFFE ID in CSR is %s, an intermediate is for spiffe://%s", csr.ID, now.config.TrustDomain())
	}
	cert, _, err := s.inTurn(ctx, now, func(p provider, serial uint64) (string, error) {
		return p.signIntermediate(ctx, csr, req.CSR, serial, now.set.IntermediateCertTTL)
	})
	if err != nil {
		return nil, err
	}
	return &ops.ConnectCASignIntermediateReply{CertPEM: cert}, nil
}

// limits bound how much is signed (reference/config.md §2.9).
type limits struct {
	mu         sync.Mutex
	perSecond  float64
	concurrent int
	rate       *rate.Limiter
	places     chan struct{}
}

// patience is how long a request waits for its turn.
const patience = 500 * time.Millisecond

var errTooMany = fault.New(fault.Limit, "rate limit reached, try again later")

// enter waits for a turn. A bound on how many run at once replaces that on how many
// come in a second.
func (l *limits) enter(ctx context.Context, set *settings) (done func(), err error) {
	limiter, places := l.inForce(set)
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch {
	case places != nil:
		select {
		case places <- struct{}{}:
			return func() { <-places }, nil
		case <-patient.Done():
		}
	case limiter == nil:
		return func() {}, nil
	case limiter.Wait(patient) == nil:
		return func() {}, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, errTooMany
}

// inForce are the limits that the settings ask for; both nil for none.
func (l *limits) inForce(set *settings) (*rate.Limiter, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perSecond != set.CSRMaxPerSecond || l.concurrent != set.CSRMaxConcurrent {
		l.perSecond, l.concurrent, l.rate, l.places = set.CSRMaxPerSecond, set.CSRMaxConcurrent, nil, nil
		if set.CSRMaxConcurrent > 0 {
			l.places = make(chan struct{}, set.CSRMaxConcurrent)
		} else if set.CSRMaxPerSecond > 0 {
			l.rate = rate.NewLimiter(rate.Limit(set.CSRMaxPerSecond), int(max(1, set.CSRMaxPerSecond)))
		}
	}
	return l.rate, l.places
}
