// Package pki makes certificate authorities and certificates.
//
// # Use
//
// The package example makes an authority, has it issue a certificate, and reads it
// again from its files. What the mesh needs beside that stands in spiffe.go, key.go and
// mesh.go:
//
//	key, err := pki.NewKey(pki.EC, 256)
//	root, err := pki.RootOf(key, name, id.URI(), serial, valid)
//	ca, err := pki.ReadMeshAuthority(root, keyPEM)
//	csr, err := pki.ParseCSR(text) // of a stranger
//	leaf, err := ca.SignLeaf(csr, serial, 72*time.Hour)
//
// # Concurrency
//
// Functions share nothing; an Authority may be used by any goroutine.
//
// # Invariants
//
// Keys are ECDSA P-256; serial numbers are random, 127 bits. What an authority
// issues ends before or with the authority itself. Authorities of a mesh may have other
// keys, EC or RSA, and their maker counts serial numbers. PEM texts are read up to 64
// KB, SPIFFE IDs up to 2 KB; of a CSR that was parsed the signature, the strength of the
// key and the one ID are known to be right. No error holds a part of a key.
//
// # Decisions
//
// One kind of key for everything: it is short, quick, and understood by all that
// speaks TLS 1.2. Keys of other kinds that people bring along are refused by name. A mesh
// must take those that Consul takes; its authorities are a type of their own, since their
// certificates share no field with those of agents but the URI.
package pki
