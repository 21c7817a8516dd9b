package backup

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Signature Version 4 of AWS, which S3-compatible stores understand too
// (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).

const (
	signingMethod  = "AWS4-HMAC-SHA256"
	signingTime    = "20060102T150405Z"
	signingDay     = "20060102"
	signingService = "s3"
)

// credentials are a key of the store. Never log them.
type credentials struct {
	id, secret, session string
}

// sign signs a request: its method, path, query, headers, and the sum of its body. The
// path and the query must be escaped by escape; no header may be added after it.
func sign(r *http.Request, c credentials, region, bodySum string, now time.Time) {
	now = now.UTC()
	r.Header.Set("X-Amz-Date", now.Format(signingTime))
	r.Header.Set("X-Amz-Content-Sha256", bodySum)
	if c.session != "" {
		r.Header.Set("X-Amz-Security-Token", c.session)
	}
	names := []string{"host"}
	for name := range r.Header {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		value := r.URL.Host
		if name != "host" {
			value = strings.TrimSpace(r.Header.Get(name))
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, value)
	}
	signed := strings.Join(names, ";")
	request := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers.String(), signed, bodySum}, "\n")
	scope := strings.Join([]string{now.Format(signingDay), region, signingService, "aws4_request"}, "/")
	text := strings.Join([]string{signingMethod, now.Format(signingTime), scope, hexSum([]byte(request))}, "\n")
	key := []byte("AWS4" + c.secret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s,SignedHeaders=%s,Signature=%s",
		signingMethod, c.id, scope, signed, hex.EncodeToString(mac(key, text))))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// escape escapes all but the letters, digits and signs that no signer escapes, and
// those of keep.
func escape(text, keep string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~"+keep, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// query is the parameters of a request, in the order that is signed.
func query(values url.Values) string {
	var parts []string
	for name, list := range values {
		for _, value := range list {
			parts = append(parts, escape(name, "")+"="+escape(value, ""))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}
