package gossip

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
		return createKeyring(opts.KeyringPath, opts.EncryptKey)
	}
	if err != nil {
		return nil, err
	}
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

// writeKeyring makes the file whole or not at all, readable by its owner only.
func writeKeyring(path string, keys [][]byte) error {
	data, err := encodeKeyring(keys)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, filepath.Base(path)+"-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone after the rename
	if _, err := temp.Write(data); err != nil {
		return errors.Join(err, temp.Close())
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
