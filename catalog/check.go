package catalog

import "time"

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false

// The states of a check, from best to worst.
const (
	Passing  = "passing"
	Warning  = "warning"
	Critical = "critical"
)

// Check IDs with a meaning of their own (reference/clients.md rule 5).
const (
	SerfHealth               = "serfHealth"
	NodeMaintenance          = "_node_maintenance"
	ServiceMaintenancePrefix = "_service_maintenance:"
)

// Check is the health of a node (ServiceID empty) or of one service instance.
type Check struct {
	Node        string
	CheckID     string
	Name        string
	Status      string
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string   // filled in by the store
	ServiceTags []string // filled in by the store
	Type        string
	Interval    string // as configured, e.g. "10s"; "" when not given
	Timeout     string
	ExposedPort int
	Definition  CheckDefinition
	CreateIndex uint64
	ModifyIndex uint64
}

// CheckDefinition is how a check is run. The agent keeps its own checks' here
// too; catalog rows hold what a registrar wrote by hand (external monitors).
type CheckDefinition struct {
	Interval                       time.Duration
	Timeout                        time.Duration
	DeregisterCriticalServiceAfter time.Duration
	TTL                            time.Duration
	OutputMaxSize                  int
	HTTP                           string
	Header                         map[string][]string
	Method                         string
	Body                           string
	DisableRedirects               bool
	TLSServerName                  string
	TLSSkipVerify                  bool
	TCP                            string
	TCPUseTLS                      bool
	UDP                            string
	H2PING                         string
	H2PingUseTLS                   bool
	OSService                      string
	GRPC                           string
	GRPCUseTLS                     bool
	ScriptArgs                     []string
	DockerContainerID              string
	Shell                          string
	AliasNode                      string
	AliasService                   string
	SessionName                    string

	// Thresholds of the agent's own runner (reference/config.md §8.2). They are
	// never shown in the catalog's JSON.
	SuccessBeforePassing   int
	FailuresBeforeWarning  int
	FailuresBeforeCritical int
}
