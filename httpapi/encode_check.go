package httpapi

import (
	"time"

	"praetor/catalog"
)

// appendCheck appends the catalog's form (reference/http-catalog-health.md §1).
func appendCheck(b []byte, c *catalog.Check) []byte { return appendCheckWith(b, c, appendStrings) }

// appendCheckWith lets the caller say how tags are written.
func appendCheckWith(b []byte, c *catalog.Check, appendTags func([]byte, []string) []byte) []byte {
	b = appendCheckHead(b, c, appendTags)
	b = appendDefinition(append(b, `,"Definition":`...), &c.Definition)
	b = appendUint(b, `,"CreateIndex":`, c.CreateIndex)
	b = appendUint(b, `,"ModifyIndex":`, c.ModifyIndex)
	return append(b, '}')
}

// appendAgentCheck appends the agent's form: it hides how the check is run.
func appendAgentCheck(b []byte, c *catalog.Check) []byte {
	return append(appendCheckHead(b, c, appendStrings), `,"Definition":{},"CreateIndex":0,"ModifyIndex":0}`...)
}

func appendCheckHead(b []byte, c *catalog.Check, appendTags func([]byte, []string) []byte) []byte {
	b = appendCheckState(b, c)
	b = appendTags(append(b, `,"ServiceTags":`...), c.ServiceTags)
	b = appendText(b, `,"Type":`, c.Type)
	b = appendText(b, `,"Interval":`, c.Interval)
	b = appendText(b, `,"Timeout":`, c.Timeout)
	return appendInt(b, `,"ExposedPort":`, int64(c.ExposedPort))
}

func appendCheckState(b []byte, c *catalog.Check) []byte {
	b = appendText(b, `{"Node":`, c.Node)
	b = appendText(b, `,"CheckID":`, c.CheckID)
	b = appendText(b, `,"Name":`, c.Name)
	b = appendText(b, `,"Status":`, c.Status)
	b = appendText(b, `,"Notes":`, c.Notes)
	b = appendText(b, `,"Output":`, c.Output)
	b = appendText(b, `,"ServiceID":`, c.ServiceID)
	return appendText(b, `,"ServiceName":`, c.ServiceName)
}

// appendDefinition appends what is not zero. TTL is a number of nanoseconds.
func appendDefinition(b []byte, d *catalog.CheckDefinition) []byte {
	start := len(b)
	b = appendGivenDuration(b, `,"Interval":`, d.Interval)
	b = appendGivenDuration(b, `,"Timeout":`, d.Timeout)
	b = appendGivenDuration(b, `,"DeregisterCriticalServiceAfter":`, d.DeregisterCriticalServiceAfter)
	if d.TTL != 0 {
		b = appendInt(b, `,"TTL":`, int64(d.TTL/time.Nanosecond))
	}
	b = appendGivenInt(b, `,"OutputMaxSize":`, d.OutputMaxSize)
	b = appendGivenText(b, `,"HTTP":`, d.HTTP)
	if len(d.Header) > 0 {
		b = appendMap(append(b, `,"Header":`...), d.Header, appendStrings)
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
		b = appendStrings(append(b, `,"ScriptArgs":`...), d.ScriptArgs)
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

// appendHealthCheck appends the form of the local health endpoints
// (reference/http-agent.md §3.2).
func appendHealthCheck(b []byte, c *catalog.Check) []byte {
	b = append(appendCheckState(b, c), `,"ServiceTags":`...)
	if len(c.ServiceTags) == 0 {
		b = append(b, "null"...)
	} else {
		b = appendStrings(b, c.ServiceTags)
	}
	b = appendInt(b, `,"Type":"","ExposedPort":`, int64(c.ExposedPort))
	return append(append(b, `,"Definition":`+plainDefinition...), `,"CreateIndex":0,"ModifyIndex":0}`...)
}

// appendInstanceHealth appends one element of health/service.
func appendInstanceHealth(b []byte, i *catalog.InstanceHealth) []byte {
	b = appendNode(append(b, `{"Node":`...), i.Node)
	b = appendNodeService(append(b, `,"Service":`...), i.Service)
	b = appendList(append(b, `,"Checks":`...), i.Checks, appendCheck)
	return append(b, '}')
}
