package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/backup"
	"praetor/internal/fakes3"
)

// fixed is a Store with a list of its own, whose Remove fails for one name.
type fixed struct {
	names   []string
	keeps   string // cannot be removed
	fails   error  // of List
	removed []string
}

func (f *fixed) String() string { return "the place" }

func (f *fixed) List(context.Context, string) ([]string, error) { return f.names, f.fails }

func (f *fixed) Put(_ context.Context, name string, fill func(io.Writer) error) error {
	f.names = append(f.names, name)
	return fill(io.Discard)
}

func (f *fixed) Remove(_ context.Context, name string) error {
	if name == f.keeps {
		return errors.New("access denied")
	}
	f.removed = append(f.removed, name)
	return nil
}

func TestABackupThatWasTakenSaysWhyOlderOnesAreStillThere(t *testing.T) {
	for name, c := range map[string]struct {
		store   fixed
		removed []string
		left    string
	}{
		"all go, the oldest first":  {fixed{names: []string{"consul-30.snap", "consul-4.snap", "consul-5.snap"}}, []string{"consul-4.snap", "consul-5.snap"}, ""},
		"the second cannot":         {fixed{names: []string{"consul-4.snap", "consul-5.snap", "consul-6.snap", "consul-7.snap"}, keeps: "consul-5.snap"}, []string{"consul-4.snap"}, "remove consul-5.snap from the place: access denied"},
		"the store cannot be asked": {fixed{fails: errors.New("no right to list")}, nil, "list the backups in the place: no right to list"},
		"a time that cannot be":     {fixed{names: []string{"consul-9999999999999999999.snap", "consul-4.snap"}}, nil, ""},
	} {
		j := job(t, backup.Target{LocalPath: t.TempDir()}, "whole.")
		j.Store = &c.store
		saved, err := j.Run(t.Context())
		if err != nil {
			t.Errorf("%s: the backup is there, and yet: %v", name, err)
			continue
		}
		left := ""
		if saved.Left != nil {
			left = saved.Left.Error()
		}
		if left != c.left || saved.Removed != len(c.removed) || !slices.Equal(c.store.removed, c.removed) {
			t.Errorf("%s: removed %q (%d), left %q; want %q, %q", name, c.store.removed, saved.Removed, left, c.removed, c.left)
		}
	}
}

func TestBackupsOfOneNameAreNeitherRemovedNorRenamed(t *testing.T) {
	j := job(t, backup.Target{LocalPath: t.TempDir()}, "whole.")
	store := &fixed{names: []string{"consul-1.snap", "consul-2.snap", "consul-3.snap"}}
	recipients, err := backup.ParseRecipients([]string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"})
	if err != nil {
		t.Fatal(err)
	}
	j.Store, j.Static, j.Retain, j.Recipients = store, "state", 1, recipients
	if saved, err := j.Run(t.Context()); err != nil || saved.Name != "state" || saved.Left != nil || len(store.removed) != 0 {
		t.Errorf("%+v, %v; removed %q", saved, err, store.removed)
	}
}

func TestTheNewestBackupIsToldFromNone(t *testing.T) {
	for name, c := range map[string]struct {
		store      fixed
		want, says string
	}{
		"none":           {fixed{names: []string{"consul-x.snap"}}, "", ""},
		"by time":        {fixed{names: []string{"consul-100.snap", "consul-20.snap.age"}}, "consul-100.snap", ""},
		"nobody knows":   {fixed{fails: errors.New("no right to list")}, "", "list the backups in the place: no right to list"},
		"a later prefix": {fixed{names: []string{"consul-7.snap", "consul-eu-9.snap"}}, "consul-7.snap", ""},
	} {
		j := &backup.Job{Store: &c.store, Prefix: "consul"}
		newest, err := j.Newest(t.Context())
		got := ""
		if newest != nil {
			got = newest.Name
		}
		if got != c.want || c.says == "" && err != nil || c.says != "" && (err == nil || err.Error() != c.says) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, c.want, c.says)
		}
	}
}

