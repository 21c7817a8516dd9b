package fakes3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Store is one bucket, reached by its name in the path.
type Store struct {
	Bucket, ID, Secret string
	Page               int // keys on a page of a list
	// Now is what signatures must be close to; nil for the system's.
	Now func() time.Time

	mu      sync.Mutex
	objects map[string][]byte
	// damage spoils the next objects that are kept.
	damage int
	refuse string
}

// New returns an empty bucket.
func New(bucket, id, secret string) *Store {
	return &Store{Bucket: bucket, ID: id, Secret: secret, Page: 1000, objects: map[string][]byte{}}
}

// Keys lists what is there.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Object returns what a key holds, nil if there is none.
func (s *Store) Object(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.objects[key])
}

// Set puts an object there.
func (s *Store) Set(key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = content
}

// Damage has the next n objects changed as they are kept.
func (s *Store) Damage(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damage = n
}

// Refuse has every request answered with 503 and a code, "" for none.
func (s *Store) Refuse(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = code
}

// ServeHTTP implements http.Handler.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if code := s.Check(r, content); code != "" {
		answer(w, http.StatusForbidden, code)
		return
	}
	key, ok := strings.CutPrefix(r.URL.Path, "/"+s.Bucket+"/")
	if !ok {
		answer(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != "" {
		answer(w, http.StatusServiceUnavailable, s.refuse)
		return
	}
	object, there := s.objects[key]
	switch {
	case r.Method == http.MethodPut:
		if s.damage > 0 && len(content) > 0 {
			s.damage--
			content[len(content)/2] ^= 1
		}
		s.objects[key] = content
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case key == "":
		s.list(w, r.URL.Query())
	case !there:
		answer(w, http.StatusNotFound, "NoSuchKey")
	default:
		_, _ = w.Write(object) // whose reader has gone has no use for it
	}
}

func answer(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<?xml version=\"1.0\"?>\n<Error><Code>"+code+"</Code><Message>the fake says so</Message></Error>")
}

// list answers a list of version 2; its tokens are the last key given.
func (s *Store) list(w http.ResponseWriter, q url.Values) {
	type key struct{ Key string }
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []key
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
	}
	for _, k := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(k, q.Get("prefix")) || k <= q.Get("continuation-token") {
			continue
		}
		if len(page.Contents) == s.Page {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[s.Page-1].Key
			break
		}
		page.Contents = append(page.Contents, key{k})
	}
	_ = xml.NewEncoder(w).Encode(page)
}

// Check says what is wrong with a request, by AWS' codes; "" if nothing is.
func (s *Store) Check(r *http.Request, content []byte) (code string) {
	fields, err := authorization(r.Header.Get("Authorization"))
	if err != nil {
		return "AccessDenied"
	}
	scope := strings.SplitN(fields["Credential"], "/", 2)
	if scope[0] != s.ID || len(scope) != 2 {
		return "InvalidAccessKeyId"
	}
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	if err != nil || at.Sub(now).Abs() > 15*time.Minute {
		return "RequestTimeTooSkewed"
	}
	sum := sha256.Sum256(content)
	if r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) {
		return "XAmzContentSHA256Mismatch"
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(names, lower) {
			return "AccessDenied"
		}
	}
	if !slices.Contains(names, "host") || s.signature(r, names, stamp, scope[1], hex.EncodeToString(sum[:])) != fields["Signature"] {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func authorization(header string) (map[string]string, error) {
	method, rest, _ := strings.Cut(header, " ")
	fields := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, errors.New("no field")
		}
		fields[name] = value
	}
	if method != "AWS4-HMAC-SHA256" {
		return nil, errors.New("another method")
	}
	return fields, nil
}

func (s *Store) signature(r *http.Request, names []string, stamp, scope, sum string) string {
	// AWS signs the key as it is escaped by its own rule, however the request had it.
	path := strings.ReplaceAll(escaped(r.URL.Path), "%2F", "/")
	text := r.Method + "\n" + path + "\n" + sorted(r.URL.Query()) + "\n"
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length": // net/http takes it out of the header
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		text += name + ":" + strings.TrimSpace(value) + "\n"
	}
	text += "\n" + strings.Join(names, ";") + "\n" + sum
	request := sha256.Sum256([]byte(text))
	key := "AWS4" + s.Secret
	for _, part := range strings.Split(scope, "/") {
		key = keyed(key, part)
	}
	return hex.EncodeToString([]byte(keyed(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(request[:]))))
}

func keyed(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return string(h.Sum(nil))
}

// escaped has all but letters, digits and -._~ escaped.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func sorted(q url.Values) string {
	var list []string
	for name, values := range q {
		for _, v := range values {
			list = append(list, escaped(name)+"="+escaped(v))
		}
	}
	sort.Strings(list)
	return strings.Join(list, "&")
}
