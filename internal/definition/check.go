package definition

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"praetor/catalog"
)

// The types of a check, as shown in Check.Type.
const (
	TypeGRPC        = "grpc"
	TypeHTTP        = "http"
	TypeTTL         = "ttl"
	TypeTCP         = "tcp"
	TypeUDP         = "udp"
	TypeAlias       = "alias"
	TypeDocker      = "docker"
	TypeScript      = "script"
	TypeH2Ping      = "h2ping"
	TypeOSService   = "os_service"
	TypeMaintenance = "maintenance"
)

// kinds are the kinds of check in the order in which they win when a definition names
// several (reference/config.md §8). What wins is what runs, and what is shown: Consul
// shows the type by another order than the one in which it runs them. A check that is
// written to the catalog directly gets its type by a third order, the catalog's own
// (catalog.Register), which conformance holds.
var kinds = []struct {
	name  string
	asked func(d *catalog.CheckDefinition) bool
}{
	{TypeTTL, func(d *catalog.CheckDefinition) bool { return d.TTL > 0 }},
	{TypeHTTP, func(d *catalog.CheckDefinition) bool { return d.HTTP != "" }},
	{TypeTCP, func(d *catalog.CheckDefinition) bool { return d.TCP != "" }},
	{TypeUDP, func(d *catalog.CheckDefinition) bool { return d.UDP != "" }},
	{TypeGRPC, func(d *catalog.CheckDefinition) bool { return d.GRPC != "" }},
	{TypeDocker, func(d *catalog.CheckDefinition) bool { return d.DockerContainerID != "" && len(d.ScriptArgs) > 0 }},
	{TypeOSService, func(d *catalog.CheckDefinition) bool { return d.OSService != "" }},
	{TypeScript, func(d *catalog.CheckDefinition) bool { return len(d.ScriptArgs) > 0 }},
	{TypeH2Ping, func(d *catalog.CheckDefinition) bool { return d.H2PING != "" }},
	{TypeAlias, isAlias},
}

// Check is a check as files (reference/config.md §8) and HTTP bodies
// (reference/http-agent.md §4.2) write it; see doc.go for the tags.
type Check struct {
	CheckID                        string              `cfg:"id" alone:"ID" help:"unique on this agent"`
	Name                           string              `cfg:"name" help:"what people call it"`
	Notes                          string              `cfg:"notes" help:"free text"`
	ServiceID                      string              `cfg:"service_id" alias:"ServiceID" http:"service_id" help:"service that the check belongs to"`
	Token                          string              `cfg:"token" http:"-" alone:"Token" help:"ACL token that registers the check"`
	Status                         string              `cfg:"status" unset:"\"critical\"" help:"status before the first run"`
	ScriptArgs                     []string            `cfg:"args" alias:"ScriptArgs" http:"script_args,args" help:"command and its arguments"`
	HTTP                           string              `cfg:"http" help:"URL to fetch"`
	Header                         map[string][]string `cfg:"header" help:"headers of the HTTP request"`
	Method                         string              `cfg:"method" unset:"\"GET\"" help:"method of the HTTP request"`
	Body                           string              `cfg:"body" help:"body of the HTTP request"`
	DisableRedirects               bool                `cfg:"disable_redirects" alone:"DisableRedirects,disable_redirects" help:"judge a redirect itself"`
	OutputMaxSize                  int                 `cfg:"output_max_size" help:"bytes kept of the output"`
	TCP                            string              `cfg:"tcp" help:"host:port to connect to"`
	TCPUseTLS                      bool                `cfg:"tcp_use_tls" http:"tcp_use_tls" help:"the TCP check speaks TLS"`
	UDP                            string              `cfg:"udp" help:"host:port to send to"`
	Interval                       *string             `cfg:"interval" unit:"time" help:"time between runs"`
	DockerContainerID              string              `cfg:"docker_container_id" alias:"DockerContainerID" http:"docker_container_id" help:"container in which args run"`
	Shell                          string              `cfg:"shell" help:"shell in the container"`
	GRPC                           string              `cfg:"grpc" help:"host:port/service to ask for its health"`
	GRPCUseTLS                     bool                `cfg:"grpc_use_tls" http:"grpc_use_tls" help:"the gRPC check speaks TLS"`
	TLSServerName                  string              `cfg:"tls_server_name" http:"tls_server_name" help:"name expected in the certificate"`
	TLSSkipVerify                  bool                `cfg:"tls_skip_verify" alias:"TLSSkipVerify" http:"tls_skip_verify" help:"accept any certificate"`
	AliasNode                      string              `cfg:"alias_node" help:"node whose health counts"`
	AliasService                   string              `cfg:"alias_service" help:"service whose health counts"`
	Timeout                        *string             `cfg:"timeout" unit:"time" unset:"10s, 30s with args" help:"time for one run"`
	TTL                            *string             `cfg:"ttl" unit:"time" help:"time within which somebody must report"`
	H2PING                         string              `cfg:"h2ping" help:"host:port to ping over HTTP/2"`
	H2PingUseTLS                   *bool               `cfg:"h2ping_use_tls" http:"h2ping_use_tls" help:"the HTTP/2 check speaks TLS"`
	OSService                      string              `cfg:"os_service" help:"operating system service, Windows only"`
	SuccessBeforePassing           int                 `cfg:"success_before_passing" help:"good results in a row before passing"`
	FailuresBeforeWarning          *int                `cfg:"failures_before_warning" help:"bad results in a row before warning"`
	FailuresBeforeCritical         int                 `cfg:"failures_before_critical" help:"bad results in a row before critical"`
	DeregisterCriticalServiceAfter *string             `cfg:"deregister_critical_service_after" alias:"DeregisterCriticalServiceAfter" http:"deregister_critical_service_after" unit:"time" help:"removes a service that stays critical"`
	Namespace                      *string             `cfg:"namespace" http:"-" use:"ent"`
	Partition                      *string             `cfg:"partition" http:"-" use:"ent"`

	// Bodies of services only; they tell a mesh proxy how to expose the check.
	ProxyHTTP string `alone:"-"`
	ProxyGRPC string `alone:"-"`
}

