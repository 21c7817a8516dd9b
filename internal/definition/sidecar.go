package definition

import (
	"net"
	"strconv"
	"time"

	"praetor/catalog"
)

const (
	sidecarSuffix        = "-sidecar-proxy"
	sidecarCheckInterval = 10 * time.Second
	loopback             = "127.0.0.1"
)

// SidecarID returns the ID of the sidecar proxy of the service with an ID.
func SidecarID(serviceID string) string { return serviceID + sidecarSuffix }

// FillSidecar gives sidecar, the proxy that parent's connect.sidecar_service
// describes, everything that it leaves out, apart from its port: the caller
// picks a free one when Port is 0 (reference/config.md §7). parent must have
// its ID.
func FillSidecar(parent, sidecar *catalog.Service) {
	sidecar.ID = SidecarID(parent.ID)
	if sidecar.Service == "" {
		sidecar.Service = parent.Service + sidecarSuffix
	}
	if sidecar.Kind == "" {
		sidecar.Kind = KindConnectProxy
	}
	if sidecar.Address == "" {
		sidecar.Address = parent.Address
	}
	if len(sidecar.Tags) == 0 {
		sidecar.Tags = append([]string(nil), parent.Tags...)
	}
	if len(sidecar.Meta) == 0 && len(parent.Meta) > 0 {
		sidecar.Meta = make(map[string]string, len(parent.Meta))
		for k, v := range parent.Meta {
			sidecar.Meta[k] = v
		}
	}
	if sidecar.Locality == nil {
		sidecar.Locality = parent.Locality
	}
	if sidecar.Weights == (catalog.Weights{}) {
		sidecar.Weights = DefaultWeights()
	}
	fillSidecarProxy(parent, sidecar)
}

func fillSidecarProxy(parent, sidecar *catalog.Service) {
	proxy := proxyOf(sidecar)
	if proxy.DestinationServiceName == "" {
		proxy.DestinationServiceName = parent.Service
	}
	if proxy.DestinationServiceID == "" {
		proxy.DestinationServiceID = parent.ID
	}
	if proxy.LocalServiceSocketPath == "" {
		proxy.LocalServiceSocketPath = parent.SocketPath
	}
	if proxy.LocalServiceSocketPath == "" {
		if proxy.LocalServiceAddress == "" {
			proxy.LocalServiceAddress = loopback
		}
		if proxy.LocalServicePort == 0 {
			proxy.LocalServicePort = parent.Port
		}
	}
	sidecar.Proxy = proxy
}

// SidecarChecks are the checks of a filled sidecar whose definition has none:
// it accepts connections, and the service behind it is well.
func SidecarChecks(parent, sidecar *catalog.Service) []*catalog.Check {
	address := sidecar.Address
	if address == "" && sidecar.Proxy != nil {
		address = sidecar.Proxy.LocalServiceAddress
	}
	if address == "" {
		address = loopback
	}
	return []*catalog.Check{
		{
			Name:     "Connect Sidecar Listening",
			Interval: sidecarCheckInterval.String(),
			Definition: catalog.CheckDefinition{
				TCP:      net.JoinHostPort(address, strconv.Itoa(sidecar.Port)),
				Interval: sidecarCheckInterval,
			},
		},
		{
			Name:       "Connect Sidecar Aliasing " + parent.ID,
			Definition: catalog.CheckDefinition{AliasService: parent.ID},
		},
	}
}
