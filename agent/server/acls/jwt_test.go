package acls

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var (
	signer    = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	signerPEM = func() string {
		der, err := x509.MarshalPKIXPublicKey(signer.Public())
		if err != nil {
			panic(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}()
)

func signed(t testing.TB, key any, alg jose.SignatureAlgorithm, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func jwtOf(t testing.TB, config map[string]any) *jwtMethod {
	t.Helper()
	full := map[string]any{"JWTValidationPubKeys": []string{edKey, signerPEM}}
	maps.Copy(full, config)
	m, err := newMethod(jwtRow(t, full))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*jwtMethod)
}

func TestJWTsThatLogIn(t *testing.T) {
	now := time.Now().Unix()
	good := map[string]any{"iss": "i", "aud": "a", "sub": "alice", "iat": now - 60}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(good)
		maps.Copy(all, more)
		return all
	}
	bound := map[string]any{"BoundIssuer": "i", "BoundAudiences": []string{"b", "a"}}
	const invalid = "error validating claims: "
	for name, row := range map[string]struct {
		config map[string]any
		bearer string
		want   string
	}{
		"good":                   {bound, signed(t, signer, jose.EdDSA, good), ""},
		"nothing":                {bound, "", "missing jwt"},
		"junk":                   {bound, "a.b.c", "error parsing token: "},
		"the public key as HMAC": {bound, signed(t, []byte(signerPEM), jose.HS256, good), errSignature.Error()},
		"no signature":           {bound, "eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIiwiYXVkIjoiYSIsImV4cCI6NDEwMjQ0NDgwMH0.", errSignature.Error()},
		"another algorithm":      {map[string]any{"JWTSupportedAlgs": []string{"RS256"}}, signed(t, signer, jose.EdDSA, good), errSignature.Error()},
		"a subject of a number":  {bound, signed(t, signer, jose.EdDSA, with(map[string]any{"sub": 7})), errSignature.Error()},
		"another issuer":         {bound, signed(t, signer, jose.EdDSA, with(map[string]any{"iss": "x"})), invalid + "go-jose/go-jose/jwt: validation failed, invalid issuer claim (iss)"},
		"another audience":       {bound, signed(t, signer, jose.EdDSA, with(map[string]any{"aud": "x"})), invalid + "aud claim does not match any bound audience"},
		"an audience unasked":    {nil, signed(t, signer, jose.EdDSA, good), invalid + "audience claim found in JWT but no audiences are bound"},
		"no times":               {bound, signed(t, signer, jose.EdDSA, map[string]any{"iss": "i", "aud": "a"}), "no issue time, notbefore, or expiration time encoded in token"},
		"issued long ago":        {bound, signed(t, signer, jose.EdDSA, with(map[string]any{"iat": now - 300})), invalid + "go-jose/go-jose/jwt: validation failed, token is expired (exp)"},
		"ends far off alone":     {bound, signed(t, signer, jose.EdDSA, map[string]any{"iss": "i", "aud": "a", "exp": now + 3600}), invalid + "go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)"},
		"within the skew":        {bound, signed(t, signer, jose.EdDSA, with(map[string]any{"exp": now - 30})), ""},
		"skew switched off":      {plus(bound, "ClockSkewLeeway", -1), signed(t, signer, jose.EdDSA, with(map[string]any{"exp": now - 30})), invalid + "go-jose/go-jose/jwt: validation failed, token is expired (exp)"},
	} {
		_, err := jwtOf(t, row.config).identify(row.bearer)
		wantRefusal(t, name, err, row.want)
	}
}

func plus(config map[string]any, name string, value any) map[string]any {
	all := maps.Clone(config)
	all[name] = value
	return all
}

func TestClaimsBecomeValuesAndLists(t *testing.T) {
	m := jwtOf(t, map[string]any{
		"ClaimMappings":     map[string]string{"sub": "user", "/a/b": "deep", "/l/1": "second", "n": "n", "yes": "yes", "gone": "gone"},
		"ListClaimMappings": map[string]string{"groups": "groups", "one": "one"},
	})
	who, err := m.identify(signed(t, signer, jose.EdDSA, map[string]any{
		"iat": time.Now().Unix(), "sub": "alice", "a": map[string]any{"b": "c"}, "l": []string{"x", "y"}, "n": 1.5, "yes": true, "groups": []any{5, "x"}, "one": "z",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := who.values.render("${value.user} ${value.deep} ${value.second} ${value.n} ${value.yes} ${value.gone}"); err != nil || got != "alice c y 1 true " {
		t.Errorf("%q, %v", got, err)
	}
	for selector, want := range map[string]bool{
		"": true, "value.user == alice": true, "value.user == bob": false, `"5" in list.groups`: true, "z in list.one": true, "gone in value": false, "user in value": true,
	} {
		if got, err := who.matches(context.Background(), selector); err != nil || got != want {
			t.Errorf("%s: %v, %v", selector, got, err)
		}
	}
	_, err = m.identify(signed(t, signer, jose.EdDSA, map[string]any{"iat": time.Now().Unix(), "groups": map[string]any{"a": 1}}))
	wantRefusal(t, "a list that is none", err, `"groups" list claim could not be converted to string list`)
}

// FuzzIdentify shows bytes as bearer tokens: nobody gets in by them.
func FuzzIdentify(f *testing.F) {
	m := jwtOf(f, map[string]any{"ClaimMappings": map[string]string{"/a/0/b": "x"}})
	other := ed25519.NewKeyFromSeed([]byte("another seed of thirty-two bytes"))
	f.Add(signed(f, other, jose.EdDSA, map[string]any{"iat": 1, "a": []any{1}}))
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, bearer string) {
		if _, err := m.identify(bearer); err == nil {
			t.Errorf("%q logged in", bearer)
		}
	})
}
