package gossip

import (
	"bytes"
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/durable"
)

// The keyring file is Consul's, an array of keys that operators may edit: no room
// for a checksum, and a flipped bit often makes another valid key. So the checksum
// of the keys is in a file of its own beside it, which Consul does not look at.

// keyringContent is what the checksum is of: the keys, not the text, since white space
// does not count.
func keyringContent(keys [][]byte) (content []byte) {
	for _, key := range keys {
		content = append(append(content, byte(len(key))), key...)
	}
	return content
}

func writeKeyringSum(path string, keys [][]byte) error {
	if err := durable.WriteSum(path, keyringContent(keys)); err != nil {
		return fmt.Errorf("write checksum of keyring: %w", err)
	}
	return nil
}

// compareKeyring says once whether the keys are those that were written last, and
// then takes them for what is meant: an edit by hand looks like damage.
func compareKeyring(path string, keys [][]byte, logger hclog.Logger) {
	switch durable.CompareSum(path, keyringContent(keys)) {
	case durable.SumFits:
		return
	case durable.SumAbsent:
		logger.Info("no checksum beside the keyring file yet: made one", "file", path)
	default:
		logger.Warn("keyring file or its checksum was changed since this agent wrote it: using the keys as they are now. If nobody edited it, it is damaged: restore it from another agent of this datacenter",
			"file", path, "checksum_file", path+durable.SumSuffix)
	}
	if err := writeKeyringSum(path, keys); err != nil {
		logger.Warn("cannot write the checksum of the keyring file", "error", err)
	}
}

// noteLostKeyring tells of a keyring that was there, as its checksum says. Without
// it gossip is plain, which is also how an operator ends encryption.
func noteLostKeyring(opts *Options) {
	if _, err := os.Lstat(opts.KeyringPath + durable.SumSuffix); err != nil {
		return
	}
	if opts.EncryptKey != nil {
		opts.Logger.Warn("keyring file is missing: making it anew with the key of encrypt, without the other keys it had", "file", opts.KeyringPath)
		return
	}
	opts.Logger.Warn("keyring file is missing, and encrypt is not set: gossip is NOT encrypted. Restore the file from another agent of this datacenter, or remove its checksum if this is meant",
		"file", opts.KeyringPath, "checksum_file", opts.KeyringPath+durable.SumSuffix)
}

// noteKeys writes the checksum of keys that have changed: serf writes the file
// itself, when a key is installed, used or removed. Pump calls it.
func (p *Pool) noteKeys() {
	if p.ring == nil || p.keyringPath == "" {
		return
	}
	keys := p.ring.GetKeys()
	if content := keyringContent(keys); !bytes.Equal(content, p.keysNoted) {
		p.keysNoted = content
		if err := writeKeyringSum(p.keyringPath, keys); err != nil {
			p.logger.Warn("cannot write the checksum of the keyring file: the next start will say that it was changed", "error", err)
		}
	}
}
