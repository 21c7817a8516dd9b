package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
)

// Read reads a whole archive to its end and copies its state to state. Until it
// returns without an error nothing of what was copied may be trusted.
func Read(r io.Reader, state io.Writer) (*Meta, error) {
	in := bufio.NewReader(r) // gzip reads not a byte more than it needs from this
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("failed to decompress snapshot: %w", err)
	}
	zip.Multistream(false)
	ar := &reader{tar: tar.NewReader(zip), state: state, sums: map[string]hash.Hash{}, want: map[string]string{}}
	if err := ar.read(); err != nil {
		return nil, fmt.Errorf("failed to read snapshot file: %w", err)
	}
	if err := end(zip, in); err != nil {
		return nil, fmt.Errorf("failed to read snapshot file: %w", err)
	}
	return ar.meta, nil
}

type reader struct {
	tar   *tar.Reader
	state io.Writer
	meta  *Meta
	bytes int64 // of the state
	sums  map[string]hash.Hash
	want  map[string]string
}

// read reads all members, and checks them when all are there.
func (r *reader) read() error {
	for {
		header, err := r.tar.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return noEOF(err)
		}
		if err := r.member(header); err != nil {
			return noEOF(err)
		}
	}
	return r.check()
}

func (r *reader) member(h *tar.Header) error {
	if h.Typeflag != tar.TypeReg || h.Name != metaName && h.Name != stateName && h.Name != sumsName {
		return fmt.Errorf("unexpected file %q in snapshot", h.Name)
	}
	if r.sums[h.Name] != nil {
		return fmt.Errorf("file %q is there twice", h.Name)
	}
	sum := sha256.New()
	r.sums[h.Name] = sum
	switch h.Name {
	case metaName:
		return r.readMeta(h, sum)
	case sumsName:
		return r.readSums(h)
	}
	if h.Size > maxStateBytes {
		return tooLarge(h, maxStateBytes)
	}
	var err error
	r.bytes, err = io.Copy(io.MultiWriter(sum, r.state), r.tar)
	return err
}

func tooLarge(h *tar.Header, most int64) error {
	return fmt.Errorf("file %q is too large: %d bytes, at most %d are allowed", h.Name, h.Size, most)
}

// small reads a member that is held in memory.
func (r *reader) small(h *tar.Header, most int64) ([]byte, error) {
	if h.Size > most {
		return nil, tooLarge(h, most)
	}
	return io.ReadAll(io.LimitReader(r.tar, most))
}

func (r *reader) readMeta(h *tar.Header, sum hash.Hash) error {
	text, err := r.small(h, maxMetaBytes)
	if err != nil {
		return err
	}
	sum.Write(text)
	r.meta = new(Meta)
	if err := json.Unmarshal(text, r.meta); err != nil {
		return fmt.Errorf("decode %s: %w", metaName, err)
	}
	return nil
}

// readSums reads lines of a checksum, two spaces and a name.
func (r *reader) readSums(h *tar.Header) error {
	text, err := r.small(h, maxSumsBytes)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "  ")
		if !ok {
			return fmt.Errorf("decode %s: bad line %q", sumsName, line)
		}
		if name != metaName && name != stateName {
			return fmt.Errorf("list of hashes has unexpected file %q", name)
		}
		r.want[name] = sum
	}
	return nil
}

func (r *reader) check() error {
	for _, name := range []string{metaName, stateName, sumsName} {
		if r.sums[name] == nil {
			return fmt.Errorf("file %q is missing", name)
		}
	}
	for _, name := range []string{metaName, stateName} {
		want, listed := r.want[name]
		if !listed {
			return fmt.Errorf("list of hashes is missing file %q", name)
		}
		if got := hex.EncodeToString(r.sums[name].Sum(nil)); !strings.EqualFold(got, want) {
			return fmt.Errorf("failed checking integrity of snapshot: hash check failed for %q", name)
		}
	}
	if r.meta.Size != r.bytes {
		return fmt.Errorf("file %q has %d bytes, %s says %d", stateName, r.bytes, metaName, r.meta.Size)
	}
	return nil
}

// maxPadding is what writers of tar files fill up their last block with, at most.
const maxPadding = 1 << 20

// end sees to it that only padding follows, and that gzip's own checksum is right.
func end(zip io.Reader, in *bufio.Reader) error {
	rest, err := io.ReadAll(io.LimitReader(zip, maxPadding+1))
	if err != nil {
		return noEOF(err)
	}
	if len(rest) > maxPadding || len(bytes.Trim(rest, "\x00")) > 0 {
		return errors.New("there is data after the last file")
	}
	if _, err := in.ReadByte(); err == nil {
		return errors.New("there is data after the compressed part")
	} else if err != io.EOF {
		return err
	}
	return nil
}

// noEOF keeps a cut archive from looking like a whole one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ReadMeta reads a meta.json by itself, as it lies in a raft folder.
func ReadMeta(path string) (*Meta, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	meta := new(Meta)
	if err := json.NewDecoder(io.LimitReader(file, maxMetaBytes)).Decode(meta); err != nil {
		return nil, fmt.Errorf("decode %s: %w", path, err)
	}
	return meta, nil
}