// TestAFolderThatDamagesIsFoundOut spoils the file between what is written and what is
// read back: as soon as the archive has ended.
func TestAFolderThatDamagesIsFoundOut(t *testing.T) {
	dir := t.TempDir()
	j := job(t, backup.Target{LocalPath: dir}, "")
	spoil := ending(func() error {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("%q, %v", files, err)
		}
		f, err := os.OpenFile(files[0], os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("x"), 1<<20)
		return errors.Join(err, f.Close(), io.EOF)
	})
	j.Save = reader(io.MultiReader(strings.NewReader("whole."), spoil))
	_, err := j.Run(t.Context())
	if want := "keep the backup in " + dir + ": what was read back is not what was written"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// ending is a reader that does something and then ends.
type ending func() error

func (e ending) Read([]byte) (int, error) { return 0, unjoined(e()) }

// unjoined has the end of a file compare equal, as readers want it.
func unjoined(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}

func TestHalvesOfKilledBackupsGoAfterADay(t *testing.T) {
	dir := t.TempDir()
	old, young := time.Now().Add(-25*time.Hour), time.Now().Add(-23*time.Hour)
	for name, at := range map[string]time.Time{
		"consul-1.snap.unverified": old, "consul-1.snap.unverified.tmp123": old, "consul-2.snap.age.unverified": old,
		"consul-3.snap.unverified": young, "consul-4.snap": old, "notes.unverified": old,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(dir, "consul-5.snap.unverified")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chtimes(folder, old, old)); err != nil {
		t.Fatal(err)
	}
	saved, err := job(t, backup.Target{LocalPath: dir}, "whole.").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := []string{saved.Name, "consul-3.snap.unverified", "consul-4.snap", "consul-5.snap.unverified", "notes.unverified"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestAFolderOfBackupsIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "backups")
	saved, err := job(t, backup.Target{LocalPath: dir}, "whole.").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, saved.Name): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %o", path, info.Mode(), err, want)
		}
	}
}

func TestAPathThatIsNoFolderIsToldWithItsName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := job(t, backup.Target{LocalPath: file}, "whole.")
	if _, err := j.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "keep the backup in "+file+": ") {
		t.Errorf("kept there: %v", err)
	}
	if _, err := j.Newest(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "list the backups in "+file+": ") {
		t.Errorf("listed there: %v", err)
	}
	// A folder that bears the name of a backup is none.
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "consul-1.snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	if newest, err := job(t, backup.Target{LocalPath: dir}, "").Newest(t.Context()); newest != nil || err != nil {
		t.Errorf("%+v, %v", newest, err)
	}
}

// TestBucketsAreAskedWhereTheirStoreAnswers: AWS is asked by the
// bucket's name, unless no certificate covers it or its user wants otherwise.
func TestBucketsAreAskedWhereTheirStoreAnswers(t *testing.T) {
	for _, c := range []struct {
		s3   backup.S3
		want string
	}{
		{backup.S3{Bucket: "b", Region: "eu-west-1"}, "https://b.s3.eu-west-1.amazonaws.com/"},
		{backup.S3{Bucket: "b", Region: "eu-west-1", PathStyle: true}, "https://s3.eu-west-1.amazonaws.com/b/"},
		{backup.S3{Bucket: "my.bucket", Region: "eu-west-1"}, "https://s3.eu-west-1.amazonaws.com/my.bucket/"},
		{backup.S3{Bucket: "b", Region: "r", Endpoint: "http://10.0.0.1:9000/"}, "http://10.0.0.1:9000/b/"},
	} {
		c.s3.AccessKeyID, c.s3.SecretAccessKey = "id", "hush"
		if got, err := backup.Base(c.s3); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v; want %q", c.s3, got, err, c.want)
		}
	}
}

