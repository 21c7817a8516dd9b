package fakes3_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/fakes3"
)

// request is a signed request to a bucket, whose parts may be spoiled before and after.
func request(t *testing.T, web, method, path, query, body string, before, after func(r *http.Request)) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, web+path+"?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	r.Header.Set("X-Amz-Date", "20260102T030405Z")
	if before != nil {
		before(r)
	}
	const scope = "20260102/eu-1/s3/aws4_request"
	text := method + "\n" + r.URL.EscapedPath() + "\n" + query + "\nhost:" + r.Host + "\nx-amz-content-sha256:" + r.Header.Get("X-Amz-Content-Sha256") +
		"\nx-amz-date:" + r.Header.Get("X-Amz-Date") + "\n\nhost;x-amz-content-sha256;x-amz-date\n" + r.Header.Get("X-Amz-Content-Sha256")
	of := sha256.Sum256([]byte(text))
	key := []byte("AWS4secret")
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+r.Header.Get("X-Amz-Date")+"\n"+scope+"\n"+hex.EncodeToString(of[:])) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/"+scope+",SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature="+hex.EncodeToString(key))
	if after != nil {
		after(r)
	}
	return r
}

func open(t *testing.T) (*fakes3.Store, *httptest.Server) {
	t.Helper()
	store := fakes3.New("backups", "AKIA", "secret")
	store.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	web := httptest.NewServer(store)
	t.Cleanup(web.Close)
	return store, web
}

func do(t *testing.T, r *http.Request) (status int, text string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestObjectsArePutReadListedAndDeleted(t *testing.T) {
	store, web := open(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
		keys               []string
	}{
		{"GET", "/backups/a", "", 404, "NoSuchKey", nil},
		{"PUT", "/backups/a", "one", 200, "", []string{"a"}},
		{"GET", "/backups/a", "", 200, "one", []string{"a"}},
		{"PUT", "/backups/dir/b%20c", "two", 200, "", []string{"a", "dir/b c"}},
		{"GET", "/backups/dir/b%20c", "", 200, "two", []string{"a", "dir/b c"}},
		{"PUT", "/backups/a", "", 200, "", []string{"a", "dir/b c"}},
		{"GET", "/backups/a", "", 200, "", []string{"a", "dir/b c"}},
		{"DELETE", "/backups/a", "", 204, "", []string{"dir/b c"}},
		{"DELETE", "/backups/a", "", 204, "", []string{"dir/b c"}},
		{"GET", "/other/a", "", 404, "NoSuchBucket", []string{"dir/b c"}},
		{"PUT", "/a", "x", 404, "NoSuchBucket", []string{"dir/b c"}},
	} {
		status, text := do(t, request(t, web.URL, c.method, c.path, "", c.body, nil, nil))
		if status != c.status || c.status == 200 && text != c.text || c.status >= 400 && !strings.Contains(text, "<Code>"+c.text+"</Code>") {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, status, text, c.status, c.text)
		}
		if got := store.Keys(); !slices.Equal(got, c.keys) {
			t.Errorf("after %s %s there are %q, want %q", c.method, c.path, got, c.keys)
		}
	}
	store.Set("x", []byte("set"))
	if got := store.Object("x"); string(got) != "set" || store.Object("nope") != nil {
		t.Errorf("%q", got)
	}
}

