package leaf

import (
	"context"
	"crypto"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/fault"
	"praetor/internal/life"
	"praetor/internal/ops"
	"praetor/internal/pki"
	"praetor/internal/rpc"
	"praetor/internal/view"
)

// Options say how to build Leaves. Caller and Datacenter are required.
type Options struct {
	Caller     rpc.Caller
	Views      *view.Views // to follow the roots; nil asks the servers by itself
	Datacenter string
	// ClusterSize is how many agents there are: the more, the longer they take to renew
	// after a change of the root. nil means one.
	ClusterSize func() int
	Logger      hclog.Logger
}

const (
	// maxLeaves bounds the leaves, at about 4 KB each.
	maxLeaves = 8192
	// maxRenewals is how many are renewed at once.
	maxRenewals = 4
	// idle is how long a leaf is renewed that nobody asks for.
	idle = 24 * time.Hour
	// spreadEach and spreadMost are over how long the agents of a cluster spread their
	// renewals after a change of the root: so much for each, and so much at most.
	spreadEach = 60 * time.Millisecond
	spreadMost = time.Minute
	// retryLeast and retryMost are the pauses after an attempt that failed.
	retryLeast = time.Second
	retryMost  = time.Minute
)

// Leaf is a certificate with its key. It does not change.
type Leaf struct {
	SerialNumber  string
	CertPEM       string // with what is between it and a root
	PrivateKeyPEM string
	Service       string
	URI           string
	ValidAfter    time.Time
	ValidBefore   time.Time
	Index         uint64 // when it was signed

	signer string // the ID of the key that signed it
}

// Request asks for a leaf. Its caller has the right to it.
type Request struct {
	Service    string
	Token      string
	Datacenter string        // whose roots are asked for; "" for the agent's own
	MinIndex   uint64        // not 0: wait for a leaf signed after it
	Wait       time.Duration // for so long
}

// Leaves are the leaves of one agent.
type Leaves struct {
	opts Options
	some chan struct{} // a token: there is something to renew, or roots to follow

	mu     sync.Mutex
	held   map[string]*held
	signer string // the ID of the key that signs now; "" before it is known
}

// held is what is known about one service's leaf. Its fields are guarded by Leaves.mu,
// but signing.
type held struct {
	service string
	signing chan struct{} // a token for whoever signs

	leaf    *Leaf         // nil before the first
	changed chan struct{} // closed when there is another leaf, or none any more
	token   string        // that asked last
	asked   time.Time
	due     time.Time // of the renewal
	taken   bool      // it is being renewed
	failed  int       // renewals in a row
	gone    bool      // no more in Leaves.held
}

// New returns Leaves that are renewed while Run runs.
func New(opts Options) *Leaves {
	if opts.ClusterSize == nil {
		opts.ClusterSize = func() int { return 1 }
	}
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	return &Leaves{opts: opts, some: make(chan struct{}, 1), held: map[string]*held{}}
}

var errNoName = fault.New(fault.Rejected, "URI must be either service, agent, server, or kind")

// Get returns the leaf of a service, signed now if there is none.
func (l *Leaves) Get(ctx context.Context, req Request) (*Leaf, error) {
	if req.Service == "" {
		return nil, errNoName
	}
	patient, cancel := ctx, context.CancelFunc(func() {})
	if req.MinIndex > 0 {
		patient, cancel = context.WithTimeout(ctx, req.Wait)
	}
	defer cancel()
	for {
		h, err := l.hold(req)
		if err != nil {
			return nil, err
		}
		leaf, changed, err := l.have(ctx, h, req)
		if err != nil || leaf.Index > req.MinIndex || req.MinIndex == 0 {
			return leaf, err
		}
		select {
		case <-changed:
		case <-patient.Done():
			return leaf, ctx.Err()
		}
	}
}

// hold finds what is known about a service's leaf, and notes who asks.
func (l *Leaves) hold(req Request) (*held, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[req.Service]
	if h == nil {
		if len(l.held) >= maxLeaves && !l.dropOldestLocked() {
			return nil, fault.New(fault.Limit, "this agent keeps %d certificates, all of them in use", maxLeaves)
		}
		h = &held{service: req.Service, signing: make(chan struct{}, 1), changed: make(chan struct{})}
		l.held[req.Service] = h
	}
	h.token, h.asked = req.Token, time.Now()
	return h, nil
}

// crowded is how long a leaf must not have been asked for to make room for another.
const crowded = 10 * time.Minute

