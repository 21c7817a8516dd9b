package wire

import "praetor/catalog"

// noProxy is the form of a plain service in the catalog's answers.
const noProxy = `{"Mode":"","MeshGateway":{},"Expose":{}}`

// appendCatalogProxy appends the catalog's form, which always shows Mode.
func appendCatalogProxy(b []byte, p *catalog.Proxy) []byte {
	if p == nil {
		return append(b, noProxy...)
	}
	start := len(b)
	b = appendProxyTarget(b, p)
	b = AppendText(b, `,"Mode":`, p.Mode)
	b = appendProxyRest(b, p, true)
	return closeObject(b, start)
}

// appendAgentProxy appends the agent's form, which leaves out what is empty.
func appendAgentProxy(b []byte, p *catalog.Proxy) []byte {
	if p == nil {
		return append(b, `{"MeshGateway":{},"Expose":{}}`...)
	}
	start := len(b)
	b = appendProxyTarget(b, p)
	b = appendGivenText(b, `,"Mode":`, p.Mode)
	b = appendProxyRest(b, p, false)
	return closeObject(b, start)
}

func appendProxyTarget(b []byte, p *catalog.Proxy) []byte {
	b = appendGivenText(b, `,"DestinationServiceName":`, p.DestinationServiceName)
	b = appendGivenText(b, `,"DestinationServiceID":`, p.DestinationServiceID)
	b = appendGivenText(b, `,"LocalServiceAddress":`, p.LocalServiceAddress)
	b = appendGivenInt(b, `,"LocalServicePort":`, p.LocalServicePort)
	b = appendPorts(b, `,"LocalServicePorts":`, p.LocalServicePorts)
	return appendGivenText(b, `,"LocalServiceSocketPath":`, p.LocalServiceSocketPath)
}

func appendProxyRest(b []byte, p *catalog.Proxy, fromCatalog bool) []byte {
	if t := p.TransparentProxy; t != nil {
		b = append(b, `,"TransparentProxy":`...)
		start := len(b)
		b = appendGivenInt(b, `,"OutboundListenerPort":`, t.OutboundListenerPort)
		b = appendGivenBool(b, `,"DialedDirectly":`, t.DialedDirectly)
		b = closeObject(b, start)
	}
	if len(p.Config) > 0 {
		b = appendFreeForm(append(b, `,"Config":`...), p.Config)
	}
	if len(p.Upstreams) > 0 {
		b = append(b, `,"Upstreams":[`...)
		for i := range p.Upstreams {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendUpstream(b, &p.Upstreams[i], fromCatalog)
		}
		b = append(b, ']')
	}
	b = appendMeshGateway(append(b, `,"MeshGateway":`...), p.MeshGatewayMode)
	return appendExpose(append(b, `,"Expose":`...), p.Expose, fromCatalog)
}

// appendUpstream appends an upstream; the catalog's form always shows where it leads.
func appendUpstream(b []byte, u *catalog.Upstream, fromCatalog bool) []byte {
	start := len(b)
	appendPlace := appendGivenText
	if fromCatalog {
		appendPlace = AppendText
	}
	b = appendPlace(b, `,"DestinationType":`, u.DestinationType)
	b = appendGivenText(b, `,"DestinationNamespace":`, u.DestinationNamespace)
	b = appendGivenText(b, `,"DestinationPartition":`, u.DestinationPartition)
	b = appendGivenText(b, `,"DestinationPeer":`, u.DestinationPeer)
	b = AppendText(b, `,"DestinationName":`, u.DestinationName)
	b = appendGivenText(b, `,"DestinationPort":`, u.DestinationPort)
	b = appendPlace(b, `,"Datacenter":`, u.Datacenter)
	b = appendGivenText(b, `,"LocalBindAddress":`, u.LocalBindAddress)
	b = appendGivenInt(b, `,"LocalBindPort":`, u.LocalBindPort)
	b = appendGivenText(b, `,"LocalBindSocketPath":`, u.LocalBindSocketPath)
	b = appendGivenText(b, `,"LocalBindSocketMode":`, u.LocalBindSocketMode)
	if len(u.Config) > 0 {
		b = appendFreeForm(append(b, `,"Config":`...), u.Config)
	}
	b = appendMeshGateway(append(b, `,"MeshGateway":`...), u.MeshGatewayMode)
	b = appendGivenBool(b, `,"CentrallyConfigured":`, u.CentrallyConfigured)
	return closeObject(b, start)
}

func appendMeshGateway(b []byte, mode string) []byte {
	start := len(b)
	return closeObject(appendGivenText(b, `,"Mode":`, mode), start)
}

func appendExpose(b []byte, e *catalog.Expose, fromCatalog bool) []byte {
	start := len(b)
	if e != nil {
		b = appendGivenBool(b, `,"Checks":`, e.Checks)
		if len(e.Paths) > 0 {
			b = AppendList(append(b, `,"Paths":`...), e.Paths, func(b []byte, p catalog.ExposePath) []byte {
				return appendExposePath(b, p, fromCatalog)
			})
		}
	}
	return closeObject(b, start)
}

// appendExposePath appends a path; the agent's form always shows whether it came from a check.
func appendExposePath(b []byte, p catalog.ExposePath, fromCatalog bool) []byte {
	start := len(b)
	b = appendGivenInt(b, `,"ListenerPort":`, p.ListenerPort)
	b = appendGivenText(b, `,"Path":`, p.Path)
	b = appendGivenInt(b, `,"LocalPathPort":`, p.LocalPathPort)
	b = appendGivenText(b, `,"Protocol":`, p.Protocol)
	if p.ParsedFromCheck || !fromCatalog {
		b = AppendBool(b, `,"ParsedFromCheck":`, p.ParsedFromCheck)
	}
	return closeObject(b, start)
}
