package backup

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// S3 is a bucket of an S3-compatible store.
type S3 struct {
	Bucket    string
	Region    string
	KeyPrefix string // before the names of the backups, without the slash between
	// Endpoint is where the store answers, for others than AWS: http(s)://host[:port].
	Endpoint  string
	PathStyle bool // the bucket stands in the path, not in the host's name
	// AccessKeyID, SecretAccessKey and SessionToken are those of the environment
	// (AWS_ACCESS_KEY_ID …) if they are not set. Never log them.
	AccessKeyID, SecretAccessKey, SessionToken string
	// Encryption is what the store encrypts with: "", AES256 or aws:kms, and the
	// latter's key.
	Encryption, KMSKey string
}

// Bounds of what is asked of a store, and of its answers.
const (
	maxPut       = 5 << 30 // what S3 takes in one request
	maxListBytes = 8 << 20 // a page is of 1000 keys of at most 1024 bytes
	maxPages     = 1000
	maxErrorBody = 64 << 10
	headerWait   = 2 * time.Minute
	connectWait  = 10 * time.Second
)

// Validate says what of s cannot be.
func (s S3) Validate() error {
	if s.Region == "" {
		return errors.New("the region of the bucket is not named")
	}
	if strings.ContainsAny(s.Bucket, "/?#:@ ") {
		return fmt.Errorf("%q is no name of a bucket: the key prefix is a setting of its own", s.Bucket)
	}
	if s.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("the endpoint is not like https://host or http://host:port")
	}
	return nil
}

// bucket is a Store with an S3-compatible one.
type bucket struct {
	S3
	secret  credentials
	base    *url.URL // of the bucket
	scratch string
	client  *http.Client
}

func openS3(s S3, scratch string) (*bucket, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	b := &bucket{S3: s, scratch: scratch, secret: credentials{s.AccessKeyID, s.SecretAccessKey, s.SessionToken}}
	if b.secret.id == "" && b.secret.secret == "" {
		b.secret = credentials{os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")}
	}
	if b.secret.id == "" || b.secret.secret == "" {
		return nil, errors.New("the store's access key or its secret is missing: set both, here or as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
	}
	// A name with dots is covered by no certificate; other stores rarely have a name per bucket.
	if s.Endpoint == "" && !s.PathStyle && !strings.Contains(s.Bucket, ".") {
		b.base = &url.URL{Scheme: "https", Host: s.Bucket + ".s3." + s.Region + ".amazonaws.com", Path: "/"}
	} else {
		u, err := url.Parse(cmp.Or(s.Endpoint, "https://s3."+s.Region+".amazonaws.com"))
		if err != nil {
			return nil, err
		}
		b.base = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/" + s.Bucket + "/"}
	}
	b.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: connectWait}).DialContext,
			TLSHandshakeTimeout: connectWait, ResponseHeaderTimeout: headerWait, DisableKeepAlives: true, // hours lie between two backups
			DisableCompression: true, // the sum is of what is kept
		},
		// Elsewhere the signature does not hold.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return b, nil
}

// String implements Store.
func (b *bucket) String() string { return "s3://" + b.Bucket + "/" + b.key("") }

func (b *bucket) key(name string) string {
	if b.KeyPrefix == "" {
		return name
	}
	return strings.TrimSuffix(b.KeyPrefix, "/") + "/" + name
}

// body is what a request sends.
type body struct {
	io.Reader
	size int64
	sum  string // in hex
}

// do sends a request. An answer that is no success is an error.
func (b *bucket) do(ctx context.Context, method, key string, values url.Values, send body, header http.Header) (*http.Response, error) {
	target := *b.base
	target.Path += key
	target.RawPath = escape(target.Path, "/")
	target.RawQuery = query(values)
	r, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	if send.Reader != nil {
		r.Body, r.ContentLength = io.NopCloser(send.Reader), send.size
	}
	for name, list := range header {
		r.Header[name] = list
	}
	sign(r, b.secret, b.Region, cmp.Or(send.sum, hexSum(nil)), time.Now())
	res, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, refusal(method, res)
	}
	return res, nil
}

