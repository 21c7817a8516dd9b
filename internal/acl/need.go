package acl

// resource is a kind of thing that rules speak of. Named and Scalar are the two
// sorts.
type resource uint8

// Named is a resource that rules grant by name or prefix of names.
type Named resource

// Scalar is a resource that is granted as a whole.
type Scalar resource

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
)

var resourceNames = [...]string{
	Agent: "agent", Event: "event", Intention: "intention", Key: "key", Node: "node", Query: "query", Service: "service", Session: "session",
	ACL: "acl", Keyring: "keyring", Mesh: "mesh", Operator: "operator", Peering: "peering",
}

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
	resource resource
	access   Access
	scope    Scope
	name     string
}

// Read is to see what has this name.
func (r Named) Read(name string) Need { return Need{resource(r), Read, One, name} }

// List is to enumerate the names that begin so.
func (r Named) List(prefix string) Need { return Need{resource(r), List, One, prefix} }

// Write is to change what has this name.
func (r Named) Write(name string) Need { return Need{resource(r), Write, One, name} }

// WriteBelow is to change all that has a name which begins so.
func (r Named) WriteBelow(prefix string) Need { return Need{resource(r), Write, Below, prefix} }

// ReadAll is to see every one there may be.
func (r Named) ReadAll() Need { return Need{resource(r), Read, All, ""} }

// WriteAny is to change one of them, whichever.
func (r Named) WriteAny() Need { return Need{resource(r), Write, Any, ""} }

// Read is to see it.
func (r Scalar) Read() Need { return Need{resource(r), Read, One, ""} }

// Write is to change it.
func (r Scalar) Write() Need { return Need{resource(r), Write, One, ""} }

// Resource is what the need is about, "key" say.
func (n Need) Resource() string { return resourceNames[n.resource] }

// Access is how much of it.
func (n Need) Access() Access { return n.access }

// Scope is about how many names the need is.
func (n Need) Scope() Scope { return n.scope }

// Name is the name, or what names begin with; "" for scalars, All and Any.
func (n Need) Name() string { return n.name }

// Permission is the need as refusals spell it, "key:read" say.
func (n Need) Permission() string { return n.Resource() + ":" + accessNames[n.access] }

// subject is what a refusal says that the permission is missing on, "" for nothing.
func (n Need) subject() string {
	if n.scope == All {
		return "all " + n.Resource() + "s"
	}
	return n.name
}
