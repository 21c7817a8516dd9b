package pki

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Identity says whom a SPIFFE ID stands for.
type Identity uint8

// The identities of a mesh (reference/mesh.md §1).
const (
	Service Identity = iota + 1
	Agent
	Servers     // the servers of a datacenter
	MeshGateway // the mesh gateways of a datacenter
	Signer      // the authority itself
)

// defaultTenancy is the namespace and partition of everything here.
const defaultTenancy = "default"

// SPIFFE is a SPIFFE ID: who holds a certificate of the mesh.
type SPIFFE struct {
	Identity
	TrustDomain string
	Datacenter  string // "" for a Signer
	Name        string // of the service or the agent's node
	Namespace   string // of a service; "" means default
	Partition   string // the same
}

// URI is the ID as certificates have it. One whose name holds a slash is read back as
// no ID at all.
func (s SPIFFE) URI() *url.URL {
	u := &url.URL{Scheme: "spiffe", Host: s.TrustDomain}
	partition := ""
	if s.Partition != "" && s.Partition != defaultTenancy {
		partition = "/ap/" + s.Partition
	}
	switch s.Identity {
	case Service:
		namespace := s.Namespace
		if namespace == "" {
			namespace = defaultTenancy
		}
		u.Path = partition + "/ns/" + namespace + "/dc/" + s.Datacenter + "/svc/" + s.Name
	case Agent:
		u.Path = partition + "/agent/client/dc/" + s.Datacenter + "/id/" + s.Name
	case Servers:
		u.Path = "/agent/server/dc/" + s.Datacenter
	case MeshGateway:
		u.Path = partition + "/gateway/mesh/dc/" + s.Datacenter
	}
	return u
}

// String is the ID's text.
func (s SPIFFE) String() string { return s.URI().String() }

// paths are the forms of IDs; a star stands for any part but an empty one.
var paths = []struct {
	identity Identity
	parts    []string
	fill     func(*SPIFFE, []string)
}{
	{Service, []string{"ns", "*", "dc", "*", "svc", "*"}, func(s *SPIFFE, v []string) { s.Namespace, s.Datacenter, s.Name = v[0], v[1], v[2] }},
	{Agent, []string{"agent", "client", "dc", "*", "id", "*"}, func(s *SPIFFE, v []string) { s.Datacenter, s.Name = v[0], v[1] }},
	{Servers, []string{"agent", "server", "dc", "*"}, func(s *SPIFFE, v []string) { s.Datacenter = v[0] }},
	{MeshGateway, []string{"gateway", "mesh", "dc", "*"}, func(s *SPIFFE, v []string) { s.Datacenter = v[0] }},
}

// maxURIBytes bounds a SPIFFE ID (SPIFFE-ID §2.3).
const maxURIBytes = 2048

// ParseSPIFFE reads an ID.
func ParseSPIFFE(text string) (SPIFFE, error) {
	if len(text) > maxURIBytes {
		return SPIFFE{}, fmt.Errorf("SPIFFE ID has %d bytes, at most %d are allowed", len(text), maxURIBytes)
	}
	u, err := url.Parse(text)
	if err != nil {
		return SPIFFE{}, err
	}
	return readSPIFFE(u)
}

// ErrScheme refuses a URI that is no SPIFFE ID at all.
var ErrScheme = errors.New("SPIFFE ID must have 'spiffe' scheme")

func readSPIFFE(u *url.URL) (SPIFFE, error) {
	unknown := fmt.Errorf("SPIFFE ID is not in the expected format: %s", u)
	switch {
	case u.Scheme != "spiffe":
		return SPIFFE{}, ErrScheme
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return SPIFFE{}, unknown
	}
	s := SPIFFE{TrustDomain: strings.ToLower(u.Host)}
	if u.Path == "" {
		s.Identity = Signer
		return s, nil
	}
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil || plain == "" || strings.Contains(plain, "/") {
			return SPIFFE{}, unknown
		}
		parts[i] = plain
	}
	if len(parts) > 2 && parts[0] == "ap" {
		s.Partition, parts = parts[1], parts[2:]
	}
	for _, form := range paths {
		if values, ok := fits(form.parts, parts); ok {
			s.Identity = form.identity
			form.fill(&s, values)
			return s, nil
		}
	}
	return SPIFFE{}, unknown
}

// fits returns the parts that the stars stand for.
func fits(form, parts []string) (values []string, ok bool) {
	if len(form) != len(parts) {
		return nil, false
	}
	for i, want := range form {
		switch want {
		case "*":
			values = append(values, parts[i])
		case parts[i]:
		default:
			return nil, false
		}
	}
	return values, true
}
