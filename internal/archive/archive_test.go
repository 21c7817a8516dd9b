package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"praetor/internal/archive"
)

const state = "some state"

func whole(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	err := archive.Write(&out, &archive.Meta{Version: 1, ID: "2-7-1", Index: 7, Term: 2, Size: int64(len(state))}, func(w io.Writer) error {
		_, err := io.WriteString(w, state)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pack makes an archive of files, name and content in turn.
func pack(files ...string) []byte {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for i := 0; i < len(files); i += 2 {
		w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o600, Size: int64(len(files[i+1]))})
		io.WriteString(w, files[i+1])
	}
	w.Close()
	zip.Close()
	return out.Bytes()
}

func sums(meta, state string) string {
	return fmt.Sprintf("%x  state.bin\n%x  meta.json\n", sha256.Sum256([]byte(state)), sha256.Sum256([]byte(meta)))
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	var got bytes.Buffer
	meta, err := archive.Read(bytes.NewReader(whole(t)), &got)
	if err != nil || got.String() != state || meta.Index != 7 || meta.ID != "2-7-1" || meta.Version != 1 {
		t.Fatalf("%+v, %q, %v", meta, got.String(), err)
	}
}

func TestAStateOfAnotherSizeThanAnnouncedIsNotWritten(t *testing.T) {
	for _, size := range []int64{int64(len(state)) - 1, int64(len(state)) + 1} {
		err := archive.Write(io.Discard, &archive.Meta{Size: size}, func(w io.Writer) error {
			_, err := io.WriteString(w, state)
			return err
		})
		if err == nil {
			t.Errorf("%d bytes announced, %d written: no error", size, len(state))
		}
	}
}

func TestEveryCutAndEveryFlippedByteIsFound(t *testing.T) {
	good := whole(t)
	refused := func(what string, at int, b []byte) {
		var got bytes.Buffer
		if _, err := archive.Read(bytes.NewReader(b), &got); err == nil && got.String() != state {
			t.Fatalf("%s at %d: read as %q", what, at, got.String())
		} else if err == nil && what != "flipped" { // gzip's header has bytes that mean nothing
			t.Fatalf("%s at %d: accepted", what, at)
		}
	}
	for at := range good {
		refused("cut", at, good[:at])
		flipped := bytes.Clone(good)
		flipped[at] ^= 0x41
		refused("flipped", at, flipped)
	}
	refused("more", len(good), append(bytes.Clone(good), 0))
	refused("twice", len(good), append(bytes.Clone(good), good...))
}

func TestArchivesThatDoNotFitAreRefusedWithTheReason(t *testing.T) {
	const meta = `{"Version":1,"Index":7,"Size":10}`
	good := sums(meta, state)
	tests := []struct {
		name, want string
		archive    []byte
	}{
		{"nothing", "failed to decompress snapshot: EOF", nil},
		{"short garbage", "failed to decompress snapshot: unexpected EOF", []byte("garbage")},
		{"garbage", "failed to decompress snapshot: gzip: invalid header", []byte("this is no snapshot")},
		{"no member", `failed to read snapshot file: file "meta.json" is missing`, pack()},
		{"a foreign member", `failed to read snapshot file: unexpected file "x" in snapshot`, pack("x", "y")},
		{"no state", `failed to read snapshot file: file "state.bin" is missing`, pack("meta.json", meta, "SHA256SUMS", good)},
		{"two states", `failed to read snapshot file: file "state.bin" is there twice`, pack("state.bin", state, "state.bin", state)},
		{"no sums", `failed to read snapshot file: file "SHA256SUMS" is missing`, pack("meta.json", meta, "state.bin", state)},
		{"bad meta", `failed to read snapshot file: decode meta.json: unexpected end of JSON input`, pack("meta.json", "")},
		{"other state", `failed to read snapshot file: failed checking integrity of snapshot: hash check failed for "state.bin"`,
			pack("meta.json", meta, "state.bin", "some trick", "SHA256SUMS", good)},
		{"no sum of meta", `failed to read snapshot file: list of hashes is missing file "meta.json"`,
			pack("meta.json", meta, "state.bin", state, "SHA256SUMS", strings.SplitAfter(good, "\n")[0])},
		{"sum of a stranger", `failed to read snapshot file: list of hashes has unexpected file "x"`, pack("SHA256SUMS", "00  x\n")},
		{"no list", "failed to read snapshot file: decode SHA256SUMS: bad line \"x\"", pack("SHA256SUMS", "x")},
		{"other size", `failed to read snapshot file: file "state.bin" has 4 bytes, meta.json says 10`,
			pack("meta.json", meta, "state.bin", "more", "SHA256SUMS", sums(meta, "more"))},
		{"long meta", `failed to read snapshot file: file "meta.json" is too large: 1048577 bytes, at most 1048576 are allowed`,
			pack("meta.json", strings.Repeat(" ", 1<<20+1))},
	}
	for _, test := range tests {
		if _, err := archive.Read(bytes.NewReader(test.archive), io.Discard); err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.name, err, test.want)
		}
	}
}

// FuzzRead: whatever the bytes, Read ends and what it accepts has its checksums.
func FuzzRead(f *testing.F) {
	good := whole(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(pack("meta.json", "{}", "state.bin", "", "SHA256SUMS", sums("{}", "")))
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var state bytes.Buffer
		if meta, err := archive.Read(bytes.NewReader(b), &state); err == nil && meta.Size != int64(state.Len()) {
			t.Fatalf("accepted with %d bytes of state where %d were announced", state.Len(), meta.Size)
		}
	})
}
