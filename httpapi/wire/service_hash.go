package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"praetor/catalog"
	"praetor/internal/structhash"
)

// HashAgentService returns the ContentHash of what AppendAgentService shows without one. It is
// Consul's, which hashes the type that its published client has for that answer. The answer
// is read back into it, so that a service hashes alike whoever registered it, and again
// after a restart: a file's numbers are whole, JSON's are not.
func HashAgentService(s *catalog.Service, datacenter string) (string, error) {
	var shown agentService
	if err := json.Unmarshal(AppendAgentService(nil, s, datacenter, ""), &shown); err != nil {
		return "", fmt.Errorf("hash service %q: %w", s.ID, err)
	}
	return fmt.Sprintf("%016x", structhash.Of(&shown, serviceForm)), nil
}

var serviceForm = structhash.Form{
	Struct: func(t reflect.Type) (name string, more uint64) { return clientNames[t], 0 },
	Member: func(_ reflect.Type, f reflect.StructField, v reflect.Value) (reflect.Value, bool) {
		return v, !slices.Contains(clientNewer, f.Name) || !v.IsZero()
	},
}

// clientNewer are members that the client has since Consul 2.0: what does not have them keeps
// its hash.
var clientNewer = []string{"LocalServicePorts", "DestinationPort"}

// clientNames are the names that the client has for the types below.
var clientNames = map[reflect.Type]string{
	reflect.TypeFor[agentService]():     "AgentService",
	reflect.TypeFor[agentWeights]():     "AgentWeights",
	reflect.TypeFor[agentAddress]():     "ServiceAddress",
	reflect.TypeFor[agentPort]():        "ServicePort",
	reflect.TypeFor[agentConnect]():     "AgentServiceConnect",
	reflect.TypeFor[agentProxy]():       "AgentServiceConnectProxyConfig",
	reflect.TypeFor[agentUpstream]():    "Upstream",
	reflect.TypeFor[agentGateway]():     "MeshGatewayConfig",
	reflect.TypeFor[agentExpose]():      "ExposeConfig",
	reflect.TypeFor[agentExposePath]():  "ExposePath",
	reflect.TypeFor[agentTransparent](): "TransparentProxyConfig",
}

// The types are the client's, without what it leaves out of the hash (Namespace, Partition,
// Datacenter, Locality). Of what no service here has there is only that it is empty.
type (
	agentService struct {
		Kind, ID, Service        string
		Tags                     []string
		Meta                     map[string]string
		Port                     int
		Ports                    []agentPort
		Address, SocketPath      string
		TaggedAddresses          map[string]agentAddress
		Weights                  agentWeights
		EnableTagOverride        bool
		CreateIndex, ModifyIndex uint64
		ContentHash              string
		Proxy                    *agentProxy
		Connect                  *agentConnect
		PeerName                 string
	}
	agentWeights struct{ Passing, Warning int }
	agentAddress struct {
		Address string
		Port    int
	}
	agentPort struct {
		Name    string
		Port    int
		Default bool
	}
	agentConnect struct {
		Native         bool
		SidecarService *agentService // never there
	}
	agentProxy struct {
		EnvoyExtensions                                                   []struct{} // empty
		DestinationServiceName, DestinationServiceID, LocalServiceAddress string
		LocalServicePort                                                  int
		LocalServicePorts                                                 []agentPort
		LocalServiceSocketPath, Mode                                      string
		TransparentProxy                                                  *agentTransparent
		Config                                                            map[string]any
		Upstreams                                                         []agentUpstream
		MeshGateway                                                       agentGateway
		Expose                                                            agentExpose
		AccessLogs                                                        *struct{} // never there
	}
	agentTransparent struct {
		OutboundListenerPort int
		DialedDirectly       bool
	}
	agentUpstream struct {
		DestinationType, DestinationPartition, DestinationNamespace string
		DestinationPeer, DestinationName, DestinationPort           string
		Datacenter, LocalBindAddress                                string
		LocalBindPort                                               int
		LocalBindSocketPath, LocalBindSocketMode                    string
		Config                                                      map[string]any
		MeshGateway                                                 agentGateway
		CentrallyConfigured                                         bool
	}
	agentGateway struct{ Mode string }
	agentExpose  struct {
		Checks bool
		Paths  []agentExposePath
	}
	agentExposePath struct {
		ListenerPort    int
		Path            string
		LocalPathPort   int
		Protocol        string
		ParsedFromCheck bool
	}
)