// TestRequestsThatAreNotRightChangeNothing, and get AWS' own codes.
func TestRequestsThatAreNotRightChangeNothing(t *testing.T) {
	store, web := open(t)
	set := func(header, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(header, value) }
	}
	replace := func(old, with string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
		}
	}
	for name, c := range map[string]struct {
		before, after func(*http.Request)
		code          string
	}{
		"unsigned":              {nil, func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied"},
		"another method":        {nil, replace("AWS4-HMAC-SHA256", "AWS2"), "AccessDenied"},
		"a field that is none":  {nil, replace("SignedHeaders=", "SignedHeaders"), "AccessDenied"},
		"another key":           {nil, replace("AKIA", "AKIB"), "InvalidAccessKeyId"},
		"no scope":              {nil, replace("AKIA/20260102/eu-1/s3/aws4_request", "AKIA"), "InvalidAccessKeyId"},
		"another region":        {nil, replace("eu-1", "eu-2"), "SignatureDoesNotMatch"},
		"a bad signature":       {nil, replace("Signature=", "Signature=0"), "SignatureDoesNotMatch"},
		"a host unsigned":       {nil, replace("SignedHeaders=host;", "SignedHeaders="), "SignatureDoesNotMatch"},
		"a header unsigned":     {nil, set("X-Amz-Storage-Class", "GLACIER"), "AccessDenied"},
		"another path":          {nil, func(r *http.Request) { r.URL.Path = "/backups/b" }, "SignatureDoesNotMatch"},
		"another query":         {nil, func(r *http.Request) { r.URL.RawQuery = "acl=" }, "SignatureDoesNotMatch"},
		"another verb":          {nil, func(r *http.Request) { r.Method = "POST" }, "SignatureDoesNotMatch"},
		"another sum":           {set("X-Amz-Content-Sha256", strings.Repeat("0", 64)), nil, "XAmzContentSHA256Mismatch"},
		"no time":               {set("X-Amz-Date", ""), nil, "RequestTimeTooSkewed"},
		"no such time":          {set("X-Amz-Date", "yesterday"), nil, "RequestTimeTooSkewed"},
		"16 minutes late":       {set("X-Amz-Date", "20260102T032005Z"), nil, "RequestTimeTooSkewed"},
		"16 minutes early":      {set("X-Amz-Date", "20260102T024804Z"), nil, "RequestTimeTooSkewed"},
		"15 minutes late":       {set("X-Amz-Date", "20260102T031905Z"), nil, ""},
		"nothing wrong with it": {nil, nil, ""},
	} {
		store.Set("a", []byte("before"))
		status, text := do(t, request(t, web.URL, "PUT", "/backups/a", "", "after", c.before, c.after))
		want, kept := http.StatusForbidden, "before"
		if c.code == "" {
			want, kept = http.StatusOK, "after"
		}
		if status != want || c.code != "" && !strings.Contains(text, "<Code>"+c.code+"</Code>") {
			t.Errorf("%s: %d %s, want %d %s", name, status, text, want, c.code)
		}
		if got := string(store.Object("a")); got != kept {
			t.Errorf("%s: it holds %q", name, got)
		}
	}
}

func TestListsComeInPages(t *testing.T) {
	store, web := open(t)
	store.Page = 3
	for i := range 7 {
		store.Set(fmt.Sprintf("p/%d", i), nil)
	}
	store.Set("q/1", nil)
	var pages [][]string
	for token := ""; ; {
		query := "list-type=2&prefix=p%2F"
		if token != "" {
			query = "continuation-token=" + strings.ReplaceAll(token, "/", "%2F") + "&" + query
		}
		status, text := do(t, request(t, web.URL, "GET", "/backups/", query, "", nil, nil))
		var page struct {
			Contents              []struct{ Key string }
			IsTruncated           bool
			NextContinuationToken string
		}
		if err := xml.Unmarshal([]byte(text), &page); err != nil || status != 200 {
			t.Fatalf("%d %s, %v", status, text, err)
		}
		var keys []string
		for _, k := range page.Contents {
			keys = append(keys, k.Key)
		}
		pages = append(pages, keys)
		if token = page.NextContinuationToken; !page.IsTruncated {
			break
		}
	}
	if got := fmt.Sprint(pages); got != "[[p/0 p/1 p/2] [p/3 p/4 p/5] [p/6]]" {
		t.Errorf("pages: %s", got)
	}
}

func TestFaultsOnOrder(t *testing.T) {
	store, web := open(t)
	put := func() (int, string) {
		return do(t, request(t, web.URL, "PUT", "/backups/a", "", "hello", nil, nil))
	}
	store.Refuse("SlowDown")
	if status, text := put(); status != 503 || !strings.Contains(text, "<Code>SlowDown</Code>") || len(store.Keys()) != 0 {
		t.Errorf("refused: %d %s", status, text)
	}
	store.Refuse("")
	store.Damage(1)
	if status, _ := put(); status != 200 || string(store.Object("a")) == "hello" || len(store.Object("a")) != 5 {
		t.Errorf("damaged: %d, %q", status, store.Object("a"))
	}
	if status, _ := put(); status != 200 || string(store.Object("a")) != "hello" {
		t.Errorf("after that: %d, %q", status, store.Object("a"))
	}
}
