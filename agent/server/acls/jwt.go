package acls

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"praetor/internal/filter"
)

// signatures are the algorithms whose signatures count: none that whoever knows a
// public key could make.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// errSignature is reference/security.md §8.
var errSignature = errors.New("no known key successfully validated the token signature")

// allowed are the algorithms that a method takes.
func (m *jwtMethod) allowed() []jose.SignatureAlgorithm {
	if len(m.JWTSupportedAlgs) == 0 {
		return signatures
	}
	var list []jose.SignatureAlgorithm
	for _, a := range signatures {
		for _, name := range m.JWTSupportedAlgs {
			if string(a) == name {
				list = append(list, a)
			}
		}
	}
	return list
}

func (m *jwtMethod) identify(bearer string) (*identity, error) {
	claims, all, err := m.verify(bearer)
	if err != nil {
		return nil, err
	}
	if err := m.validate(claims, time.Now()); err != nil {
		return nil, err
	}
	return m.claimed(all)
}

// verify checks the form and the signature of a JWT.
func (m *jwtMethod) verify(bearer string) (*jwt.Claims, map[string]any, error) {
	if bearer == "" {
		return nil, nil, errors.New("missing jwt")
	}
	token, err := jwt.ParseSigned(bearer, m.allowed())
	var other *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &other):
		return nil, nil, errSignature
	case err != nil:
		return nil, nil, fmt.Errorf("error parsing token: %w", err)
	}
	for _, key := range m.keys {
		claims, all := &jwt.Claims{}, map[string]any{}
		if token.Claims(key, claims, &all) == nil {
			return claims, all, nil
		}
	}
	return nil, nil, errSignature
}

const (
	defaultLeeway = 150 * time.Second // of a missing exp or nbf
	defaultSkew   = time.Minute
)

// leeway is a span as it is configured: 0 for the default, negative for none.
func leeway(configured, standard time.Duration) time.Duration {
	if configured == 0 {
		return standard
	}
	return max(configured, 0)
}

// validate checks for whom, by whom and for when a JWT is.
func (m *jwtMethod) validate(c *jwt.Claims, now time.Time) error {
	if err := m.fillTimes(c); err != nil {
		return err
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Issuer: m.BoundIssuer, Time: now}, leeway(m.ClockSkewLeeway, defaultSkew)); err != nil {
		return fmt.Errorf("error validating claims: %w", err)
	}
	if len(m.BoundAudiences) == 0 {
		if len(c.Audience) > 0 {
			return errors.New("error validating claims: audience claim found in JWT but no audiences are bound")
		}
		return nil
	}
	for _, audience := range m.BoundAudiences {
		if c.Audience.Contains(audience) {
			return nil
		}
	}
	return errors.New("error validating claims: aud claim does not match any bound audience")
}

// fillTimes gives a JWT the times that it leaves out, from those that it has.
func (m *jwtMethod) fillTimes(c *jwt.Claims) error {
	if c.IssuedAt == nil && c.NotBefore == nil && c.Expiry == nil {
		return errors.New("no issue time, notbefore, or expiration time encoded in token")
	}
	if c.Expiry == nil {
		latest := max(seconds(c.IssuedAt), seconds(c.NotBefore))
		c.Expiry = later(latest, leeway(m.ExpirationLeeway, defaultLeeway))
	}
	if c.NotBefore == nil {
		if c.IssuedAt != nil {
			c.NotBefore = c.IssuedAt
		} else {
			c.NotBefore = later(seconds(c.Expiry), -leeway(m.NotBeforeLeeway, defaultLeeway))
		}
	}
	return nil
}

func seconds(d *jwt.NumericDate) int64 {
	if d == nil {
		return 0
	}
	return int64(*d)
}

func later(seconds int64, span time.Duration) *jwt.NumericDate {
	date := jwt.NumericDate(seconds + int64(span/time.Second))
	return &date
}

// claimed is what a JWT says, as the method maps it.
func (m *jwtMethod) claimed(all map[string]any) (*identity, error) {
	row := claimsRow{Value: map[string]string{}, List: map[string][]string{}}
	vars := values{}
	for claim, name := range m.ClaimMappings {
		vars["value."+name] = "" // templates may name what is not there
		value := claimAt(all, claim)
		if value == nil {
			continue
		}
		text, ok := scalar(value)
		if !ok {
			return nil, fmt.Errorf("error converting claim %q to string", claim)
		}
		row.Value[name], vars["value."+name] = text, text
	}
	for claim, name := range m.ListClaimMappings {
		value := claimAt(all, claim)
		if value == nil {
			continue
		}
		list, ok := scalars(value)
		if !ok {
			return nil, fmt.Errorf("%q list claim could not be converted to string list", claim)
		}
		row.List[name] = list
	}
	return &identity{vars, func(ctx context.Context, selector string) (bool, error) { return matches(ctx, selector, row) }}, nil
}

// Set implements filter.Row.
func (r *claimsRow) Set(other claimsRow) { *r = other }

// matches evaluates a selector for one row.
func matches[R any, P filter.Row[R, R]](ctx context.Context, selector string, row R) (bool, error) {
	f, err := filter.New[R](selector)
	if err != nil {
		return false, err
	}
	return filter.Matching[R, R, P](ctx, f)(row)
}

// claimAt finds a claim by its name, or by a JSON pointer.
func claimAt(all map[string]any, claim string) any {
	if !strings.HasPrefix(claim, "/") {
		return all[claim]
	}
	var at any = all
	for part := range strings.SplitSeq(claim[1:], "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch in := at.(type) {
		case map[string]any:
			at = in[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(in) {
				return nil
			}
			at = in[n]
		default:
			return nil
		}
	}
	return at
}

// scalar is a claim's value as text; numbers without what is behind the point, as
// Consul has them.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatInt(int64(v), 10), true
	}
	return "", false
}

func scalars(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	texts := make([]string, 0, len(list))
	for _, v := range list {
		text, ok := scalar(v)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}
