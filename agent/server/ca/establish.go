package ca

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/pki"
)

// Establish is what a new leader sees to before it answers: a cluster that was just
// founded has an authority from the start (reference/mesh.md §1).
func (s *Service) Establish(ctx context.Context) error {
	if !s.opts.Enabled {
		return nil
	}
	tx := s.Store.Read()
	if _, nodes := tx.Nodes(nil); len(nodes) > 0 {
		return nil
	}
	if _, config := tx.CAConfig(nil); config != nil {
		return nil
	}
	if s.Secondary() || s.opts.Provider != providerConsul { // others are asked: nobody waits for that
		s.want()
		return nil
	}
	if err := s.begin(ctx); err != nil && ctx.Err() == nil {
		s.opts.Logger.Error("Failed to initialize the CA of the mesh, trying again", "error", err)
		s.want()
	}
	return nil
}

// begin makes the authority of the primary datacenter, unless there is one.
func (s *Service) begin(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	a, err := s.present(s.Store.Read())
	if a != nil || err != nil {
		return err
	}
	config, set, err := s.firstConfig(ctx, "")
	if err != nil {
		return err
	}
	p, err := s.provide(config, set, nil)
	if err != nil {
		return err
	}
	m, err := p.makeRoot(ctx, func() (uint64, error) { n, _, err := s.serial(ctx); return n, err })
	if err != nil {
		return err
	}
	root, err := rootRow(m, config)
	if err != nil {
		return err
	}
	if err := s.apply(ctx, &catalog.CAWrite{Config: config, Roots: []*catalog.CARoot{root}, State: stateRow(m, config, set)}); err != nil {
		return err
	}
	s.opts.Logger.Info("initialized primary datacenter CA with provider", "provider", config.Provider)
	return nil
}

// firstConfig stores the configuration that this agent was given, if there is none. An
// ID of the cluster is made unless it is known.
func (s *Service) firstConfig(ctx context.Context, clusterID string) (*catalog.CAConfig, *settings, error) {
	if _, config := s.Store.Read().CAConfig(nil); config != nil {
		set, err := s.read(config)
		return own(config), set, err
	}
	raw := firstConfig(s.opts.Config)
	set, err := readSettings(raw)
	if err == nil {
		err = set.check(s.opts.Provider, !s.Secondary())
	}
	if err != nil {
		return nil, nil, fault.New(fault.Rejected, "connect.ca_config: %w", err)
	}
	config := &catalog.CAConfig{ClusterID: clusterID, Provider: s.opts.Provider}
	if config.Config, err = encodeConfig(raw); err != nil {
		return nil, nil, err
	}
	if given, _ := find(s.opts.Config, "cluster_id"); clusterID == "" && given != nil {
		config.ClusterID = fmt.Sprint(given)
	}
	if config.ClusterID == "" {
		if config.ClusterID, err = uuid.GenerateUUID(); err != nil {
			return nil, nil, err
		}
	}
	if err := s.apply(ctx, &catalog.CAWrite{Config: own(config)}); err != nil {
		return nil, nil, err
	}
	return config, set, nil
}

// own copies a row: what is stored must not be changed.
func own(c *catalog.CAConfig) *catalog.CAConfig {
	mine := *c
	return &mine
}

// rootName is what Consul calls the roots that it has made itself.
const rootName = "Consul CA Primary Cert"

// rootRow is the row of a root that was made.
func rootRow(m *made, config *catalog.CAConfig) (*catalog.CARoot, error) {
	cert, err := pki.ParseCertificate(m.root)
	if err != nil {
		return nil, err
	}
	signing, err := pki.ParseCertificate(m.signing)
	if err != nil {
		return nil, err
	}
	kind, bits := pki.KeyType(cert.PublicKey)
	row := &catalog.CARoot{
		ID: pki.CertificateID(cert), Name: rootName, SigningKeyID: pki.Colons(signing.SubjectKeyId), ExternalTrustDomain: config.ClusterID,
		NotBefore: cert.NotBefore.Unix(), NotAfter: cert.NotAfter.Unix(), RootCert: m.root, IntermediateCerts: m.between,
		Active: true, PrivateKeyType: kind, PrivateKeyBits: uint64(bits),
	}
	if config.Provider == providerVault {
		row.Name = "Vault CA Primary Cert"
	}
	if cert.SerialNumber.IsUint64() {
		row.SerialNumber = cert.SerialNumber.Uint64()
	}
	return row, nil
}

func stateRow(m *made, config *catalog.CAConfig, set *settings) *catalog.CAState {
	return &catalog.CAState{ID: set.fingerprint(config.Provider), PrivateKey: m.key, SigningCert: m.signing}
}

