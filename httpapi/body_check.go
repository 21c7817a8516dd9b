package httpapi

import (
	"time"

	"praetor/catalog"
	"praetor/internal/definition"
)

// checkFields are what all registrations of checks with the agent share
// (reference/http-agent.md §4.2).
type checkFields struct {
	Name       string
	Notes      string
	Status     string
	ServiceID  string
	ServiceID2 string `json:"service_id"`
	Token      string // accepted and ignored

	TTL                             duration
	Interval                        duration
	Timeout                         duration
	DeregisterCriticalServiceAfter  duration
	DeregisterCriticalServiceAfter2 duration `json:"deregister_critical_service_after"`

	HTTP             string
	Method           string
	Header           map[string][]string
	Body             string
	DisableRedirects bool
	TCP              string
	TCPUseTLS        bool
	TCPUseTLS2       bool `json:"tcp_use_tls"`
	UDP              string
	GRPC             string
	GRPCUseTLS       bool
	GRPCUseTLS2      bool `json:"grpc_use_tls"`
	H2PING           string
	H2PingUseTLS     *bool
	H2PingUseTLS2    *bool `json:"h2ping_use_tls"`
	OSService        string
	TLSServerName    string
	TLSServerName2   string `json:"tls_server_name"`
	TLSSkipVerify    bool
	TLSSkipVerify2   bool `json:"tls_skip_verify"`

	ScriptArgs         []string
	ScriptArgs2        []string `json:"script_args"`
	Args               []string
	DockerContainerID  string
	DockerContainerID2 string `json:"docker_container_id"`
	Shell              string

	AliasNode    string
	AliasService string

	SuccessBeforePassing   int
	FailuresBeforeWarning  int
	FailuresBeforeCritical int
	OutputMaxSize          int

	// Accepted: they tell a mesh proxy how to expose the check.
	ProxyHTTP string
	ProxyGRPC string
}

// agentCheckBody is what check/register takes.
type agentCheckBody struct {
	ID string
	checkFields
	DisableRedirects2 bool `json:"disable_redirects"`
}

// serviceCheckBody is a check inside a service registration.
type serviceCheckBody struct {
	CheckID string
	checkFields
}

// check is the check the body describes. Its Interval and Timeout are shown
// even when they are zero.
func (c *agentCheckBody) check() *catalog.Check {
	chk := c.fields()
	chk.CheckID = firstOf(c.ID, c.Name)
	chk.ServiceID = firstOf(c.ServiceID, c.ServiceID2)
	chk.Definition.DisableRedirects = c.DisableRedirects || c.DisableRedirects2
	chk.Interval, chk.Timeout = c.Interval.span().String(), c.Timeout.span().String()
	return chk
}

// check is the check the body describes, without what its service gives it.
func (c *serviceCheckBody) check() *catalog.Check {
	chk := c.fields()
	chk.CheckID = c.CheckID
	if c.Interval != 0 {
		chk.Interval = c.Interval.span().String()
	}
	if c.Timeout != 0 {
		chk.Timeout = c.Timeout.span().String()
	}
	return chk
}

