package acl

import (
	"slices"
	"strings"

	"praetor/internal/fault"
)

// Resource is a kind of thing that rules speak of. Named and Scalar are the two
// sorts.
type Resource uint8

// Named is a resource that rules grant by name or prefix of names.
type Named Resource

// Scalar is a resource that is granted as a whole.
type Scalar Resource

// The resources with names (reference/security.md §2).
const (
	Agent Named = iota + 1
	Event
	Intention // by the name of its destination; rules spell it as a field of a service
	Key
	Node
	Query
	Service
	Session
	endNamed
)

// The resources without.
const (
	ACL Scalar = Scalar(endNamed) + iota
	Keyring
	Mesh
	Operator
	Peering

	// Resources is how many there are, with one that is none.
	Resources = int(Peering) + 1
)

var resourceNames = [...]string{
	Agent: "agent", Event: "event", Intention: "intention", Key: "key", Node: "node", Query: "query", Service: "service", Session: "session",
	ACL: "acl", Keyring: "keyring", Mesh: "mesh", Operator: "operator", Peering: "peering",
}

// String is the resource's name in refusals and requests.
func (r Resource) String() string { return resourceNames[r] }

// IsScalar reports whether rules for the resource have no names.
func (r Resource) IsScalar() bool { return r >= Resource(endNamed) }

// Access is how much of a resource is asked for. More includes less.
type Access uint8

// The accesses. List is known to keys alone.
const (
	Read Access = iota + 1
	List
	Write
)

var accessNames = [...]string{Read: "read", List: "list", Write: "write"}

// Scope says about how many names a need is.
type Scope uint8

// The scopes.
const (
	One   Scope = iota // the name itself
	Below              // every name that begins with it
	All                // every name, those included that nobody uses yet
	Any                // at least one name
)

// Need is what somebody wants to do: an access to a resource. The zero value is
// no need, and is refused.
type Need struct {
	resource Resource
	access   Access
	scope    Scope
	name     string
}

// Read is to see what has this name.
func (r Named) Read(name string) Need { return Need{Resource(r), Read, One, name} }

// List is to enumerate the names that begin so.
func (r Named) List(prefix string) Need { return Need{Resource(r), List, One, prefix} }

// Write is to change what has this name.
func (r Named) Write(name string) Need { return Need{Resource(r), Write, One, name} }

// WriteBelow is to change all that has a name which begins so.
func (r Named) WriteBelow(prefix string) Need { return Need{Resource(r), Write, Below, prefix} }

// ReadAll is to see every one there may be.
func (r Named) ReadAll() Need { return Need{Resource(r), Read, All, ""} }

// WriteAny is to change one of them, whichever.
func (r Named) WriteAny() Need { return Need{Resource(r), Write, Any, ""} }

// Read is to see it.
func (r Scalar) Read() Need { return Need{Resource(r), Read, One, ""} }

// Write is to change it.
func (r Scalar) Write() Need { return Need{Resource(r), Write, One, ""} }

// Below is the same need of all that has a name which begins with the need's.
func (n Need) Below() (Need, error) {
	if n.resource != Resource(Key) || n.access != Write {
		return Need{}, fault.New(fault.Invalid, "only key:write is asked for whole prefixes, not %s", n.Permission())
	}
	n.scope = Below
	return n, nil
}

// Resource is what the need is about.
func (n Need) Resource() Resource { return n.resource }

// Access is how much of it.
func (n Need) Access() Access { return n.access }

// Scope is about how many names the need is.
func (n Need) Scope() Scope { return n.scope }

// Name is the name, or what names begin with; "" for scalars, All and Any.
func (n Need) Name() string { return n.name }

// Permission is the need as refusals spell it, "key:read" say.
func (n Need) Permission() string { return n.resource.String() + ":" + accessNames[n.access] }

// subject is what a refusal says that the permission is missing on, "" for nothing.
func (n Need) subject() string {
	if n.scope == All {
		return "all " + n.resource.String() + "s"
	}
	return n.name
}

// ParseNeed reads a need as requests spell it. Names of scalars are ignored; the
// error is Consul's (reference/http-operator-acl.md §3.7).
func ParseNeed(resource, access, name string) (Need, error) {
	r := slices.Index(resourceNames[:], resource)
	if r <= 0 {
		return Need{}, fault.New(fault.Invalid, "Invalid ACL resource requested: %q", resource)
	}
	a := slices.Index(accessNames[:], strings.ToLower(access))
	if a <= 0 || Access(a) == List && Named(r) != Key {
		return Need{}, fault.New(fault.Invalid, "Invalid access level for %s resource: %s", resource, access)
	}
	if Resource(r).IsScalar() {
		name = ""
	}
	return Need{Resource(r), Access(a), One, name}, nil
}
