package httpapi

import (
	"praetor/catalog"
	"praetor/internal/definition"
)

// checkBody is a check of the catalog (reference/http-catalog-health.md §2.1):
// the row, as clients read it and send it back.
type checkBody struct {
	checkRow
	PeerName   string
	Definition *lenient[definitionBody]
}

// definitionBody is how a check in the catalog is run.
type definitionBody struct {
	checkDefinition
	Interval                       definition.Duration
	Timeout                        definition.Duration
	DeregisterCriticalServiceAfter definition.Duration
	TTL                            definition.Duration
}

// What is embedded has a name that no key has: see keyPath.
type (
	checkRow        = catalog.Check
	checkDefinition = catalog.CheckDefinition
)

func (c *checkBody) check() *catalog.Check {
	chk := c.checkRow
	chk.ServiceName, chk.ServiceTags, chk.CreateIndex, chk.ModifyIndex = "", nil, 0, 0 // the catalog's own
	if c.Definition == nil {
		return &chk
	}
	d := &c.Definition.Value
	chk.Definition = d.checkDefinition
	chk.Definition.Interval, chk.Definition.Timeout, chk.Definition.TTL = d.Interval.Span(), d.Timeout.Span(), d.TTL.Span()
	chk.Definition.DeregisterCriticalServiceAfter = d.DeregisterCriticalServiceAfter.Span()
	chk.Definition.SuccessBeforePassing, chk.Definition.FailuresBeforeWarning, chk.Definition.FailuresBeforeCritical = 0, 0, 0 // the agent's
	return &chk
}

// isEmpty tells a check that says nothing, which Consul passes over.
func isEmpty(c *catalog.Check) bool {
	d := &c.Definition
	return c.CheckID == "" && c.Name == "" && c.Notes == "" && c.Status == "" &&
		d.SuccessBeforePassing == 0 && d.FailuresBeforeWarning == 0 && d.FailuresBeforeCritical == 0 &&
		string(appendDefinition(nil, d)) == "{}"
}