// dropOldestLocked forgets the leaf that was not asked for the longest.
func (l *Leaves) dropOldestLocked() bool {
	var oldest *held
	for _, h := range l.held {
		if oldest == nil || h.asked.Before(oldest.asked) {
			oldest = h
		}
	}
	if oldest == nil || time.Since(oldest.asked) < crowded {
		return false
	}
	l.forgetLocked(oldest)
	return true
}

func (l *Leaves) forgetLocked(h *held) {
	if !h.gone {
		h.gone = true
		close(h.changed)
		delete(l.held, h.service)
	}
}

// have returns the leaf of h, and what closes when it is not the latest any more. One
// that is over, or that another key signed than does now, is signed anew when its turn
// has come.
func (l *Leaves) have(ctx context.Context, h *held, req Request) (*Leaf, <-chan struct{}, error) {
	if leaf, changed := l.valid(h); leaf != nil {
		return leaf, changed, nil
	}
	select {
	case h.signing <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	defer func() { <-h.signing }()
	if leaf, changed := l.valid(h); leaf != nil {
		return leaf, changed, nil
	}
	leaf, err := l.sign(ctx, h.service, req.Token, req.Datacenter)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if h.leaf == nil {
			l.forgetLocked(h)
		} else if time.Now().Before(h.leaf.ValidBefore) { // of the old root, and better than none
			h.failed++
			return h.leaf, h.changed, nil
		}
		return nil, nil, err
	}
	return leaf, l.store(h, leaf), nil
}

func (l *Leaves) valid(h *held) (*Leaf, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if h.leaf == nil || now.After(h.leaf.ValidBefore) || l.signer != "" && h.leaf.signer != l.signer && h.failed == 0 && (h.taken || !now.Before(h.due)) {
		return nil, nil
	}
	return h.leaf, h.changed
}

// store puts a new leaf into h, and wakes who waits for it.
func (l *Leaves) store(h *held, leaf *Leaf) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.leaf, h.failed = leaf, 0
	h.due = pki.RenewAt(leaf.ValidAfter, leaf.ValidBefore)
	if !h.gone {
		close(h.changed)
		h.changed = make(chan struct{})
	}
	l.wake()
	return h.changed
}

func (l *Leaves) wake() {
	select {
	case l.some <- struct{}{}:
	default:
	}
}

// tries is how often a signature is asked for that servers have no time for.
const tries = 5

// sign makes a key and has a server sign its certificate.
func (l *Leaves) sign(ctx context.Context, service, token, datacenter string) (*Leaf, error) {
	roots, err := ops.ConnectCARoots.Call(ctx, l.opts.Caller, &ops.ConnectCARootsRequest{ReadOptions: rpc.ReadOptions{Datacenter: datacenter, Token: token}})
	if err != nil {
		return nil, err
	}
	id := pki.SPIFFE{Identity: pki.Service, TrustDomain: roots.TrustDomain, Datacenter: l.opts.Datacenter, Name: service}
	if _, err := pki.ParseSPIFFE(id.String()); err != nil {
		return nil, fault.New(fault.Rejected, "%w", err)
	}
	key, err := pki.NewKey(pki.EC, 256)
	if err != nil {
		return nil, err
	}
	csr, err := pki.NewCSR(key, "", id.URI())
	if err != nil {
		return nil, err
	}
	req := &ops.ConnectCASignRequest{WriteOptions: rpc.WriteOptions{Token: token}, CSR: csr, URI: id.String()}
	var rep *ops.ConnectCASignReply
	for try := 1; ; try++ {
		rep, err = ops.ConnectCASign.Call(ctx, l.opts.Caller, req)
		if fault.KindOf(err) != fault.Limit || try == tries {
			break
		}
		if !life.Pause(ctx, rand.N(time.Duration(try)*time.Second)) {
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return signed(rep, id, key)
}

// signed checks a certificate that came from a server.
func signed(rep *ops.ConnectCASignReply, id pki.SPIFFE, key crypto.Signer) (*Leaf, error) {
	cert, err := pki.ParseCertificate(rep.CertPEM)
	if err != nil {
		return nil, err
	}
	public, _ := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if len(cert.URIs) != 1 || cert.URIs[0].String() != id.String() || public == nil || !public.Equal(cert.PublicKey) {
		return nil, errors.New("the server signed another certificate than was asked for")
	}
	secret, err := pki.EncodeKey(key)
	if err != nil {
		return nil, err
	}
	return &Leaf{
		SerialNumber: pki.Colons(cert.SerialNumber.Bytes()), CertPEM: rep.CertPEM, PrivateKeyPEM: secret,
		Service: id.Name, URI: id.String(), ValidAfter: cert.NotBefore, ValidBefore: cert.NotAfter, Index: rep.Index,
		signer: pki.Colons(cert.AuthorityKeyId),
	}, nil
}
