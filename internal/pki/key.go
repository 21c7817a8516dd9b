package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The types of keys, as configurations name them.
const (
	EC  = "ec"
	RSA = "rsa"
)

// curves are the curves by their bits.
var curves = map[int]elliptic.Curve{224: elliptic.P224(), 256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}

// NewKey makes a key of a type and a length in bits.
func NewKey(kind string, bits int) (crypto.Signer, error) {
	if err := CheckKeyType(kind, bits); err != nil {
		return nil, err
	}
	if kind == RSA {
		return rsa.GenerateKey(rand.Reader, bits)
	}
	return ecdsa.GenerateKey(curves[bits], rand.Reader)
}

// CheckKeyType says what is wrong about a type and a length (reference/mesh.md §1).
func CheckKeyType(kind string, bits int) error {
	switch kind {
	case EC:
		if curves[bits] == nil {
			return errors.New("EC key length must be one of (224, 256, 384, 521) bits")
		}
	case RSA:
		if bits != 2048 && bits != 4096 {
			return errors.New("RSA key length must be 2048 or 4096 bits")
		}
	default:
		return errors.New("private key type must be either 'ec' or 'rsa'")
	}
	return nil
}

// KeyType is the type and length of a public key, "" for one that is neither EC nor RSA.
func KeyType(key crypto.PublicKey) (kind string, bits int) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return EC, key.Curve.Params().BitSize
	case *rsa.PublicKey:
		return RSA, key.N.BitLen()
	}
	return "", 0
}

// minRSABits and maxRSABits bound keys of strangers: shorter ones are broken, and
// checking a signature of a longer one takes long.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// checkStrength says whether a key may be in a certificate.
func checkStrength(key crypto.PublicKey) error {
	kind, bits := KeyType(key)
	switch {
	case kind == EC && bits < 256:
		return fmt.Errorf("an EC key of %d bits is too weak: at least 256 are needed", bits)
	case kind == RSA && (bits < minRSABits || bits > maxRSABits):
		return fmt.Errorf("an RSA key of %d bits: it must have %d to %d", bits, minRSABits, maxRSABits)
	case kind == "":
		return fmt.Errorf("a key of type %T; EC or RSA is needed", key)
	}
	return nil
}

// maxPEMBytes bounds a PEM text of somebody else: a key or certificate of 8192 bits
// has under 10 KB.
const maxPEMBytes = 64 << 10

// decodePEM reads the first block of a text.
func decodePEM(text string) (*pem.Block, error) {
	if len(text) > maxPEMBytes {
		return nil, fmt.Errorf("PEM of %d bytes, at most %d are allowed", len(text), maxPEMBytes)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM-encoded data found")
	}
	return block, nil
}

// ParseKey reads a private key, EC or RSA, in its own block or in PKCS #8. Errors say
// nothing of what the text holds.
func ParseKey(text string) (crypto.Signer, error) {
	block, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case keyBlock:
		return x509.ParseECPrivateKey(block.Bytes)
	case rsaBlock:
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case pkcs8Block:
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if signer, ok := key.(crypto.Signer); ok {
			if kind, _ := KeyType(signer.Public()); kind != "" {
				return signer, nil
			}
		}
		return nil, fmt.Errorf("a key of type %T; EC or RSA is needed", key)
	}
	return nil, fmt.Errorf("unknown PEM block type for signing key: %s", block.Type)
}

// EncodeKey writes a key in the block of its own type.
func EncodeKey(key crypto.Signer) (string, error) {
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return "", err
		}
		return encodePEM(keyBlock, der), nil
	case *rsa.PrivateKey:
		return encodePEM(rsaBlock, x509.MarshalPKCS1PrivateKey(key)), nil
	}
	return "", fmt.Errorf("a key of type %T; EC or RSA is needed", key)
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// keyID is what names a key in certificates: the hash of its public part.
func keyID(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}

// Colons writes bytes as aa:bb:cc.
func Colons(b []byte) string { return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":") }
