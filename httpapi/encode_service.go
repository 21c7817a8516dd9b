package httpapi

import (
	"praetor/catalog"
	"praetor/internal/definition"
)

// appendNodeService appends the form of node-centric and health answers
// (reference/http-catalog-health.md §1).
func appendNodeService(b []byte, s *catalog.Service) []byte {
	return appendNodeServiceWith(b, s, appendStrings)
}

// appendNodeServiceWith lets the caller say how tags are written.
func appendNodeServiceWith(b []byte, s *catalog.Service, appendTags func([]byte, []string) []byte) []byte {
	b = append(b, '{')
	if s.Kind != "" {
		b = append(appendText(b, `"Kind":`, s.Kind), ',')
	}
	b = appendText(b, `"ID":`, s.ID)
	b = appendText(b, `,"Service":`, s.Service)
	b = appendTags(append(b, `,"Tags":`...), s.Tags)
	b = appendText(b, `,"Address":`, s.Address)
	if len(s.TaggedAddresses) > 0 {
		b = appendServiceAddresses(append(b, `,"TaggedAddresses":`...), s.TaggedAddresses)
	}
	b = appendStringMap(append(b, `,"Meta":`...), s.Meta, "null")
	b = appendGivenInt(b, `,"Port":`, s.Port)
	b = appendGivenText(b, `,"SocketPath":`, s.SocketPath)
	b = appendWeights(append(b, `,"Weights":`...), s.Weights)
	b = appendBool(b, `,"EnableTagOverride":`, s.EnableTagOverride)
	b = appendCatalogProxy(append(b, `,"Proxy":`...), s.Proxy)
	b = appendConnect(append(b, `,"Connect":`...), s.Connect)
	b = append(b, `,"PeerName":""`...)
	if s.Locality != nil {
		b = appendLocality(append(b, `,"Locality":`...), s.Locality)
	}
	b = appendUint(b, `,"CreateIndex":`, s.CreateIndex)
	b = appendUint(b, `,"ModifyIndex":`, s.ModifyIndex)
	return append(b, '}')
}

// appendServiceNode appends an instance and its node in one object.
func appendServiceNode(b []byte, i *catalog.Instance) []byte {
	n, s := i.Node, i.Service
	b = appendText(b, `{"ID":`, n.ID)
	b = appendText(b, `,"Node":`, n.Node)
	b = appendText(b, `,"Address":`, n.Address)
	b = appendText(b, `,"Datacenter":`, n.Datacenter)
	b = appendStringMap(append(b, `,"TaggedAddresses":`...), n.TaggedAddresses, "null")
	b = appendStringMap(append(b, `,"NodeMeta":`...), n.Meta, "null")
	b = appendText(b, `,"ServiceKind":`, s.Kind)
	b = appendText(b, `,"ServiceID":`, s.ID)
	b = appendText(b, `,"ServiceName":`, s.Service)
	b = appendStrings(append(b, `,"ServiceTags":`...), s.Tags)
	b = appendText(b, `,"ServiceAddress":`, s.Address)
	if len(s.TaggedAddresses) > 0 {
		b = appendServiceAddresses(append(b, `,"ServiceTaggedAddresses":`...), s.TaggedAddresses)
	}
	b = appendWeights(append(b, `,"ServiceWeights":`...), s.Weights)
	b = appendStringMap(append(b, `,"ServiceMeta":`...), s.Meta, "{}")
	b = appendInt(b, `,"ServicePort":`, int64(s.Port))
	b = appendText(b, `,"ServiceSocketPath":`, s.SocketPath)
	b = appendBool(b, `,"ServiceEnableTagOverride":`, s.EnableTagOverride)
	b = appendCatalogProxy(append(b, `,"ServiceProxy":`...), s.Proxy)
	b = appendConnect(append(b, `,"ServiceConnect":`...), s.Connect)
	b = appendLocality(append(b, `,"ServiceLocality":`...), s.Locality)
	b = appendUint(b, `,"CreateIndex":`, s.CreateIndex)
	b = appendUint(b, `,"ModifyIndex":`, s.ModifyIndex)
	return append(b, '}')
}

// appendAgentService appends the form of the agent's own endpoints
// (reference/http-agent.md §1). hash is left out when empty.
func appendAgentService(b []byte, s *catalog.Service, datacenter, hash string) []byte {
	b = append(b, '{')
	if s.Kind != "" {
		b = append(appendText(b, `"Kind":`, s.Kind), ',')
	}
	b = appendText(b, `"ID":`, s.ID)
	b = appendText(b, `,"Service":`, s.Service)
	b = appendStrings(append(b, `,"Tags":`...), s.Tags)
	b = appendStringMap(append(b, `,"Meta":`...), s.Meta, "{}")
	b = appendInt(b, `,"Port":`, int64(s.Port))
	b = appendText(b, `,"Address":`, s.Address)
	b = appendGivenText(b, `,"SocketPath":`, s.SocketPath)
	if len(s.TaggedAddresses) > 0 {
		b = appendServiceAddresses(append(b, `,"TaggedAddresses":`...), s.TaggedAddresses)
	}
	b = appendWeights(append(b, `,"Weights":`...), s.Weights)
	b = appendBool(b, `,"EnableTagOverride":`, s.EnableTagOverride)
	b = appendGivenText(b, `,"ContentHash":`, hash)
	if definition.KnownKind(s.Kind) {
		b = appendAgentProxy(append(b, `,"Proxy":`...), s.Proxy)
	}
	if s.Connect != nil && s.Connect.Native {
		b = append(b, `,"Connect":{"Native":true}`...)
	}
	b = appendText(b, `,"Datacenter":`, datacenter)
	if l := s.Locality; l != nil {
		b = appendText(b, `,"Locality":{"Region":`, l.Region)
		b = append(appendText(b, `,"Zone":`, l.Zone), '}')
	}
	return append(b, '}')
}

func appendServiceAddresses(b []byte, m map[string]catalog.ServiceAddress) []byte {
	return appendMap(b, m, func(b []byte, a catalog.ServiceAddress) []byte {
		b = appendText(b, `{"Address":`, a.Address)
		return append(appendInt(b, `,"Port":`, int64(a.Port)), '}')
	})
}

// appendWeights appends the weights in force: none given means 1 and 1.
func appendWeights(b []byte, w catalog.Weights) []byte {
	if w == (catalog.Weights{}) {
		w = definition.DefaultWeights()
	}
	b = appendInt(b, `{"Passing":`, int64(w.Passing))
	return append(appendInt(b, `,"Warning":`, int64(w.Warning)), '}')
}

func appendConnect(b []byte, c *catalog.Connect) []byte {
	if c != nil && c.Native {
		return append(b, `{"Native":true}`...)
	}
	return append(b, '{', '}')
}
