package config

import (
	"maps"
	"slices"
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
)

// nodeChecks turns the top-level check definitions of files into what the
// agent registers. A later one with the same ID replaces an earlier one.
func (b *builder) nodeChecks() []CheckDefinition {
	var out []CheckDefinition
	at := map[string]int{}
	for i := range b.s.Checks {
		def := b.nodeCheck(&b.s.Checks[i])
		if j, ok := at[def.Check.CheckID]; ok {
			out[j] = def
			continue
		}
		at[def.Check.CheckID] = len(out)
		out = append(out, def)
	}
	return out
}

func (b *builder) nodeCheck(s *checkSettings) CheckDefinition {
	key := b.definitionKey(s.origin)
	c, err := b.check(key, s)
	if err != nil {
		b.refuse(key, "check %q: %s", checkLabel(c), err)
	}
	if b.scriptRefused(c) {
		b.refuse(key, "Failed to register check %q: %s", checkLabel(c), scriptsDisabled)
	}
	c.ServiceID = val(s.ServiceID)
	if c.CheckID == "" {
		c.CheckID = c.Name
	}
	b.noticeOSService(key, c)
	if c.Status == "" {
		c.Status = catalog.Critical
	}
	// As Consul shows them: durations always, unlike those of a service's checks.
	c.Interval = c.Definition.Interval.String()
	c.Timeout = c.Definition.Timeout.String()
	return CheckDefinition{Check: c, Token: val(s.Token), Origin: s.origin}
}

func checkLabel(c *catalog.Check) string {
	if c.Name != "" {
		return c.Name
	}
	return c.CheckID
}

// check converts what all checks have in common, and tells why it cannot run.
// After a duration that cannot be read, which is reported here, it tells
// nothing more: the rest would only follow from that.
func (b *builder) check(key string, s *checkSettings) (*catalog.Check, error) {
	faults := len(b.faults)
	c := &catalog.Check{
		CheckID: val(s.ID),
		Name:    val(s.Name),
		Status:  val(s.Status),
		Notes:   val(s.Notes),
		Definition: catalog.CheckDefinition{
			Interval:                       b.checkDuration(key, s, "interval", s.Interval),
			Timeout:                        b.checkDuration(key, s, "timeout", s.Timeout),
			TTL:                            b.checkDuration(key, s, "ttl", s.TTL),
			DeregisterCriticalServiceAfter: b.checkDuration(key, s, "deregister_critical_service_after", s.DeregisterAfter),
			OutputMaxSize:                  val(s.OutputMaxSize),
			HTTP:                           val(s.HTTP),
			Header:                         maps.Clone(s.Header),
			Method:                         val(s.Method),
			Body:                           val(s.Body),
			DisableRedirects:               val(s.DisableRedirects),
			TLSServerName:                  val(s.TLSServerName),
			TLSSkipVerify:                  val(s.TLSSkipVerify),
			TCP:                            val(s.TCP),
			TCPUseTLS:                      val(s.TCPUseTLS),
			UDP:                            val(s.UDP),
			H2PING:                         val(s.H2Ping),
			H2PingUseTLS:                   or(s.H2PingUseTLS, val(s.H2Ping) != ""),
			OSService:                      val(s.OSService),
			GRPC:                           val(s.GRPC),
			GRPCUseTLS:                     val(s.GRPCUseTLS),
			ScriptArgs:                     slices.Clone(s.ScriptArgs),
			DockerContainerID:              val(s.DockerContainerID),
			Shell:                          val(s.Shell),
			AliasNode:                      val(s.AliasNode),
			AliasService:                   val(s.AliasService),
			SuccessBeforePassing:           val(s.SuccessBeforePassing),
			FailuresBeforeCritical:         val(s.FailuresBeforeCritical),
			FailuresBeforeWarning:          failuresBeforeWarning(s),
		},
	}
	if s.Interval != nil {
		c.Interval = c.Definition.Interval.String()
	}
	if s.Timeout != nil {
		c.Timeout = c.Definition.Timeout.String()
	}
	if len(b.faults) > faults {
		return c, nil
	}
	return c, definition.ValidateCheck(c)
}

// failuresBeforeWarning keeps an explicit 0, which means the same as 1, apart
// from "not set", which means as many as for critical.
func failuresBeforeWarning(s *checkSettings) int {
	critical := val(s.FailuresBeforeCritical)
	n := or(s.FailuresBeforeWarning, critical)
	if n == 0 && critical > 0 {
		return 1
	}
	return n
}

func (b *builder) checkDuration(key string, s *checkSettings, name string, text *string) time.Duration {
	if text == nil {
		return 0
	}
	d, err := time.ParseDuration(*text)
	if err != nil {
		b.fail(key, "check[%s].%s: invalid duration: %q: %s", or(s.ID, val(s.Name)), name, *text, err)
	}
	return d
}

const scriptsDisabled = "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or 'enable_local_script_checks' to true"

// scriptRefused reports a command that the agent may not run. Consul notices at
// start only, so Validate lets it pass.
func (b *builder) scriptRefused(c *catalog.Check) bool {
	return b.starting && definition.RunsScript(c) && !b.rt.Checks.EnableLocalScripts
}

// noticeOSService reports a check that only Windows could run, which Consul notices at
// start.
func (b *builder) noticeOSService(key string, c *catalog.Check) {
	if definition.CheckType(c) != definition.TypeOSService {
		return
	}
	const text = "Failed to register check %q: os_service %q: not implemented: it asks the service manager of Windows; ask another way, such as args, or remove the check"
	if b.starting {
		b.refuse(key, text, c.CheckID, c.Definition.OSService)
	} else {
		b.warn("the agent will not start: "+text, c.CheckID, c.Definition.OSService)
	}
}
