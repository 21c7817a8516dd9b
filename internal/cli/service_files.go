package cli

import (
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/agent/config"
	"praetor/catalog"
)

// readServices reads service definitions in the format of configuration files, up to the
// first file that cannot be read.
func readServices(files []string) ([]*api.AgentServiceRegistration, error) {
	var list []*api.AgentServiceRegistration
	for _, file := range files {
		definitions, err := config.ReadServices([]string{file})
		if err != nil {
			return nil, fail("Error: %s", endList(err.Error()))
		}
		for _, d := range definitions {
			list = append(list, registration(d))
		}
	}
	return list, nil
}

// endList ends a list of faults with a blank line, as Consul's are.
func endList(text string) string {
	text = strings.TrimRight(text, "\n")
	if strings.Contains(text, " occurred:") {
		text += "\n\n"
	}
	return text
}

// registration words a definition as the API takes it.
func registration(d config.ServiceDefinition) *api.AgentServiceRegistration {
	s := d.Service
	r := &api.AgentServiceRegistration{
		Kind: api.ServiceKind(s.Kind), ID: s.ID, Name: s.Service, Tags: s.Tags, Port: s.Port, Address: s.Address,
		SocketPath: s.SocketPath, EnableTagOverride: s.EnableTagOverride, Meta: s.Meta, Proxy: registeredProxy(s.Proxy),
		Locality: (*api.Locality)(s.Locality),
	}
	for _, p := range s.Ports {
		r.Ports = append(r.Ports, api.ServicePort(p))
	}
	if s.Port == s.DefaultPort() {
		r.Port = 0 // the agent takes no port beside several
	}
	if s.Weights != (catalog.Weights{}) {
		r.Weights = &api.AgentWeights{Passing: s.Weights.Passing, Warning: s.Weights.Warning}
	}
	for label, a := range s.TaggedAddresses {
		if r.TaggedAddresses == nil {
			r.TaggedAddresses = map[string]api.ServiceAddress{}
		}
		r.TaggedAddresses[label] = api.ServiceAddress{Address: a.Address, Port: a.Port}
	}
	for _, c := range d.Checks {
		r.Checks = append(r.Checks, registeredCheck(c))
	}
	if s.Connect != nil && s.Connect.Native {
		r.Connect = &api.AgentServiceConnect{Native: true}
	}
	if d.Sidecar != nil {
		if r.Connect == nil {
			r.Connect = &api.AgentServiceConnect{}
		}
		r.Connect.SidecarService = registration(*d.Sidecar)
		r.Connect.SidecarService.ID = "" // the agent gives it, and refuses one
	}
	return r
}

func registeredCheck(c *catalog.Check) *api.AgentServiceCheck {
	d := &c.Definition
	return &api.AgentServiceCheck{
		CheckID: c.CheckID, Name: c.Name, Status: c.Status, Notes: c.Notes,
		Interval: duration(d.Interval), Timeout: duration(d.Timeout), TTL: duration(d.TTL),
		DeregisterCriticalServiceAfter: duration(d.DeregisterCriticalServiceAfter),
		HTTP:                           d.HTTP, Header: d.Header, Method: d.Method, Body: d.Body,
		TLSServerName: d.TLSServerName, TLSSkipVerify: d.TLSSkipVerify,
		TCP: d.TCP, TCPUseTLS: d.TCPUseTLS, UDP: d.UDP, H2PING: d.H2PING, H2PingUseTLS: d.H2PingUseTLS,
		GRPC: d.GRPC, GRPCUseTLS: d.GRPCUseTLS, Args: d.ScriptArgs, DockerContainerID: d.DockerContainerID, Shell: d.Shell,
		AliasNode: d.AliasNode, AliasService: d.AliasService,
		SuccessBeforePassing: d.SuccessBeforePassing, FailuresBeforeWarning: d.FailuresBeforeWarning, FailuresBeforeCritical: d.FailuresBeforeCritical,
	}
}

// duration words a duration; zero is left out.
func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
