package gossip

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/hashicorp/memberlist"
)

var errNotSealed = errors.New("not encrypted with a key of this pool")

// seal encrypts what this package says itself with the key in use: nonce, then
// AES-GCM; purpose is authenticated with it.
func seal(ring *memberlist.Keyring, plain []byte, purpose string) ([]byte, error) {
	gcm, err := gcmOf(ring.GetPrimaryKey())
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize(), gcm.NonceSize()+len(plain)+gcm.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return gcm.Seal(nonce, nonce, plain, []byte(purpose)), nil
}

// unseal opens it with any key of the ring.
func unseal(ring *memberlist.Keyring, sealed []byte, purpose string) ([]byte, error) {
	for _, key := range ring.GetKeys() {
		gcm, err := gcmOf(key)
		if err != nil {
			return nil, err
		}
		if len(sealed) < gcm.NonceSize() {
			break
		}
		plain, err := gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], []byte(purpose))
		if err == nil {
			return plain, nil
		}
	}
	return nil, errNotSealed
}

func gcmOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealVersion starts what memberlist encrypts: AES-GCM without padding.
const sealVersion = 1

// sealPacket encrypts a packet as memberlist does; data is authenticated with it.
func sealPacket(ring *memberlist.Keyring, plain, data []byte) ([]byte, error) {
	sealed, err := seal(ring, plain, string(data))
	return append([]byte{sealVersion}, sealed...), err
}

// unsealPacket decrypts what memberlist encrypted.
func unsealPacket(ring *memberlist.Keyring, sealed, data []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, errNotSealed
	}
	return unseal(ring, sealed[1:], string(data))
}

// sealStream encrypts a message of a stream as memberlist does.
func sealStream(ring *memberlist.Keyring, plain []byte) ([]byte, error) {
	const overhead = 1 + 12 + 16 // version, nonce, tag
	head := binary.BigEndian.AppendUint32([]byte{wireEncrypt}, uint32(len(plain)+overhead))
	sealed, err := sealPacket(ring, plain, head)
	return append(head, sealed...), err
}
