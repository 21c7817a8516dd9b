package fakes3_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"praetor/internal/fakes3"
)

// published are AWS' examples for S3 (API reference, "Signature Calculations for the
// Authorization Header: Transferring Payload in a Single Chunk").
var published = []struct {
	name, method, uri, body, signature string
	header                             map[string]string
}{
	{"get an object", "GET", "/test.txt", "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", map[string]string{"Range": "bytes=0-9"}},
	{"put an object", "PUT", "/test%24file.text", "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		map[string]string{"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY"}},
	{"get the lifecycle", "GET", "/?lifecycle", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", nil},
	{"list", "GET", "/?max-keys=2&prefix=J", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", nil},
}

func TestTheExamplesOfAWSAreAccepted(t *testing.T) {
	s := fakes3.New("examplebucket", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	s.Now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
	sums := map[string]string{
		"":                      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"Welcome to Amazon S3.": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
	}
	for _, c := range published {
		r, err := http.NewRequest(c.method, "https://examplebucket.s3.amazonaws.com"+c.uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI = c.uri
		names := []string{"host", "x-amz-content-sha256", "x-amz-date"}
		switch c.name {
		case "get an object":
			names = []string{"host", "range", "x-amz-content-sha256", "x-amz-date"}
		case "put an object":
			names = []string{"date", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-storage-class"}
		}
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		r.Header.Set("X-Amz-Content-Sha256", sums[c.body])
		auth := "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + strings.Join(names, ";") + ",Signature="
		for signature, want := range map[string]string{c.signature: "", strings.Repeat("0", 64): "SignatureDoesNotMatch"} {
			r.Header.Set("Authorization", auth+signature)
			if got := s.Check(r, []byte(c.body)); got != want {
				t.Errorf("%s: %q, want %q", c.name, got, want)
			}
		}
		r.Header.Set("Authorization", auth+c.signature)
		if got := s.Check(r, []byte("other")); got != "XAmzContentSHA256Mismatch" {
			t.Errorf("%s with another body: %q", c.name, got)
		}
	}
}