// setConfig replaces the configuration. If its provider would make another root or other
// keys it makes them at once.
func (s *Service) setConfig(ctx context.Context, _ *acl.Authorizer, req *ops.ConnectCASetConfigRequest) (*ops.Empty, error) {
	if err := s.Current(ctx); err != nil {
		return nil, err
	}
	if _, err := s.ready(ctx); err != nil {
		return nil, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	now, err := s.present(s.Store.Read())
	if err != nil {
		return nil, err
	}
	if err := s.change(ctx, now, req); err != nil {
		s.noteDefault(ctx, now)
		return nil, err
	}
	return &ops.Empty{}, nil
}

func (s *Service) change(ctx context.Context, now *authority, req *ops.ConnectCASetConfigRequest) error {
	if req.State {
		return fault.New(fault.Invalid, "Provider State is read-only. It must be omitted or identical to the current value")
	}
	if err := knownProvider(req.Config.Provider); err != nil {
		return err
	}
	raw, err := decodeConfig(req.Config.Config)
	if err != nil {
		return fault.New(fault.Invalid, "%w", err)
	}
	unhide(raw, mustDecode(now.config.Config))
	set, err := readSettings(raw)
	if err == nil && req.Config.Provider != providerAWS {
		err = set.check(req.Config.Provider, !s.Secondary())
	}
	if err != nil {
		return fault.New(fault.Rejected, "error configuring provider: %w", err)
	}
	next := &catalog.CAConfig{ClusterID: now.config.ClusterID, Provider: req.Config.Provider, ForceWithoutCrossSigning: req.Config.ForceWithoutCrossSigning}
	if next.Config, err = encodeConfig(raw); err != nil {
		return err
	}
	p, err := s.provide(next, set, now.state)
	if err != nil {
		return err
	}
	was := now.state.ID
	if was == "" { // of a state that came from Consul
		was = now.set.fingerprint(now.config.Provider)
	}
	if set.fingerprint(next.Provider) == was {
		return s.apply(ctx, &catalog.CAWrite{Config: next})
	}
	if s.Secondary() {
		return s.below(ctx, p, next, set, withoutOwn(now.roots))
	}
	return s.rotate(ctx, now, p, next, set)
}

// noteDefault writes down, in the configuration that stays in force when another one was
// refused, the lifetime of intermediates, as Consul does (conformance mesh/ca-configuration).
func (s *Service) noteDefault(ctx context.Context, now *authority) {
	raw := mustDecode(now.config.Config)
	if _, there := find(raw, nameBetweenTTL); raw == nil || there || ctx.Err() != nil {
		return
	}
	if _, there := find(raw, "intermediate_cert_ttl"); there {
		return
	}
	raw[nameBetweenTTL] = defaultBetweenTTL.String()
	config := own(now.config)
	var err error
	if config.Config, err = encodeConfig(raw); err == nil {
		err = s.apply(ctx, &catalog.CAWrite{Config: config})
	}
	if err != nil {
		s.opts.Logger.Warn("note the default lifetime of intermediates", "error", err)
	}
}

// rotate makes another root, which the old one signs across unless that is not wanted.
func (s *Service) rotate(ctx context.Context, now *authority, p provider, next *catalog.CAConfig, set *settings) error {
	number := func() (uint64, error) { n, _, err := s.serial(ctx); return n, err }
	m, err := p.makeRoot(ctx, number)
	if err != nil {
		return err
	}
	root, err := rootRow(m, next)
	if err != nil {
		return err
	}
	if root.ID != now.active.ID && !next.ForceWithoutCrossSigning {
		old, err := s.provide(now.config, now.set, now.state)
		if err != nil {
			return err
		}
		serial, err := number()
		if err != nil {
			return err
		}
		cross, err := old.crossSign(ctx, m.root, serial)
		if err != nil {
			return fault.New(fault.Rejected, "the present root cannot sign the new one (ForceWithoutCrossSigning goes on without): %w", err)
		}
		root.IntermediateCerts = append(slices.Clone(m.between), cross)
	}
	roots := append(without(now.roots, root.ID), root)
	if err := s.apply(ctx, &catalog.CAWrite{Config: next, Roots: roots, State: stateRow(m, next, set)}); err != nil {
		return err
	}
	if m.key != "" {
		if err := belongs(m); err != nil {
			s.opts.Logger.Error("the private key of the CA does not belong to its root certificate: nothing can be signed", "error", err)
		}
	}
	s.opts.Logger.Info("CA rotated to new root under provider", "provider", next.Provider, "root", root.ID)
	return nil
}

// without are copies of roots but one, none of them active.
func without(roots []*catalog.CARoot, id string) []*catalog.CARoot {
	var rest []*catalog.CARoot
	for _, r := range roots {
		if r.ID == id {
			continue
		}
		old := *r
		if old.Active {
			old.Active, old.RotatedOut = false, time.Now().UnixNano()
		}
		rest = append(rest, &old)
	}
	return rest
}

// belongs says whether key and certificate are a pair.
func belongs(m *made) error {
	a, err := pki.ReadMeshAuthority(m.signing, m.key)
	if err != nil {
		return err
	}
	_, err = a.CrossSign(a.Certificate(), 1, time.Minute)
	return err
}