// Row is the check inside a service, without what its service gives it (see
// AttachChecks). The error, an Errors, names every duration that is none.
func (c *Check) Row() (*catalog.Check, error) {
	var faults Errors
	row := &catalog.Check{
		CheckID: c.CheckID, Name: c.Name, Status: c.Status, Notes: c.Notes,
		Definition: catalog.CheckDefinition{
			Interval:                       faults.span("interval", c.Interval),
			Timeout:                        faults.span("timeout", c.Timeout),
			TTL:                            faults.span("ttl", c.TTL),
			DeregisterCriticalServiceAfter: faults.span("deregister_critical_service_after", c.DeregisterCriticalServiceAfter),

			HTTP: c.HTTP, Header: c.Header, Method: c.Method, Body: c.Body, DisableRedirects: c.DisableRedirects,
			TCP: c.TCP, TCPUseTLS: c.TCPUseTLS, UDP: c.UDP, GRPC: c.GRPC, GRPCUseTLS: c.GRPCUseTLS,
			H2PING: c.H2PING, H2PingUseTLS: valueOr(c.H2PingUseTLS, c.H2PING != ""), OSService: c.OSService,
			TLSServerName: c.TLSServerName, TLSSkipVerify: c.TLSSkipVerify,
			ScriptArgs: c.ScriptArgs, DockerContainerID: c.DockerContainerID, Shell: c.Shell,
			AliasNode: c.AliasNode, AliasService: c.AliasService, OutputMaxSize: c.OutputMaxSize,
			SuccessBeforePassing: c.SuccessBeforePassing, FailuresBeforeWarning: valueOr(c.FailuresBeforeWarning, 0),
			FailuresBeforeCritical: c.FailuresBeforeCritical,
		},
	}
	if d := row.Definition.Interval; d != 0 {
		row.Interval = d.String()
	}
	if d := row.Definition.Timeout; d != 0 {
		row.Timeout = d.String()
	}
	FillThresholds(row)
	return row, faults.Err()
}

// RowAlone is Row for a check that is registered by itself: its ID is its name
// if it has none, and Interval and Timeout are shown even when they are zero.
func (c *Check) RowAlone() (*catalog.Check, error) {
	row, err := c.Row()
	row.CheckID, row.ServiceID = cmp.Or(c.CheckID, c.Name), c.ServiceID
	row.Interval, row.Timeout = row.Definition.Interval.String(), row.Definition.Timeout.String()
	return row, err
}

