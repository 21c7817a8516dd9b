package config

import (
	"cmp"
	"errors"

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
	c, err := b.check(key, "", &s.Check, s.RowAlone)
	if err != nil {
		b.refuse(key, "check %q: %s", checkLabel(c), err)
	}
	if b.scriptRefused(c) {
		b.refuse(key, "Failed to register check %q: %s", checkLabel(c), scriptsDisabled)
	}
	b.noticeOSService(key, c)
	if c.Status == "" {
		c.Status = catalog.Critical
	}
	return CheckDefinition{Check: c, Token: s.Token, Origin: s.origin}
}

func checkLabel(c *catalog.Check) string {
	if c.Name != "" {
		return c.Name
	}
	return c.CheckID
}

// check is the row of s, and why it cannot run. After a duration that cannot be
// read, which is reported here, it tells nothing more: the rest would only follow
// from that. A check without a name is called otherwise.
func (b *builder) check(key, otherwise string, s *definition.Check, row func() (*catalog.Check, error)) (*catalog.Check, error) {
	c, err := row()
	var unread definition.Errors
	if errors.As(err, &unread) {
		for _, text := range unread {
			b.fail(key, "check[%s].%s", cmp.Or(s.CheckID, s.Name, otherwise), text)
		}
		return c, nil
	}
	// An explicit 0 means the same as 1 here, where "not set" means as many as
	// for critical.
	if n := s.FailuresBeforeWarning; n != nil && *n == 0 && s.FailuresBeforeCritical > 0 {
		c.Definition.FailuresBeforeWarning = 1
	}
	return c, definition.ValidateCheck(c)
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
