package catalog

import (
	"reflect"
	"slices"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const (
	tableCARoots  = "ca_root"
	tableCAConfig = "ca_config"
	tableCAState  = "ca_state"
)

var (
	caRootTable   = stored(tableCARoots, 16, "ConnectCA", caRootID, (*restorer).caRoot)
	caConfigTable = stored(tableCAConfig, 17, "ConnectCAConfig", caConfigID, (*restorer).caConfig)
	caStateTable  = stored(tableCAState, 18, "ConnectCAProviderState", caStateID, (*restorer).caState)
)

// CARoot is a certificate that the mesh trusts, or did until those are gone that it
// vouched for (reference/mesh.md §1).
type CARoot struct {
	ID                  string // SHA-1 of the certificate, aa:bb:…
	Name                string
	SerialNumber        uint64
	SigningKeyID        string // of the key that signs leaves, as the ID
	ExternalTrustDomain string // the cluster ID
	NotBefore           int64  // seconds since 1970, as NotAfter
	NotAfter            int64
	RootCert            string   // PEM, as those below
	IntermediateCerts   []string `msg:"IntermediateCerts,allownil"` // that go with each leaf
	Active              bool     // it signs now; one root does
	RotatedOut          int64    // when it ceased to, in nanoseconds since 1970; 0 for the active one
	PrivateKeyType      string
	PrivateKeyBits      uint64
	CreateIndex         uint64
	ModifyIndex         uint64
}

// CAConfig says which provider the authority has, and how it signs.
type CAConfig struct {
	ClusterID                string // made once; the trust domain is it and .consul
	Provider                 string
	Config                   []byte // a JSON object, or null; may hold a key: secret
	ForceWithoutCrossSigning bool
	CreateIndex              uint64
	ModifyIndex              uint64
}

// TrustDomain is the trust domain of the mesh.
func (c *CAConfig) TrustDomain() string { return c.ClusterID + ".consul" }

// CAState is what the provider keeps. It goes to no client.
type CAState struct {
	ID          string // of the configuration that it was made for; "" means any
	PrivateKey  string // PEM; "" where another system holds it
	SigningCert string // PEM: the root's own, or in other datacenters than the primary an intermediate
	Serial      uint64 // given out last
	CreateIndex uint64
	ModifyIndex uint64
}

// CAVerb is what a CAWrite does.
type CAVerb uint8

// The verbs.
const (
	CASet    CAVerb = iota // replace the parts that are given; the result is nil or an error
	CASerial               // count a serial number; the result is a uint64
)

// firstSerial is the first serial number: Consul's roots have it.
const firstSerial = 7

// CACommand carries a CAWrite.
const CACommand CommandType = 15

var caCommand = answers(CACommand, "ca", (*writer).caWrite)

// CAWrite is the command that changes the authority of the mesh, all parts at once.
type CAWrite struct {
	Verb   CAVerb
	Config *CAConfig // nil: as it is
	Roots  []*CARoot `msg:"Roots,allownil"` // all that are to be; none: as they are
	State  *CAState  // nil: as it is. Its Serial does not count
}

func (c *CAWrite) hasKnownVerb() bool { return c.Verb <= CASerial }

func caRootID(r *CARoot) []byte   { return home.text(r.ID) }
func caConfigID(*CAConfig) []byte { return []byte{0} }
func caStateID(*CAState) []byte   { return []byte{0} }

// CARoots lists the roots by ID. The index is the whole table's.
func (tx *Tx) CARoots(ws WatchSet) (uint64, []*CARoot) {
	list := make([]*CARoot, 0)
	for r := range rows[*CARoot](tx.txn, nil, tableCARoots, byID, home.all()) {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *CARoot) int { return strings.Compare(a.ID, b.ID) })
	return tx.watchIndex(ws, indexCARoots), list
}

// CAConfig returns the configuration, nil before there is one.
func (tx *Tx) CAConfig(ws WatchSet) (uint64, *CAConfig) {
	return tx.watchIndex(ws, indexCAConfig), first[*CAConfig](tx.txn, tableCAConfig, byID, caConfigID(nil))
}

// CAState returns what the provider keeps, nil before it keeps anything.
func (tx *Tx) CAState() *CAState {
	return first[*CAState](tx.txn, tableCAState, byID, caStateID(nil))
}

