package acl

// Authorizer answers what one token may do. Names are matched as the caller
// gives them.
type Authorizer interface {
	AgentRead(node string) bool
	AgentWrite(node string) bool
	EventRead(name string) bool
	EventWrite(name string) bool
	KeyRead(key string) bool
	KeyList(prefix string) bool
	KeyWrite(key string) bool
	// KeyWritePrefix tells whether every key below prefix may be written.
	KeyWritePrefix(prefix string) bool
	IntentionRead(destination string) bool
	IntentionWrite(destination string) bool
	KeyringRead() bool
	KeyringWrite() bool
	MeshRead() bool
	MeshWrite() bool
	NodeRead(name string) bool
	NodeReadAll() bool // every node, known or not
	NodeWrite(name string) bool
	OperatorRead() bool
	OperatorWrite() bool
	QueryRead(prefix string) bool
	QueryWrite(prefix string) bool
	ServiceRead(name string) bool
	ServiceReadAll() bool // every service, known or not
	ServiceWrite(name string) bool
	ServiceWriteAny() bool // at least one service
	SessionRead(node string) bool
	SessionWrite(node string) bool
}

// Resolver turns a secret token into an Authorizer. The empty token is the
// anonymous one. An unknown token is an error of kind fault.Denied.
type Resolver interface {
	Resolve(token string) (Authorizer, error)
}

// AllowAll is both the resolver and the authorizer of an agent without ACLs.
type AllowAll struct{}

func (AllowAll) Resolve(string) (Authorizer, error) { return AllowAll{}, nil }

func (AllowAll) AgentRead(string) bool      { return true }
func (AllowAll) AgentWrite(string) bool     { return true }
func (AllowAll) EventRead(string) bool      { return true }
func (AllowAll) EventWrite(string) bool     { return true }
func (AllowAll) IntentionRead(string) bool  { return true }
func (AllowAll) IntentionWrite(string) bool { return true }
func (AllowAll) KeyRead(string) bool        { return true }
func (AllowAll) KeyList(string) bool        { return true }
func (AllowAll) KeyWrite(string) bool       { return true }
func (AllowAll) KeyWritePrefix(string) bool { return true }
func (AllowAll) KeyringRead() bool          { return true }
func (AllowAll) KeyringWrite() bool         { return true }
func (AllowAll) MeshRead() bool             { return true }
func (AllowAll) MeshWrite() bool            { return true }
func (AllowAll) NodeRead(string) bool       { return true }
func (AllowAll) NodeReadAll() bool          { return true }
func (AllowAll) NodeWrite(string) bool      { return true }
func (AllowAll) OperatorRead() bool         { return true }
func (AllowAll) OperatorWrite() bool        { return true }
func (AllowAll) QueryRead(string) bool      { return true }
func (AllowAll) QueryWrite(string) bool     { return true }
func (AllowAll) ServiceRead(string) bool    { return true }
func (AllowAll) ServiceReadAll() bool       { return true }
func (AllowAll) ServiceWrite(string) bool   { return true }
func (AllowAll) ServiceWriteAny() bool      { return true }
func (AllowAll) SessionRead(string) bool    { return true }
func (AllowAll) SessionWrite(string) bool   { return true }

var (
	_ Resolver   = AllowAll{}
	_ Authorizer = AllowAll{}
)
