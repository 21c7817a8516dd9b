package ca

import (
	"context"
	"slices"
	"time"

	"praetor/catalog"
	"praetor/internal/life"
	"praetor/internal/ops"
	"praetor/internal/pki"
)

const (
	// tending is how often a leader looks after what ends by itself: old roots, and
	// certificates that are near their end.
	tending = time.Hour
	// retryLeast and retryMost are the pauses between attempts at what did not work.
	retryLeast = time.Second
	retryMost  = time.Minute
)

// Run looks after the authority while this server leads.
func (s *Service) Run(ctx context.Context) {
	if !s.opts.Enabled || !s.begun(ctx) {
		return
	}
	if !s.Secondary() {
		s.retry(ctx, s.begin)
		for s.tend(ctx); life.Pause(ctx, tending); s.tend(ctx) {
		}
		return
	}
	index := uint64(0)
	for ctx.Err() == nil {
		s.retry(ctx, func(ctx context.Context) (err error) {
			index, err = s.follow(ctx, index)
			return err
		})
		s.tend(ctx)
	}
}

// begun waits until there is an authority, or somebody wants one; false if ctx ended.
func (s *Service) begun(ctx context.Context) bool {
	if _, config := s.Store.Read().CAConfig(nil); config != nil {
		return true
	}
	select {
	case <-s.wanted:
		return true
	case <-ctx.Done():
		return false
	}
}

// retry does something until it works, or ctx ends. It logs what is in the way when that
// changes.
func (s *Service) retry(ctx context.Context, do func(context.Context) error) {
	said := ""
	for wait := retryLeast; ; wait = min(2*wait, retryMost) {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if err.Error() != said {
			said = err.Error()
			s.opts.Logger.Error("Failed to initialize the CA of the mesh, trying again", "error", err)
		}
		if !life.Pause(ctx, wait) {
			return
		}
	}
}

// follow takes over what the primary trusts once that is past an index, or after some
// minutes in any case, and returns its index then.
func (s *Service) follow(ctx context.Context, index uint64) (uint64, error) {
	if now, err := s.present(s.Store.Read()); now == nil || err != nil || isHalfOver(now.state.SigningCert) {
		index = 0 // nothing to wait for
	}
	req := &ops.ConnectCARootsRequest{}
	req.Datacenter, req.MinIndex, req.Token = s.Primary, index, s.ReplicationToken()
	rep, err := ops.ConnectCARoots.Call(ctx, s.Router, req)
	if err != nil {
		return 0, err
	}
	if err := s.adopt(ctx, rep); err != nil {
		return 0, err
	}
	return rep.Index, nil
}

// adopt makes this datacenter's authority one below the primary's.
func (s *Service) adopt(ctx context.Context, rep *ops.ConnectCARootsReply) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if rep.Active() == nil {
		return errNotReady
	}
	config, set, err := s.firstConfig(ctx, rep.Active().ExternalTrustDomain)
	if err != nil {
		return err
	}
	now, err := s.present(s.Store.Read())
	if err != nil {
		return err
	}
	config.ClusterID = rep.Active().ExternalTrustDomain
	if now != nil && now.config.ClusterID == config.ClusterID && now.active.ID == rep.Active().ID && !isHalfOver(now.state.SigningCert) {
		own := now.active.IntermediateCerts[:min(1, len(now.active.IntermediateCerts))]
		return s.apply(ctx, &catalog.CAWrite{Roots: withOwn(rep.Roots, own, now.active.SigningKeyID)})
	}
	var state *catalog.CAState
	if now != nil {
		state = now.state
	}
	p, err := s.provide(config, set, state)
	if err != nil {
		return err
	}
	return s.below(ctx, p, config, set, rep.Roots)
}

// below has the primary sign an intermediate, and stores it with the roots that are
// trusted then.
func (s *Service) below(ctx context.Context, p provider, config *catalog.CAConfig, set *settings, roots []*catalog.CARoot) error {
	csr, key, err := p.request(ctx)
	if err != nil {
		return err
	}
	req := &ops.ConnectCASignIntermediateRequest{CSR: csr}
	req.Datacenter, req.Token = s.Primary, s.ReplicationToken()
	rep, err := ops.ConnectCASignIntermediate.Call(ctx, s.Router, req)
	if err != nil {
		return err
	}
	cert, err := pki.ParseCertificate(rep.CertPEM)
	if err != nil {
		return err
	}
	for _, r := range roots {
		if r.Active {
			if err := p.install(ctx, rep.CertPEM, r.RootCert); err != nil {
				return err
			}
		}
	}
	m := &made{signing: rep.CertPEM, key: key}
	if err := s.apply(ctx, &catalog.CAWrite{
		Config: config, State: stateRow(m, config, set), Roots: withOwn(roots, []string{rep.CertPEM}, pki.Colons(cert.SubjectKeyId)),
	}); err != nil {
		return err
	}
	s.opts.Logger.Info("received new intermediate certificate from primary datacenter", "until", cert.NotAfter)
	return nil
}

// withOwn are the primary's roots as this datacenter has them: below the active one stands
// its own intermediate, before those that the primary has there.
func withOwn(roots []*catalog.CARoot, own []string, key string) []*catalog.CARoot {
	mine := make([]*catalog.CARoot, len(roots))
	for i, r := range roots {
		row := *r
		if row.Active {
			row.IntermediateCerts, row.SigningKeyID = append(slices.Clone(own), r.IntermediateCerts...), key
		}
		mine[i] = &row
	}
	return mine
}

// withoutOwn are the roots as the primary has them.
func withoutOwn(roots []*catalog.CARoot) []*catalog.CARoot {
	theirs := make([]*catalog.CARoot, len(roots))
	for i, r := range roots {
		row := *r
		if row.Active && len(row.IntermediateCerts) > 0 {
			row.IntermediateCerts = row.IntermediateCerts[1:]
		}
		theirs[i] = &row
	}
	return theirs
}

// isHalfOver reports whether half of a certificate's time is over: then an intermediate
// is renewed.
func isHalfOver(text string) bool {
	cert, err := pki.ParseCertificate(text)
	return err != nil || time.Now().After(cert.NotBefore.Add(cert.NotAfter.Sub(cert.NotBefore)/2))
}

// tend removes roots whose leaves are all gone, and warns of what ends soon.
func (s *Service) tend(ctx context.Context) {
	now, err := s.present(s.Store.Read())
	if now == nil || err != nil {
		return
	}
	s.warn(now)
	if s.Secondary() {
		return
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if now, err = s.present(s.Store.Read()); now == nil || err != nil {
		return
	}
	kept := slices.DeleteFunc(slices.Clone(now.roots), func(r *catalog.CARoot) bool {
		return !r.Active && time.Since(time.Unix(0, r.RotatedOut)) > keptLeaves*now.set.LeafCertTTL
	})
	if len(kept) == len(now.roots) {
		return
	}
	for i, r := range kept {
		row := *r
		kept[i] = &row
	}
	if err := s.apply(ctx, &catalog.CAWrite{Roots: kept}); err != nil && ctx.Err() == nil {
		s.opts.Logger.Warn("remove old roots of the mesh", "error", err)
	}
}

// keptLeaves is for how many lifetimes of leaves an old root is trusted (reference/mesh.md §1).
const keptLeaves = 3