// CheckType names the type that c's definition asks for; "" means none.
func CheckType(c *catalog.Check) string {
	for _, k := range kinds {
		if k.asked(&c.Definition) {
			return k.name
		}
	}
	return ""
}

// RunsScript reports whether c runs a command, on the host or in a container,
// and so needs script checks to be enabled.
func RunsScript(c *catalog.Check) bool { return len(c.Definition.ScriptArgs) > 0 }

// ValidateCheck tells why c cannot be run. It does not look at Status: files
// and the HTTP API differ there (see ValidStatus).
func ValidateCheck(c *catalog.Check) error {
	d := &c.Definition
	periodic, alias := isPeriodic(d), isAlias(d)
	switch {
	case d.Interval > 0 && d.TTL > 0:
		return errors.New("Interval and TTL cannot both be specified")
	case periodic && d.Interval <= 0:
		return errors.New("Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks")
	case periodic && alias:
		return errors.New("Interval cannot be set for Alias checks")
	case alias && d.TTL > 0:
		return errors.New("TTL must be not be set for Alias checks")
	case !periodic && !alias && d.TTL <= 0:
		return errors.New("TTL must be > 0 for TTL checks")
	case d.OutputMaxSize < 0:
		return errors.New("MaxOutputMaxSize must be positive")
	case d.FailuresBeforeWarning > d.FailuresBeforeCritical:
		return errors.New("FailuresBeforeWarning can't be higher than FailuresBeforeCritical")
	}
	return nil
}

// FillThresholds gives a check that does not say after how many failures it
// warns the number after which it is critical: then it never warns. It comes
// before ValidateCheck.
func FillThresholds(c *catalog.Check) {
	if c.Definition.FailuresBeforeWarning == 0 {
		c.Definition.FailuresBeforeWarning = c.Definition.FailuresBeforeCritical
	}
}

// ValidStatus reports whether s may be given as a check's status.
func ValidStatus(s string) bool {
	return s == catalog.Passing || s == catalog.Warning || s == catalog.Critical
}

// CheckIDs gives every check of a service that has no ID the one derived from
// the service's: service:<id>, or service:<id>:<n> counted from 1 when there
// are several.
func CheckIDs(serviceID string, checks []*catalog.Check) {
	for i, c := range checks {
		if c.CheckID != "" {
			continue
		}
		c.CheckID = "service:" + serviceID
		if len(checks) > 1 {
			c.CheckID += ":" + strconv.Itoa(i+1)
		}
	}
}

// LastOfEach returns checks without those whose ID comes again later: of several
// definitions of one check the last counts, its status included. All must have IDs.
func LastOfEach(checks []*catalog.Check) []*catalog.Check {
	last := make(map[string]int, len(checks))
	for i, c := range checks {
		last[c.CheckID] = i
	}
	if len(last) == len(checks) {
		return checks
	}
	kept := make([]*catalog.Check, 0, len(last))
	for i, c := range checks {
		if last[c.CheckID] == i {
			kept = append(kept, c)
		}
	}
	return kept
}

// AttachChecks makes checks those of s: it assigns their IDs (CheckIDs), names,
// types and initial status where none is given, and copies the service's
// identity into them. s must have its ID.
func AttachChecks(s *catalog.Service, checks []*catalog.Check) {
	CheckIDs(s.ID, checks)
	for _, c := range checks {
		if c.Name == "" {
			c.Name = fmt.Sprintf("Service '%s' check", s.Service)
		}
		if c.Status == "" {
			c.Status = catalog.Critical
		}
		c.Type = CheckType(c)
		c.ServiceID, c.ServiceName, c.ServiceTags = s.ID, s.Service, s.Tags
	}
}

func isAlias(d *catalog.CheckDefinition) bool { return d.AliasNode != "" || d.AliasService != "" }

// isPeriodic says whether d needs an interval.
func isPeriodic(d *catalog.CheckDefinition) bool {
	return len(d.ScriptArgs) > 0 || d.HTTP != "" || d.TCP != "" || d.UDP != "" ||
		d.GRPC != "" || d.H2PING != "" || d.OSService != ""
}
