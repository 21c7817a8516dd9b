package definition

import (
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
// shows the type by another order than the one in which it runs them.
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
