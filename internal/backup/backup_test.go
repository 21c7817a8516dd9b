package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"praetor/internal/backup"
	"praetor/internal/fakes3"
)

const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// TestSignaturesAreThoseThatAWSPublishes has the examples of the S3 API reference,
// "Transferring Payload in a Single Chunk".
func TestSignaturesAreThoseThatAWSPublishes(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		method, path, sum, signature string
		query                        url.Values
		header                       map[string]string
	}{
		{"GET", "test.txt", empty, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", nil, map[string]string{"Range": "bytes=0-9"}},
		{"PUT", "test$file.text", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			nil, map[string]string{"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY"}},
		{"GET", "", empty, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", url.Values{"lifecycle": {""}}, nil},
		{"GET", "", empty, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", url.Values{"max-keys": {"2"}, "prefix": {"J"}}, nil},
	} {
		u := &url.URL{Scheme: "https", Host: "examplebucket.s3.amazonaws.com", Path: "/" + c.path, RawPath: backup.Escape("/"+c.path, "/"), RawQuery: backup.Query(c.query)}
		r, err := http.NewRequest(c.method, u.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		backup.Sign(r, exampleID, exampleSecret, "us-east-1", c.sum, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, ",Signature="+c.signature) {
			t.Errorf("%s %s: %s, want %s", c.method, u, got, c.signature)
		}
	}
}

// place is a Store with a way to look into it.
type place struct {
	target backup.Target
	names  func() []string
	read   func(name string) []byte
	put    func(name string)
}

func places(t *testing.T) (map[string]place, *fakes3.Store) {
	dir := filepath.Join(t.TempDir(), "made", "by need")
	s3 := fakes3.New("my-bucket", exampleID, exampleSecret)
	s3.Page = 2
	web := httptest.NewServer(s3)
	t.Cleanup(web.Close)
	return map[string]place{
		"folder": {backup.Target{LocalPath: dir}, func() (names []string) {
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return names
		}, func(name string) []byte { b, _ := os.ReadFile(filepath.Join(dir, name)); return b },
			func(name string) {
				if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}},
		"s3": {backup.Target{S3: backup.S3{Bucket: "my-bucket", Region: "eu-west-1", KeyPrefix: "a b+c/d", Endpoint: web.URL, AccessKeyID: exampleID, SecretAccessKey: exampleSecret}}, func() (names []string) {
			for _, key := range s3.Keys() {
				names = append(names, strings.TrimPrefix(key, "a b+c/d/"))
			}
			return names
		}, func(name string) []byte { return s3.Object("a b+c/d/" + name) },
			func(name string) { s3.Set("a b+c/d/"+name, []byte("x")) }},
	}, s3
}

// endsWell is an archive for these tests: one that ends with a full stop.
func endsWell(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err == nil && !bytes.HasSuffix(b, []byte(".")) {
		err = errors.New("no full stop")
	}
	return err
}

func job(t *testing.T, target backup.Target, content string) *backup.Job {
	t.Helper()
	store, err := backup.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	return &backup.Job{
		Store: store, Prefix: "consul", Retain: 2, Verify: endsWell,
		Save: func(context.Context) (io.ReadCloser, uint64, error) {
			return io.NopCloser(strings.NewReader(content)), 7, nil
		},
	}
}

func TestTheNewestAreKeptAndNothingElseIsTouched(t *testing.T) {
	all, _ := places(t)
	others := []string{"consul-1.snap.txt", "consul-x.snap", "consul-dc2-1.snap", "other-1.snap"}
	for name, p := range all {
		for _, other := range append([]string{"consul-3.snap", "consul-20.snap.age", "consul-100.snap"}, others...) {
			p.put(other)
		}
		j := job(t, p.target, "whole.")
		newest, err := j.Newest(t.Context())
		if err != nil || newest == nil || newest.Name != "consul-100.snap" {
			t.Errorf("%s: newest %+v, %v", name, newest, err)
		}
		saved, err := j.Run(t.Context())
		if err != nil || saved.Left != nil || saved.Removed != 2 || saved.Bytes != 6 || saved.Index != 7 {
			t.Fatalf("%s: %+v, %v", name, saved, err)
		}
		want := append([]string{"consul-100.snap", saved.Name}, others...)
		slices.Sort(want)
		if got := p.names(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if got := p.read(saved.Name); string(got) != "whole." {
			t.Errorf("%s: kept %q", name, got)
		}
		j.Retain = 0
		if saved, err = j.Run(t.Context()); err != nil || saved.Removed != 0 {
			t.Errorf("%s, without a bound: %+v, %v", name, saved, err)
		}
		j.Static = "state.snap"
		for range 2 {
			if saved, err = j.Run(t.Context()); err != nil || saved.Name != "state.snap" || string(p.read("state.snap")) != "whole." {
				t.Errorf("%s, one name: %+v, %v", name, saved, err)
			}
		}
	}
}

func TestABackupThatFailsLeavesTheOthersAndNoHalf(t *testing.T) {
	all, _ := places(t)
	broken := errors.New("the connection broke")
	ended, end := context.WithCancel(t.Context())
	end()
	for name, p := range all {
		p.put("consul-1.snap")
		p.put("consul-2.snap")
		p.put("consul-3.snap")
		for _, c := range []struct {
			ctx  context.Context
			save func(context.Context) (io.ReadCloser, uint64, error)
			says string
		}{
			{t.Context(), reader(strings.NewReader("half")), "not whole: no full stop"},
			{t.Context(), reader(io.MultiReader(strings.NewReader("half"), failing{broken})), "the connection broke"},
			{t.Context(), func(context.Context) (io.ReadCloser, uint64, error) { return nil, 0, broken }, "save the state: the connection broke"},
			{ended, reader(strings.NewReader("whole.")), "context canceled"},
		} {
			j := job(t, p.target, "")
			j.Save = c.save
			if saved, err := j.Run(c.ctx); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %+v, %v; want %q", name, saved, err, c.says)
			}
			if got := p.names(); !slices.Equal(got, []string{"consul-1.snap", "consul-2.snap", "consul-3.snap"}) {
				t.Errorf("%s, %s: %q", name, c.says, got)
			}
		}
	}
}

func reader(r io.Reader) func(context.Context) (io.ReadCloser, uint64, error) {
	return func(context.Context) (io.ReadCloser, uint64, error) { return io.NopCloser(r), 1, nil }
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAStoreThatDamagesOrRefusesIsFoundOut(t *testing.T) {
	all, s3 := places(t)
	target := all["s3"].target
	s3.Damage(1)
	if saved, err := job(t, target, "whole.").Run(t.Context()); err == nil || !strings.Contains(err.Error(), "what was read back is not what was written") {
		t.Errorf("damaged: %+v, %v", saved, err)
	}
	if keys := s3.Keys(); len(keys) != 0 {
		t.Errorf("the damaged one is there: %q", keys)
	}
	s3.Refuse("SlowDown")
	_, err := job(t, target, "whole.").Run(t.Context())
	if want := `keep the backup in s3://my-bucket/a b+c/d/: PUT is answered 503 Service Unavailable: SlowDown: the fake says so`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	s3.Refuse("")
	wrong := target
	wrong.S3.SecretAccessKey = "hush-hush"
	_, err = job(t, wrong, "whole.").Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "403 Forbidden: SignatureDoesNotMatch") || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), exampleID) {
		t.Errorf("a wrong key: %v", err)
	}
}

func TestEncryptedBackupsOpenWithTheirKeyOnly(t *testing.T) {
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	all, _ := places(t)
	for name, p := range all {
		j := job(t, p.target, "whole.")
		if j.Recipients, err = backup.ParseRecipients([]string{mine.Recipient().String()}); err != nil {
			t.Fatal(err)
		}
		saved, err := j.Run(t.Context())
		if err != nil || !regexp.MustCompile(`^consul-\d+\.snap\.age$`).MatchString(saved.Name) {
			t.Fatalf("%s: %+v, %v", name, saved, err)
		}
		kept := p.read(saved.Name)
		if bytes.Contains(kept, []byte("whole")) || int64(len(kept)) != saved.Bytes {
			t.Errorf("%s: %d bytes are kept, of %d, perhaps as they were", name, len(kept), saved.Bytes)
		}
		for _, c := range []struct{ file, want string }{
			{keys("mine", "# created\n"+mine.String()+"\n"), "whole."},
			{keys("other", other.String()), "it is encrypted for another key"},
			{keys("public", mine.Recipient().String()), "holds no private keys"},
			{"", "-identity=FILE"},
			{t.TempDir(), "is a folder"},
		} {
			r, err := backup.Decrypt(bytes.NewReader(kept), c.file)
			got := fmt.Sprint(err)
			if err == nil {
				text, err := io.ReadAll(r)
				got = fmt.Sprint(string(text), err)
			}
			if !strings.Contains(got, c.want) || strings.Contains(got, "SECRET-KEY-1"+"Q") {
				t.Errorf("%s, %s: %s, want %q", name, c.file, got, c.want)
			}
		}
	}
	if r, err := backup.Decrypt(strings.NewReader("age"), ""); err != nil {
		t.Error(err)
	} else if b, err := io.ReadAll(r); string(b) != "age" || err != nil {
		t.Errorf("a short file that is not encrypted: %q, %v", b, err)
	}
	for _, key := range []string{"", "age1", "ssh-ed25519 AAAA", mine.Recipient().String() + "\n" + other.Recipient().String(), mine.String()} {
		if _, err := backup.ParseRecipients([]string{key}); err == nil || strings.Contains(err.Error(), mine.String()) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestTargetsThatCannotBeAreRefused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	good := backup.S3{Bucket: "b", Region: "r", AccessKeyID: "id", SecretAccessKey: "hush-hush"}
	for _, c := range []struct {
		change func(*backup.S3)
		says   string
	}{
		{func(*backup.S3) {}, ""},
		{func(s *backup.S3) { s.Endpoint = "http://127.0.0.1:9000" }, ""},
		{func(s *backup.S3) { s.Endpoint = "https://s3.example.com/" }, ""},
		{func(s *backup.S3) { s.Bucket = "" }, "neither a folder nor a bucket"},
		{func(s *backup.S3) { s.Bucket = "b/prefix" }, `"b/prefix" is no name of a bucket`},
		{func(s *backup.S3) { s.Region = "" }, "the region of the bucket is not named"},
		{func(s *backup.S3) { s.Endpoint = "s3.example.com" }, "the endpoint is not like"},
		{func(s *backup.S3) { s.Endpoint = "https://u:hush-hush@s3.example.com" }, "the endpoint is not like"},
		{func(s *backup.S3) { s.Endpoint = "https://s3.example.com/path" }, "the endpoint is not like"},
		{func(s *backup.S3) { s.SecretAccessKey = "" }, "access key or its secret is missing"},
		{func(s *backup.S3) { s.AccessKeyID = "" }, "access key or its secret is missing"},
	} {
		s := good
		c.change(&s)
		_, err := backup.Open(backup.Target{S3: s})
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

// FuzzAnswers has stores answer anything.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`<ListBucketResult><Contents><Key>a</Key></Contents><IsTruncated>true</IsTruncated></ListBucketResult>`))
	f.Add([]byte(`<Error><Code>NoSuchKey</Code><Message>m</Message></Error>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := backup.ParsePage(bytes.NewReader(text)); err == nil && p == nil {
			t.Error("neither a page nor an error")
		}
		if code, message := backup.ParseRefusal(text); len(code)+len(message) > 1000 {
			t.Errorf("%d bytes", len(code)+len(message))
		}
	})
}
