package configentry

import (
	"fmt"
	"slices"
	"time"

	"github.com/mitchellh/mapstructure"
)

// extensions are those that are built in, and what each says of its arguments.
var extensions = map[string]func(arguments map[string]any) error{
	"builtin/aws/lambda":          checkArguments((*lambdaArguments).check),
	"builtin/ext-authz":           checkArguments((*authzArguments).check),
	"builtin/lua":                 checkArguments((*luaArguments).check),
	"builtin/otel-access-logging": checkArguments((*otelArguments).check),
	"builtin/property-override":   checkArguments((*overrideArguments).check),
	"builtin/wasm":                checkArguments((*wasmArguments).check),
}

// extensionFaults says what is wrong with the extensions that are listed. Paths into
// Envoy's resources are looked at when these are made.
func extensionFaults(list []EnvoyExtension) (faults []string) {
	for i, x := range list {
		if x.Name == "" {
			faults = append(faults, fmt.Sprintf("invalid EnvoyExtensions[%d]: Name is required", i))
			continue
		}
		err := fmt.Errorf("name %q is not a built-in extension", x.Name)
		if check, ok := extensions[x.Name]; ok {
			err = check(x.Arguments)
		}
		if err != nil {
			faults = append(faults, fmt.Sprintf("invalid EnvoyExtensions[%d][%s]: %s", i, x.Name, err))
		}
	}
	return faults
}

// checkArguments reads arguments, whose keys may be in any case, before it looks at
// them. Unknown ones are passed over.
func checkArguments[A any](check func(*A) error) func(map[string]any) error {
	return func(raw map[string]any) error {
		arguments := new(A)
		if err := mapstructure.Decode(raw, arguments); err != nil {
			return err
		}
		return check(arguments)
	}
}

// proxyFault says that an extension is for no kind of proxy that it can be for; ""
// stands for sidecars.
func proxyFault(kind string) []string {
	if oneOf(kind, "connect-proxy", "api-gateway") {
		return nil
	}
	return []string{fmt.Sprintf("unexpected ProxyType %q", kind)}
}

type lambdaArguments struct{ ARN string }

func (a *lambdaArguments) check() error {
	if a.ARN == "" {
		return together([]string{"ARN is required"})
	}
	return nil
}

type luaArguments struct{ ProxyType, Listener, Script string }

func (a *luaArguments) check() error {
	var faults []string
	if a.Script == "" {
		faults = append(faults, "missing Script value")
	}
	faults = append(faults, proxyFault(a.ProxyType)...)
	if a.Listener != "inbound" && a.Listener != "outbound" {
		faults = append(faults, fmt.Sprintf("unexpected Listener %q", a.Listener))
	}
	return together(faults)
}

type authzArguments struct {
	ProxyType string
	Config    struct{ GrpcService, HttpService map[string]any }
}

func (a *authzArguments) check() error {
	faults := proxyFault(a.ProxyType)
	if present(a.Config.GrpcService != nil)+present(a.Config.HttpService != nil) != 1 {
		faults = append(faults, "exactly one of GrpcService or HttpService must be set")
	}
	return together(faults)
}

type otelArguments struct {
	ProxyType, ListenerType string
	Config                  struct {
		GrpcService         map[string]any
		BufferFlushInterval time.Duration
	}
}

func (a *otelArguments) check() error {
	faults := proxyFault(a.ProxyType)
	if !oneOf(a.ListenerType, "inbound", "outbound") {
		faults = append(faults, fmt.Sprintf("unexpected ListenerType %q", a.ListenerType))
	}
	if a.Config.GrpcService == nil {
		faults = append(faults, "missing GrpcService")
	}
	return together(faults)
}

type overrideArguments struct {
	ProxyType string
	Patches   []struct {
		ResourceFilter *struct{ ResourceType, TrafficDirection string }
		Op             string
		Value          any
	}
}

func (a *overrideArguments) check() error {
	if len(a.Patches) == 0 {
		return rejected("at least one patch is required")
	}
	faults := proxyFault(a.ProxyType)
	for i, p := range a.Patches {
		text := ""
		switch f := p.ResourceFilter; {
		case f == nil:
			text = "field ResourceFilter is required"
		case !slices.Contains([]string{"listener", "route", "cluster", "cluster-load-assignment"}, f.ResourceType):
			text = fmt.Sprintf("invalid ResourceType '%q'; supported values: 'listener', 'route', 'cluster', 'cluster-load-assignment'", f.ResourceType)
		case f.TrafficDirection != "inbound" && f.TrafficDirection != "outbound":
			text = fmt.Sprintf("invalid TrafficDirection '%q'; supported values: 'inbound', 'outbound'", f.TrafficDirection)
		case p.Op != "add" && p.Op != "remove":
			text = fmt.Sprintf("invalid Op '%q'; supported values: 'add', 'remove'", p.Op)
		case p.Op == "remove" && p.Value != nil:
			text = "field Value is not supported for remove operation"
		default:
			continue
		}
		faults = append(faults, fmt.Sprintf("invalid Patches[%d]: %s", i, text))
	}
	return together(faults)
}

type wasmArguments struct {
	ProxyType, Protocol, ListenerType string
	PluginConfig                      struct {
		VmConfig struct {
			Code struct {
				Local  map[string]any
				Remote *struct {
					HttpURI struct {
						Service struct{ Name string }
						URI     string
					}
					SHA256 string
				}
			}
		}
	}
}

func (a *wasmArguments) check() error {
	faults := proxyFault(a.ProxyType)
	if a.Protocol != ProtocolTCP && a.Protocol != ProtocolHTTP {
		faults = append(faults, fmt.Sprintf(`unsupported Protocol %q, expected "tcp" or "http"`, a.Protocol))
	}
	if a.ListenerType != "inbound" && a.ListenerType != "outbound" {
		faults = append(faults, fmt.Sprintf(`unsupported ListenerType %q, expected "inbound" or "outbound"`, a.ListenerType))
	}
	code := a.PluginConfig.VmConfig.Code
	if present(code.Local != nil)+present(code.Remote != nil) != 1 {
		faults = append(faults, "VmConfig.Code must provide exactly one of Local or Remote data source")
	}
	if code.Local == nil {
		if r := code.Remote; r == nil || r.HttpURI.Service.Name == "" || r.HttpURI.URI == "" {
			faults = append(faults, "both Service and URI are required for Remote data sources")
		}
		if r := code.Remote; r == nil || r.SHA256 == "" {
			faults = append(faults, "SHA256 checksum is required for Remote data sources")
		}
	}
	return together(faults)
}
