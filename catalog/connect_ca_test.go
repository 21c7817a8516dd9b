package catalog_test

import (
	"strings"
	"testing"

	"praetor/catalog"
)

func caRoot(id string, active bool) *catalog.CARoot {
	return &catalog.CARoot{ID: id, Name: "n", SerialNumber: 7, SigningKeyID: "k", RootCert: "pem", IntermediateCerts: []string{"a"}, Active: active, PrivateKeyType: "ec", PrivateKeyBits: 256}
}

// fullCA is a write with every part.
func fullCA() *catalog.CAWrite {
	old := caRoot("bb", false)
	old.RotatedOut, old.ExternalTrustDomain, old.NotBefore, old.NotAfter = 5, "u", 1, 2
	return &catalog.CAWrite{
		Config: &catalog.CAConfig{ClusterID: "u", Provider: "consul", Config: []byte(`{"LeafCertTTL":"72h"}`), ForceWithoutCrossSigning: true},
		Roots:  []*catalog.CARoot{caRoot("aa", true), old},
		State:  &catalog.CAState{ID: "i", PrivateKey: "secret", SigningCert: "pem"},
	}
}

func TestSerialNumbersOfTheAuthorityOnlyGrow(t *testing.T) {
	f := newFixture(t)
	count := func() uint64 {
		n, _ := f.apply(catalog.CACommand, &catalog.CAWrite{Verb: catalog.CASerial}).(uint64)
		return n
	}
	if n := count(); n != 7 {
		t.Errorf("the first is %d", n)
	}
	f.must(catalog.CACommand, fullCA())
	if n := count(); n != 8 {
		t.Errorf("after a new state: %d", n)
	}
	if s := f.store.Read().CAState(); s.PrivateKey != "secret" || s.Serial != 8 {
		t.Errorf("the state is %+v", s)
	}
}

func TestRootThatStaysAsItWasKeepsItsIndex(t *testing.T) {
	f := newFixture(t)
	f.must(catalog.CACommand, &catalog.CAWrite{Roots: []*catalog.CARoot{caRoot("aa", true)}})
	first, _ := f.store.Read().CARoots(nil)
	f.must(catalog.CACommand, &catalog.CAWrite{Roots: []*catalog.CARoot{caRoot("aa", true)}})
	if index, _ := f.store.Read().CARoots(nil); index != first {
		t.Errorf("the same again moved the index from %d to %d", first, index)
	}
	f.must(catalog.CACommand, &catalog.CAWrite{Roots: []*catalog.CARoot{caRoot("bb", true), caRoot("aa", false)}})
	index, roots := f.store.Read().CARoots(nil)
	if len(roots) != 2 || roots[0].ID != "aa" || roots[0].Active || roots[0].CreateIndex != first || roots[0].ModifyIndex != index || roots[1].CreateIndex != index {
		t.Errorf("after a rotation at %d: %+v %+v", index, roots[0], roots[1])
	}
	f.must(catalog.CACommand, &catalog.CAWrite{Roots: []*catalog.CARoot{caRoot("bb", true)}})
	later, roots := f.store.Read().CARoots(nil)
	if len(roots) != 1 || roots[0].ModifyIndex != index || later <= index {
		t.Errorf("after the old one left at %d: %+v", later, roots)
	}
}

func TestRootsWithoutOneActiveAreRefused(t *testing.T) {
	f := newFixture(t)
	for _, roots := range [][]*catalog.CARoot{
		{nil}, {caRoot("", true)}, {caRoot("aa", false)}, {caRoot("aa", true), caRoot("bb", true)}, {caRoot("aa", true), caRoot("aa", false)},
	} {
		if _, failed := f.apply(catalog.CACommand, &catalog.CAWrite{Config: &catalog.CAConfig{}, Roots: roots}).(error); !failed {
			t.Errorf("%+v is taken", roots)
		}
	}
	if _, config := f.store.Read().CAConfig(nil); config != nil {
		t.Error("a refused command left a configuration")
	}
}

// TestSecretsOfTheAuthorityStayOutOfDecodedSnapshots: `snapshot decode` prints what
// Record.JSON returns.
func TestSecretsOfTheAuthorityStayOutOfDecodedSnapshots(t *testing.T) {
	f := newFixture(t)
	c := fullCA()
	c.Config.Config = []byte(`{"PrivateKey":"secret","Token":"secret"}`)
	f.must(catalog.CACommand, c)
	seen := 0
	_, err := catalog.Records(strings.NewReader(string(f.snapshot())), func(r catalog.Record) error {
		text, err := r.JSON()
		if strings.Contains(string(text), "secret") || strings.Contains(string(text), "c2VjcmV0") {
			t.Errorf("%s shows %s", r.Type, text)
		}
		if strings.HasPrefix(r.Type, "ConnectCA") {
			seen++
		}
		return err
	})
	if err != nil || seen != 4 {
		t.Errorf("%d records, %v", seen, err)
	}
}