// TestRequestsCarryWhatTheStoreAsksFor has a store that checks signatures, and looks at
// what came besides.
func TestRequestsCarryWhatTheStoreAsksFor(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", exampleID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", exampleSecret)
	t.Setenv("AWS_SESSION_TOKEN", "of an hour")
	s3 := fakes3.New("b", exampleID, exampleSecret)
	var put http.Header
	var uri string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			put, uri = r.Header.Clone(), r.RequestURI
		}
		s3.ServeHTTP(w, r)
	}))
	defer web.Close()
	target := backup.Target{S3: backup.S3{Bucket: "b", Region: "r", KeyPrefix: "a+b (c)/", Endpoint: web.URL, Encryption: "aws:kms", KMSKey: "key 7"}}
	saved, err := job(t, target, "whole.").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "/b/a%2Bb%20%28c%29/" + saved.Name; uri != want { // as it is signed, or AWS refuses it
		t.Errorf("kept at %s, want %s", uri, want)
	}
	for name, want := range map[string]string{
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key 7",
		"X-Amz-Security-Token": "of an hour", "Content-Type": "application/octet-stream", "Content-Length": "6",
	} {
		if got := put.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// Settings go before the environment, whole: a key of one with a secret of the
	// other is no key.
	target.S3.AccessKeyID = "other"
	if _, err := backup.Open(target); err == nil || !strings.Contains(err.Error(), "access key or its secret is missing") {
		t.Errorf("half a key: %v", err)
	}
	target.S3.SecretAccessKey = "secret"
	if _, err := job(t, target, "whole.").Run(t.Context()); err == nil || !strings.Contains(err.Error(), "InvalidAccessKeyId") {
		t.Errorf("the setting's key: %v", err)
	}
	if put.Get("X-Amz-Security-Token") != "" || put.Get("Authorization") == "" {
		t.Error("the environment's token goes with a key that is not the environment's")
	}
}

// TestAnswersOfStoresAreToldInTheirWords has what goes wrong most: the wrong region, a
// key that may only write, a proxy that answers instead.
func TestAnswersOfStoresAreToldInTheirWords(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request signed for one host is sent to another: %s %s", r.Method, r.URL)
	}))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"another region": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", "us-east-2")
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
			fmt.Fprint(w, "<Error><Code>TemporaryRedirect</Code><Message>go there</Message></Error>")
		}, `PUT is answered 307 Temporary Redirect: TemporaryRedirect: go there (the bucket is in region "us-east-2")`},
		"write only": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<Error><Code>AccessDenied</Code><Message>no GetObject</Message></Error>")
			}
		}, "read it back: GET is answered 403 Forbidden: AccessDenied: no GetObject"},
		"a proxy": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>an answer that is long and of nobody's concern")
		}, "PUT is answered 502 Bad Gateway"},
		"a message without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, "<Error><Code>C</Code><Message>"+strings.Repeat("m", 600)+"</Message></Error>")
		}, "PUT is answered 409 Conflict: C: " + strings.Repeat("m", 500)},
	} {
		web := httptest.NewServer(c.answer)
		target := backup.Target{S3: backup.S3{Bucket: "b", Region: "r", Endpoint: web.URL, AccessKeyID: "id", SecretAccessKey: "hush"}}
		_, err := job(t, target, "whole.").Run(t.Context())
		if want := "keep the backup in s3://b/: " + c.want; err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", name, err, want)
		}
		web.Close()
	}
}

func TestListsOfBucketsAreBounded(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"no list":     {"<html>", "list the backups in s3://b/: the list is none: "},
		"no end":      {"<ListBucketResult>" + strings.Repeat(" ", 8<<20), "list the backups in s3://b/: a page of the list is longer than 8388608 bytes"},
		"always more": {"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>", "list the backups in s3://b/: there are more than 1000000 keys that begin with consul-"},
	} {
		asked := 0
		store, err := backup.OpenWith(backup.S3{Bucket: "b", Region: "r", AccessKeyID: "id", SecretAccessKey: "hush"}, func(*http.Request) string {
			asked++
			return c.answer
		})
		if err != nil {
			t.Fatal(err)
		}
		j := &backup.Job{Store: store, Prefix: "consul"}
		if newest, err := j.Newest(t.Context()); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want %q", name, newest, err, c.want)
		}
		if asked > 1000 {
			t.Errorf("%s: asked %d times", name, asked)
		}
	}
}
