package wire

import (
	"praetor/catalog"
	"praetor/internal/definition"
)

// AppendNodeService appends the form of node-centric and health answers
// (reference/http-catalog-health.md §1).
func AppendNodeService(b []byte, s *catalog.Service) []byte {
	return AppendNodeServiceWith(b, s, AppendStrings)
}

// AppendNodeServiceWith lets the caller say how tags are written.
func AppendNodeServiceWith(b []byte, s *catalog.Service, appendTags func([]byte, []string) []byte) []byte {
	b = append(b, '{')
	if s.Kind != "" {
		b = append(AppendText(b, `"Kind":`, s.Kind), ',')
	}
	b = AppendText(b, `"ID":`, s.ID)
	b = AppendText(b, `,"Service":`, s.Service)
	b = appendTags(append(b, `,"Tags":`...), s.Tags)
	b = AppendText(b, `,"Address":`, s.Address)
	if len(s.TaggedAddresses) > 0 {
		b = appendServiceAddresses(append(b, `,"TaggedAddresses":`...), s.TaggedAddresses)
	}
	b = AppendStringMap(append(b, `,"Meta":`...), s.Meta, "null")
	b = appendGivenInt(b, `,"Port":`, s.Port)
	b = appendPorts(b, `,"Ports":`, s.Ports)
	b = appendGivenText(b, `,"SocketPath":`, s.SocketPath)
	b = appendWeights(append(b, `,"Weights":`...), s.Weights)
	b = AppendBool(b, `,"EnableTagOverride":`, s.EnableTagOverride)
	b = appendCatalogProxy(append(b, `,"Proxy":`...), s.Proxy)
	b = appendConnect(append(b, `,"Connect":`...), s.Connect)
	b = append(b, `,"PeerName":""`...)
	if s.Locality != nil {
		b = appendLocality(append(b, `,"Locality":`...), s.Locality)
	}
	b = AppendUint(b, `,"CreateIndex":`, s.CreateIndex)
	b = AppendUint(b, `,"ModifyIndex":`, s.ModifyIndex)
	return append(b, '}')
}

// AppendServiceNode appends an instance and its node in one object.
func AppendServiceNode(b []byte, i *catalog.Instance) []byte {
	n, s := i.Node, i.Service
	b = AppendText(b, `{"ID":`, n.ID)
	b = AppendText(b, `,"Node":`, s.Node)
	b = AppendText(b, `,"Address":`, n.Address)
	b = AppendText(b, `,"Datacenter":`, n.Datacenter)
	b = AppendStringMap(append(b, `,"TaggedAddresses":`...), n.TaggedAddresses, "null")
	b = AppendStringMap(append(b, `,"NodeMeta":`...), n.Meta, "null")
	b = AppendText(b, `,"ServiceKind":`, s.Kind)
	b = AppendText(b, `,"ServiceID":`, s.ID)
	b = AppendText(b, `,"ServiceName":`, s.Service)
	b = AppendStrings(append(b, `,"ServiceTags":`...), s.Tags)
	b = AppendText(b, `,"ServiceAddress":`, s.Address)
	if len(s.TaggedAddresses) > 0 {
		b = appendServiceAddresses(append(b, `,"ServiceTaggedAddresses":`...), s.TaggedAddresses)
	}
	b = appendWeights(append(b, `,"ServiceWeights":`...), s.Weights)
	b = AppendStringMap(append(b, `,"ServiceMeta":`...), s.Meta, "{}")
	b = AppendInt(b, `,"ServicePort":`, int64(s.Port))
	b = appendPorts(b, `,"ServicePorts":`, s.Ports)
	b = AppendText(b, `,"ServiceSocketPath":`, s.SocketPath)
	b = AppendBool(b, `,"ServiceEnableTagOverride":`, s.EnableTagOverride)
	b = appendCatalogProxy(append(b, `,"ServiceProxy":`...), s.Proxy)
	b = appendConnect(append(b, `,"ServiceConnect":`...), s.Connect)
	b = appendLocality(append(b, `,"ServiceLocality":`...), s.Locality)
	b = AppendUint(b, `,"CreateIndex":`, s.CreateIndex)
	b = AppendUint(b, `,"ModifyIndex":`, s.ModifyIndex)
	return append(b, '}')
}

// AppendAgentService appends the form of the agent's own endpoints
// (reference/http-agent.md §1). hash is left out when empty.
func AppendAgentService(b []byte, s *catalog.Service, datacenter, hash string) []byte {
	b = append(b, '{')
	if s.Kind != "" {
		b = append(AppendText(b, `"Kind":`, s.Kind), ',')
	}
	b = AppendText(b, `"ID":`, s.ID)
	b = AppendText(b, `,"Service":`, s.Service)
	b = AppendStrings(append(b, `,"Tags":`...), s.Tags)
	b = AppendStringMap(append(b, `,"Meta":`...), s.Meta, "{}")
	b = AppendInt(b, `,"Port":`, int64(s.Port))
	b = appendPorts(b, `,"Ports":`, s.Ports)
	b = AppendText(b, `,"Address":`, s.Address)
	b = appendGivenText(b, `,"SocketPath":`, s.SocketPath)
	if len(s.TaggedAddresses) > 0 {
		b = appendServiceAddresses(append(b, `,"TaggedAddresses":`...), s.TaggedAddresses)
	}
	b = appendWeights(append(b, `,"Weights":`...), s.Weights)
	b = AppendBool(b, `,"EnableTagOverride":`, s.EnableTagOverride)
	b = appendGivenText(b, `,"ContentHash":`, hash)
	if definition.KnownKind(s.Kind) {
		b = appendAgentProxy(append(b, `,"Proxy":`...), s.Proxy)
	}
	if s.Connect != nil && s.Connect.Native {
		b = append(b, `,"Connect":{"Native":true}`...)
	}
	b = AppendText(b, `,"Datacenter":`, datacenter)
	if l := s.Locality; l != nil {
		b = AppendText(b, `,"Locality":{"Region":`, l.Region)
		b = append(AppendText(b, `,"Zone":`, l.Zone), '}')
	}
	return append(b, '}')
}

func appendServiceAddresses(b []byte, m map[string]catalog.ServiceAddress) []byte {
	return AppendMap(b, m, func(b []byte, a catalog.ServiceAddress) []byte {
		b = AppendText(b, `{"Address":`, a.Address)
		return append(AppendInt(b, `,"Port":`, int64(a.Port)), '}')
	})
}

// appendPorts appends ports by name, and nothing for none.
func appendPorts(b []byte, key string, ports []catalog.ServicePort) []byte {
	if len(ports) == 0 {
		return b
	}
	return AppendList(append(b, key...), ports, func(b []byte, p catalog.ServicePort) []byte {
		b = AppendText(b, `{"Name":`, p.Name)
		b = AppendInt(b, `,"Port":`, int64(p.Port))
		return append(AppendBool(b, `,"Default":`, p.Default), '}')
	})
}

// appendWeights appends the weights in force: none given means 1 and 1.
func appendWeights(b []byte, w catalog.Weights) []byte {
	if w == (catalog.Weights{}) {
		w = definition.DefaultWeights()
	}
	b = AppendInt(b, `{"Passing":`, int64(w.Passing))
	return append(AppendInt(b, `,"Warning":`, int64(w.Warning)), '}')
}

func appendConnect(b []byte, c *catalog.Connect) []byte {
	if c != nil && c.Native {
		return append(b, `{"Native":true}`...)
	}
	return append(b, '{', '}')
}