func (w *writer) caWrite(c *CAWrite) any {
	if c.Verb == CASerial {
		return w.caSerial()
	}
	active := 0
	for i, r := range c.Roots {
		switch {
		case r == nil || r.ID == "" || slices.ContainsFunc(c.Roots[:i], func(o *CARoot) bool { return o.ID == r.ID }):
			return fault.New(fault.Internal, "a root needs an ID of its own")
		case r.Active:
			active++
		}
	}
	if len(c.Roots) > 0 && active != 1 {
		return fault.New(fault.Internal, "of %d roots %d are active", len(c.Roots), active)
	}
	if c.Config != nil {
		w.caStoreConfig(c.Config)
	}
	if c.State != nil {
		w.caStoreState(c.State)
	}
	if len(c.Roots) > 0 {
		w.caStoreRoots(c.Roots)
	}
	return nil
}

// caSerial counts a number that no certificate of this authority has.
func (w *writer) caSerial() uint64 {
	next := CAState{Serial: firstSerial - 1, CreateIndex: w.index}
	if old := first[*CAState](w.txn, tableCAState, byID, caStateID(nil)); old != nil {
		next = *old
	}
	next.Serial, next.ModifyIndex = next.Serial+1, w.index
	w.txn.Insert(tableCAState, &next)
	return next.Serial
}

func (w *writer) caStoreConfig(c *CAConfig) {
	c.CreateIndex, c.ModifyIndex = w.index, w.index
	if old := first[*CAConfig](w.txn, tableCAConfig, byID, caConfigID(nil)); old != nil {
		c.CreateIndex = old.CreateIndex
	}
	w.txn.Insert(tableCAConfig, c)
	w.bump(indexCAConfig)
}

func (w *writer) caStoreState(s *CAState) {
	s.CreateIndex, s.ModifyIndex, s.Serial = w.index, w.index, firstSerial-1
	if old := first[*CAState](w.txn, tableCAState, byID, caStateID(nil)); old != nil {
		s.CreateIndex, s.Serial = old.CreateIndex, old.Serial
	}
	w.txn.Insert(tableCAState, s)
}

// caStoreRoots replaces all roots. One that stays as it was keeps its index.
func (w *writer) caStoreRoots(roots []*CARoot) {
	old := map[string]*CARoot{}
	for r := range rows[*CARoot](w.txn, nil, tableCARoots, byID, home.all()) {
		old[r.ID] = r
	}
	changed := len(old) != len(roots)
	for _, r := range roots {
		if len(r.IntermediateCerts) == 0 {
			r.IntermediateCerts = nil
		}
		r.CreateIndex, r.ModifyIndex = w.index, w.index
		if was := old[r.ID]; was != nil {
			r.CreateIndex = was.CreateIndex
			delete(old, r.ID)
			same := *r
			same.ModifyIndex = was.ModifyIndex
			if reflect.DeepEqual(&same, was) {
				continue
			}
		}
		changed = true
		w.txn.Insert(tableCARoots, r)
	}
	for _, r := range old {
		remove(w.txn, tableCARoots, r)
	}
	if changed || len(old) > 0 {
		w.bump(indexCARoots)
	}
}

// caRoot takes a root of a snapshot.
func (re *restorer) caRoot(r *CARoot) error {
	switch {
	case r.ID == "":
		return errNoKey
	case re.holds(tableCARoots, byID, caRootID(r)):
		return errTwice
	}
	re.w.txn.Insert(tableCARoots, r)
	return re.indexes(r.CreateIndex, r.ModifyIndex)
}

// caConfig takes the configuration of a snapshot.
func (re *restorer) caConfig(c *CAConfig) error {
	if re.holds(tableCAConfig, byID, caConfigID(c)) {
		return errTwice
	}
	re.w.txn.Insert(tableCAConfig, c)
	return re.indexes(c.CreateIndex, c.ModifyIndex)
}

// caState takes the provider's state of a snapshot.
func (re *restorer) caState(s *CAState) error {
	if re.holds(tableCAState, byID, caStateID(s)) {
		return errTwice
	}
	re.w.txn.Insert(tableCAState, s)
	return re.indexes(s.CreateIndex, s.ModifyIndex)
}
