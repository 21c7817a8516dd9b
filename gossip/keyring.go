package gossip

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/memberlist"

	"praetor/internal/fault"
	"praetor/internal/regular"
)

// maxKeyringBytes bounds the keyring file: thousands of keys.
const maxKeyringBytes = 1 << 20

// openKeyring gives the keys to use, nil for no encryption. A keyring file
// wins over the configured key; without one the key makes it.
func openKeyring(opts *Options) (*memberlist.Keyring, error) {
	if opts.KeyringPath == "" {
		return memoryKeyring(opts.EncryptKey)
	}
	keys, err := readKeyring(opts.KeyringPath)
	if errors.Is(err, os.ErrNotExist) {
		noteLostKeyring(opts)
		return createKeyring(opts.KeyringPath, opts.EncryptKey)
	}
	if err != nil {
		return nil, err
	}
	compareKeyring(opts.KeyringPath, keys, opts.Logger)
	contains := func(key []byte) bool { return bytes.Equal(key, opts.EncryptKey) }
	if opts.EncryptKey != nil && !slices.ContainsFunc(keys, contains) {
		opts.Logger.Warn(strings.ToUpper(opts.network()) + " keyring doesn't include key provided with -encrypt, using keyring")
	}
	return memberlist.NewKeyring(keys, keys[0])
}

func memoryKeyring(key []byte) (*memberlist.Keyring, error) {
	if key == nil {
		return nil, nil
	}
	ring, err := memberlist.NewKeyring(nil, key)
	if err != nil {
		return nil, invalidKey()
	}
	return ring, nil
}

// invalidKey is reference/config.md §2.6, byte for byte.
func invalidKey() error {
	return fault.New(fault.Invalid, "Invalid key: key size must be 16, 24 or 32 bytes")
}

func createKeyring(path string, key []byte) (*memberlist.Keyring, error) {
	ring, err := memoryKeyring(key)
	if ring == nil || err != nil {
		return nil, err
	}
	if err := writeKeyring(path, [][]byte{key}); err != nil {
		return nil, fmt.Errorf("create keyring file: %w", err)
	}
	return ring, nil
}

// readKeyring reads a keyring file; the first key is the primary one.
func readKeyring(path string) ([][]byte, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open keyring file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyringBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read keyring file: %w", err)
	}
	keys, err := decodeKeyring(data)
	if err != nil {
		return nil, &fault.Error{
			Kind: fault.Invalid,
			Text: fmt.Sprintf("keyring file %s: %v.", path, err),
			Hint: "Restore it from another agent of this datacenter, or remove it to start with the key of encrypt",
			Err:  err,
		}
	}
	return keys, nil
}

// decodeKeyring decodes a JSON array of base64 keys. Its errors never show keys.
func decodeKeyring(data []byte) ([][]byte, error) {
	if len(data) > maxKeyringBytes {
		return nil, fmt.Errorf("larger than %d bytes", maxKeyringBytes)
	}
	var encoded []string
	if json.Unmarshal(data, &encoded) != nil {
		return nil, errors.New("not a JSON array of base64 keys")
	}
	if len(encoded) == 0 {
		return nil, errors.New("contains no keys")
	}
	keys := make([][]byte, len(encoded))
	for i, text := range encoded {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("key %d is not base64", i+1)
		}
		if err := memberlist.ValidateKey(key); err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		keys[i] = key
	}
	return keys, nil
}

func encodeKeyring(keys [][]byte) ([]byte, error) {
	encoded := make([]string, len(keys))
	for i, key := range keys {
		encoded[i] = base64.StdEncoding.EncodeToString(key)
	}
	return json.MarshalIndent(encoded, "", "  ")
}

// writeKeyring writes the keys, and then their checksum beside them: a stop between
// the two costs a warning at the next start, and no key.
func writeKeyring(path string, keys [][]byte) error {
	data, err := encodeKeyring(keys)
	if err != nil {
		return err
	}
	if err := writePrivate(path, data); err != nil {
		return err
	}
	return writeKeyringSum(path, keys)
}
