package httpapi

import "context"

// Agent is what the endpoints about the node itself ask for. Its errors are
// shown as they are. Every method may be called by many requests at once.
type Agent interface {
	// Self describes the agent.
	Self(ctx context.Context) (Self, error)
	// Members lists the LAN pool, or the WAN pool; nil if the agent is in none.
	Members(wan bool) ([]Member, error)
	// Join contacts an address and returns when it answered or failed.
	Join(ctx context.Context, address string, wan bool) error
	// Leave leaves the cluster and then has the agent stop, late enough for the
	// answer to get out.
	Leave() error
	// ForceLeave declares a failed member gone; prune also forgets it. An unknown
	// name is an error.
	ForceLeave(node string, prune, wan bool) error
	// Reload reads the configuration again.
	Reload(ctx context.Context) error
	// Host describes the machine.
	Host(ctx context.Context) Host
	// Examine looks for what is wrong with the agent, its cluster and its machine, with
	// the rights of token. The answer is a list of internal/doctor's findings.
	Examine(ctx context.Context, token string) (any, error)
	// Monitor listens to the log at a level, which need not be the agent's own. An
	// unknown level is an error.
	Monitor(level string, json bool) (LogMonitor, error)
}

// Self is the answer of agent/self (reference/http-agent.md §2.1).
type Self struct {
	Config      map[string]any
	DebugConfig map[string]any
	Coord       any // nil when coordinates are off
	Member      Member
	Stats       map[string]map[string]string
	Meta        map[string]string
	XDS         any `json:"xDS,omitempty"`
}

// Member is one agent of a pool (reference/http-agent.md §2.2).
type Member struct {
	Name        string
	Addr        string // IP
	Port        uint16
	Tags        map[string]string
	Status      int // 0 none, 1 alive, 2 leaving, 3 left, 4 failed
	ProtocolMin uint8
	ProtocolMax uint8
	ProtocolCur uint8
	DelegateMin uint8
	DelegateMax uint8
	DelegateCur uint8
}