// refusal words an answer that is no success.
func refusal(method string, res *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // as much as there is
	code, message := parseRefusal(text)
	err := fmt.Errorf("%s is answered %s", method, res.Status)
	if code != "" {
		err = fmt.Errorf("%w: %s: %s", err, code, message)
	}
	if region := res.Header.Get("X-Amz-Bucket-Region"); region != "" && res.StatusCode/100 == 3 {
		err = fmt.Errorf("%w (the bucket is in region %q)", err, region)
	}
	return err
}

// maxMessage bounds what is shown of a store's message.
const maxMessage = 500

func parseRefusal(text []byte) (code, message string) {
	var e struct {
		Code, Message string
	}
	if xml.Unmarshal(text, &e) != nil {
		return "", ""
	}
	clip := func(s string) string { return s[:min(len(s), maxMessage)] }
	return clip(e.Code), clip(e.Message)
}

// Put implements Store.
func (b *bucket) Put(ctx context.Context, name string, fill func(io.Writer) error) error {
	file, err := os.CreateTemp(b.scratch, "backup-*.tmp")
	if err != nil {
		return err
	}
	_ = os.Remove(file.Name()) // now where the system lets us, or a crash would leave it
	defer os.Remove(file.Name())
	defer file.Close()
	sum, size := sha256.New(), &counting{to: file}
	if err := fill(io.MultiWriter(size, sum, ending{ctx})); err != nil {
		return err
	}
	if size.bytes > maxPut {
		return fmt.Errorf("the backup is of %d bytes: a store takes %d at once", size.bytes, int64(maxPut))
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if b.Encryption != "" {
		header.Set("X-Amz-Server-Side-Encryption", b.Encryption)
	}
	if b.KMSKey != "" {
		header.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", b.KMSKey)
	}
	res, err := b.do(ctx, http.MethodPut, b.key(name), nil, body{file, size.bytes, hex.EncodeToString(sum.Sum(nil))}, header)
	if err != nil {
		return err
	}
	res.Body.Close()
	res, err = b.do(ctx, http.MethodGet, b.key(name), nil, body{}, nil)
	if err != nil {
		return fmt.Errorf("read it back: %w", err)
	}
	defer res.Body.Close()
	if err := compare(res.Body, sum); err != nil {
		if errors.Is(err, errChanged) {
			err = errors.Join(err, b.Remove(ctx, name))
		}
		return err
	}
	return nil
}

// page is an answer to a list.
type page struct {
	Contents              []struct{ Key string }
	IsTruncated           bool
	NextContinuationToken string
}

func parsePage(r io.Reader) (*page, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxListBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxListBytes {
		return nil, fmt.Errorf("a page of the list is longer than %d bytes", maxListBytes)
	}
	var p struct {
		XMLName xml.Name `xml:"ListBucketResult"`
		page
	}
	if err := xml.NewDecoder(bytes.NewReader(text)).Decode(&p); err != nil {
		return nil, fmt.Errorf("the list is none: %w", err)
	}
	return &p.page, nil
}

// List implements Store.
func (b *bucket) List(ctx context.Context, prefix string) ([]string, error) {
	values := url.Values{"list-type": {"2"}, "prefix": {b.key(prefix)}}
	var names []string
	for range maxPages {
		p, err := b.listPage(ctx, values)
		if err != nil {
			return nil, err
		}
		for _, c := range p.Contents {
			if name, ok := strings.CutPrefix(c.Key, b.key("")); ok {
				names = append(names, name)
			}
		}
		if !p.IsTruncated || p.NextContinuationToken == "" {
			return names, nil
		}
		values.Set("continuation-token", p.NextContinuationToken)
	}
	return nil, fmt.Errorf("there are more than %d keys that begin with %s", maxPages*1000, b.key(prefix))
}

func (b *bucket) listPage(ctx context.Context, values url.Values) (*page, error) {
	res, err := b.do(ctx, http.MethodGet, "", values, body{}, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return parsePage(res.Body)
}

// Remove implements Store.
func (b *bucket) Remove(ctx context.Context, name string) error {
	res, err := b.do(ctx, http.MethodDelete, b.key(name), nil, body{}, nil)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

var _ Store = (*bucket)(nil)