func (c *checkFields) fields() *catalog.Check {
	useTLS := c.H2PING != ""
	if given := firstOf(c.H2PingUseTLS, c.H2PingUseTLS2); given != nil {
		useTLS = *given
	}
	chk := &catalog.Check{
		Name: c.Name, Notes: c.Notes, Status: c.Status,
		Definition: catalog.CheckDefinition{
			TTL: c.TTL.span(), Interval: c.Interval.span(), Timeout: c.Timeout.span(),
			DeregisterCriticalServiceAfter: firstOf(c.DeregisterCriticalServiceAfter, c.DeregisterCriticalServiceAfter2).span(),

			HTTP: c.HTTP, Method: c.Method, Header: c.Header, Body: c.Body, DisableRedirects: c.DisableRedirects,
			TCP: c.TCP, TCPUseTLS: c.TCPUseTLS || c.TCPUseTLS2, UDP: c.UDP,
			GRPC: c.GRPC, GRPCUseTLS: c.GRPCUseTLS || c.GRPCUseTLS2,
			H2PING: c.H2PING, H2PingUseTLS: useTLS, OSService: c.OSService,
			TLSServerName: firstOf(c.TLSServerName, c.TLSServerName2), TLSSkipVerify: c.TLSSkipVerify || c.TLSSkipVerify2,

			ScriptArgs: firstList(c.ScriptArgs, c.ScriptArgs2, c.Args), Shell: c.Shell,
			DockerContainerID: firstOf(c.DockerContainerID, c.DockerContainerID2),
			AliasNode:         c.AliasNode, AliasService: c.AliasService,

			SuccessBeforePassing: c.SuccessBeforePassing, FailuresBeforeWarning: c.FailuresBeforeWarning,
			FailuresBeforeCritical: c.FailuresBeforeCritical, OutputMaxSize: c.OutputMaxSize,
		},
	}
	definition.FillThresholds(chk)
	return chk
}

// isEmpty tells a check that says nothing, which Consul passes over.
func (c *serviceCheckBody) isEmpty() bool {
	chk := c.check()
	d := &chk.Definition
	return c.CheckID == "" && c.Name == "" && c.Notes == "" && c.Status == "" &&
		d.SuccessBeforePassing == 0 && d.FailuresBeforeWarning == 0 && d.FailuresBeforeCritical == 0 &&
		string(appendDefinition(nil, d)) == "{}"
}

// checkBody is a check of the catalog (reference/http-catalog-health.md §2.1).
type checkBody struct {
	Node        string
	CheckID     string
	Name        string
	Status      string
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string   // clients send back what they read
	ServiceTags []string // "
	Type        string
	Interval    string
	Timeout     string
	ExposedPort int
	PeerName    string
	Definition  *lenient[definitionBody]
	CreateIndex uint64 // "
	ModifyIndex uint64 // "
}

// definitionBody is how a check in the catalog is run.
type definitionBody struct {
	Interval                       duration
	Timeout                        duration
	DeregisterCriticalServiceAfter duration
	TTL                            duration
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
}

func (c *checkBody) check() *catalog.Check {
	chk := &catalog.Check{
		Node: c.Node, CheckID: c.CheckID, Name: c.Name, Status: c.Status, Notes: c.Notes, Output: c.Output,
		ServiceID: c.ServiceID, Type: c.Type, Interval: c.Interval, Timeout: c.Timeout, ExposedPort: c.ExposedPort,
	}
	if c.Definition == nil {
		return chk
	}
	d := &c.Definition.Value
	chk.Definition = catalog.CheckDefinition{
		Interval: d.Interval.span(), Timeout: d.Timeout.span(), TTL: d.TTL.span(),
		DeregisterCriticalServiceAfter: time.Duration(d.DeregisterCriticalServiceAfter),
		OutputMaxSize:                  d.OutputMaxSize,
		HTTP:                           d.HTTP, Header: d.Header, Method: d.Method, Body: d.Body, DisableRedirects: d.DisableRedirects,
		TLSServerName: d.TLSServerName, TLSSkipVerify: d.TLSSkipVerify, TCP: d.TCP, TCPUseTLS: d.TCPUseTLS, UDP: d.UDP,
		H2PING: d.H2PING, H2PingUseTLS: d.H2PingUseTLS, OSService: d.OSService, GRPC: d.GRPC, GRPCUseTLS: d.GRPCUseTLS,
		ScriptArgs: d.ScriptArgs, DockerContainerID: d.DockerContainerID, Shell: d.Shell,
		AliasNode: d.AliasNode, AliasService: d.AliasService, SessionName: d.SessionName,
	}
	return chk
}

func firstList(lists ...[]string) []string {
	for _, l := range lists {
		if len(l) > 0 {
			return l
		}
	}
	return nil
}
