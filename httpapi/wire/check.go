package wire

import (
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
)

// AppendCheck appends the catalog's form (reference/http-catalog-health.md §1).
func AppendCheck(b []byte, c *catalog.Check) []byte { return AppendCheckWith(b, c, AppendStrings) }

// AppendCheckWith lets the caller say how tags are written.
func AppendCheckWith(b []byte, c *catalog.Check, appendTags func([]byte, []string) []byte) []byte {
	b = appendCheckHead(b, c, appendTags)
	b = appendDefinition(append(b, `,"Definition":`...), &c.Definition)
	b = AppendUint(b, `,"CreateIndex":`, c.CreateIndex)
	b = AppendUint(b, `,"ModifyIndex":`, c.ModifyIndex)
	return append(b, '}')
}

// AppendAgentCheck appends the agent's form: it hides how the check is run.
func AppendAgentCheck(b []byte, c *catalog.Check) []byte {
	return append(appendCheckHead(b, c, AppendStrings), `,"Definition":{},"CreateIndex":0,"ModifyIndex":0}`...)
}

func appendCheckHead(b []byte, c *catalog.Check, appendTags func([]byte, []string) []byte) []byte {
	b = appendCheckState(b, c)
	b = appendTags(append(b, `,"ServiceTags":`...), c.ServiceTags)
	b = AppendText(b, `,"Type":`, c.Type)
	b = AppendText(b, `,"Interval":`, c.Interval)
	b = AppendText(b, `,"Timeout":`, c.Timeout)
	return AppendInt(b, `,"ExposedPort":`, int64(c.ExposedPort))
}

func appendCheckState(b []byte, c *catalog.Check) []byte {
	b = AppendText(b, `{"Node":`, c.Node)
	b = AppendText(b, `,"CheckID":`, c.CheckID)
	b = AppendText(b, `,"Name":`, c.Name)
	b = AppendText(b, `,"Status":`, c.Status)
	b = AppendText(b, `,"Notes":`, c.Notes)
	b = AppendText(b, `,"Output":`, c.Output)
	b = AppendText(b, `,"ServiceID":`, c.ServiceID)
	return AppendText(b, `,"ServiceName":`, c.ServiceName)
}

// appendDefinition appends what is not zero. TTL is a number of nanoseconds.
func appendDefinition(b []byte, d *catalog.CheckDefinition) []byte {
	start := len(b)
	b = appendGivenDuration(b, `,"Interval":`, d.Interval)
	b = appendGivenDuration(b, `,"Timeout":`, d.Timeout)
	b = appendGivenDuration(b, `,"DeregisterCriticalServiceAfter":`, d.DeregisterCriticalServiceAfter)
	if d.TTL != 0 {
		b = AppendInt(b, `,"TTL":`, int64(d.TTL/time.Nanosecond))
	}
	b = appendGivenInt(b, `,"OutputMaxSize":`, d.OutputMaxSize)
	b = appendGivenText(b, `,"HTTP":`, d.HTTP)
	if len(d.Header) > 0 {
		b = AppendMap(append(b, `,"Header":`...), d.Header, AppendStrings)
	}
	b = appendGivenText(b, `,"Method":`, d.Method)
	b = appendGivenText(b, `,"Body":`, d.Body)
	b = appendGivenBool(b, `,"DisableRedirects":`, d.DisableRedirects)
	b = appendGivenText(b, `,"TLSServerName":`, d.TLSServerName)
	b = appendGivenBool(b, `,"TLSSkipVerify":`, d.TLSSkipVerify)
	b = appendGivenText(b, `,"TCP":`, d.TCP)
	b = appendGivenBool(b, `,"TCPUseTLS":`, d.TCPUseTLS)
	b = appendGivenText(b, `,"UDP":`, d.UDP)
	b = appendGivenText(b, `,"H2PING":`, d.H2PING)
	b = appendGivenBool(b, `,"H2PingUseTLS":`, d.H2PingUseTLS)
	b = appendGivenText(b, `,"OSService":`, d.OSService)
	b = appendGivenText(b, `,"GRPC":`, d.GRPC)
	b = appendGivenBool(b, `,"GRPCUseTLS":`, d.GRPCUseTLS)
	if len(d.ScriptArgs) > 0 {
		b = AppendStrings(append(b, `,"ScriptArgs":`...), d.ScriptArgs)
	}
	b = appendGivenText(b, `,"DockerContainerID":`, d.DockerContainerID)
	b = appendGivenText(b, `,"Shell":`, d.Shell)
	b = appendGivenText(b, `,"AliasNode":`, d.AliasNode)
	b = appendGivenText(b, `,"AliasService":`, d.AliasService)
	b = appendGivenText(b, `,"SessionName":`, d.SessionName)
	return closeObject(b, start)
}

// plainDefinition is what the local health endpoints show of every check.
const plainDefinition = `{"Interval":"0s","Timeout":"0s","DeregisterCriticalServiceAfter":"0s",` +
	`"HTTP":"","Header":null,"Method":"","Body":"","TLSServerName":"","TLSSkipVerify":false,"TCP":"","TCPUseTLS":false,` +
	`"UDP":"","GRPC":"","OSService":"","GRPCUseTLS":false}`

// AppendHealthCheck appends the form of the local health endpoints
// (reference/http-agent.md §3.2).
func AppendHealthCheck(b []byte, c *catalog.Check) []byte {
	b = AppendNullableStrings(append(appendCheckState(b, c), `,"ServiceTags":`...), c.ServiceTags)
	b = AppendInt(b, `,"Type":"","ExposedPort":`, int64(c.ExposedPort))
	return append(append(b, `,"Definition":`+plainDefinition...), `,"CreateIndex":0,"ModifyIndex":0}`...)
}

// AppendInstanceHealth appends one element of health/service.
func AppendInstanceHealth(b []byte, i *catalog.InstanceHealth) []byte {
	b = AppendNode(append(b, `{"Node":`...), i.Node)
	b = AppendNodeService(append(b, `,"Service":`...), i.Service)
	b = AppendList(append(b, `,"Checks":`...), i.Checks, AppendCheck)
	return append(b, '}')
}

// checkBody is a check of the catalog (reference/http-catalog-health.md §2.1):
// the row, as clients read it and send it back.
type checkBody struct {
	checkRow
	PeerName   string
	Definition *Lenient[definitionBody]
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
	chk.CreateIndex, chk.ModifyIndex = 0, 0 // the catalog's own
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

// IsEmpty reports whether a check says nothing: Consul ignores such a check.
func IsEmpty(c *catalog.Check) bool {
	d := &c.Definition
	return c.CheckID == "" && c.Name == "" && c.Notes == "" && c.Status == "" &&
		d.SuccessBeforePassing == 0 && d.FailuresBeforeWarning == 0 && d.FailuresBeforeCritical == 0 &&
		string(appendDefinition(nil, d)) == "{}"
}
