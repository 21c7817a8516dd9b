package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"praetor/internal/regular"
)

// Recipients are those who can read encrypted backups.
type Recipients []age.Recipient

// ParseRecipients reads public keys, as `age-keygen` prints them.
func ParseRecipients(keys []string) (Recipients, error) {
	var list Recipients
	for _, key := range keys {
		if strings.HasPrefix(strings.ToUpper(key), "AGE-SECRET-KEY-") {
			return nil, errors.New("a public key (age1…) is wanted, and this is a private one (AGE-SECRET-KEY-…): keep that off the servers")
		}
		one, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil || len(one) != 1 || strings.Contains(key, "\n") {
			return nil, fmt.Errorf("%q is no public key: one begins with age1; age-keygen makes one and its private one", key)
		}
		list = append(list, one[0])
	}
	return list, nil
}

// encrypt returns what writes to w for the recipients only; without any, as it is.
func (r Recipients) encrypt(w io.Writer) (io.WriteCloser, error) {
	if len(r) == 0 {
		return plain{w}, nil
	}
	return age.Encrypt(w, r...)
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// ErrNoIdentity is what Decrypt says of an encrypted archive without a file of keys.
var ErrNoIdentity = errors.New("it is encrypted: name the file with the private key by -identity=FILE")

// intro begins every file of age's.
const intro = "age-encryption.org/v1\n"

// maxIdentityFile bounds a file of private keys: one takes less than a hundred bytes.
const maxIdentityFile = 1 << 20

// Decrypt returns what r holds: as it is, unless it is encrypted; then it takes the
// private keys of a file.
func Decrypt(r io.Reader, identityFile string) (io.Reader, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(len(intro)); string(head) != intro { // shorter ones fail where they are read
		return in, nil
	}
	if identityFile == "" {
		return nil, ErrNoIdentity
	}
	file, err := regular.Open(identityFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	identities, err := age.ParseIdentities(io.LimitReader(file, maxIdentityFile))
	if err != nil {
		// The library's error may quote a line.
		return nil, fmt.Errorf("%s holds no private keys: lines that begin with AGE-SECRET-KEY-1, as age-keygen writes them", identityFile)
	}
	out, err := age.Decrypt(in, identities...)
	if wrong := (*age.NoIdentityMatchError)(nil); errors.As(err, &wrong) {
		return nil, fmt.Errorf("it is encrypted for another key than those of %s", identityFile)
	}
	return out, err
}
