package wire

import (
	"reflect"
	"testing"

	"github.com/hashicorp/consul/api"

	"praetor/catalog"
)

func hash(t *testing.T, s catalog.Service) string {
	t.Helper()
	h, err := HashAgentService(&s, "dc1")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestContentHashIsConsuls: TestAPI_AgentService of the client of Consul 1.22 expects it.
func TestContentHashIsConsuls(t *testing.T) {
	s := catalog.Service{ID: "foo", Service: "foo", Tags: []string{"bar", "baz"}, Port: 8000, Weights: catalog.Weights{Passing: 1, Warning: 1}}
	const want = "c4bb6737c185ed93"
	same := s
	same.Weights, same.Locality, same.CreateIndex, same.Connect = catalog.Weights{}, &catalog.Locality{Region: "r"}, 7, &catalog.Connect{}
	for _, s := range []catalog.Service{s, same} {
		if got := hash(t, s); got != want {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
}

// TestContentHashCoversWhatIsShown: each has one of its own, whole numbers or not.
func TestContentHashCoversWhatIsShown(t *testing.T) {
	proxied := func(p catalog.Proxy) catalog.Service { return catalog.Service{Kind: "connect-proxy", Proxy: &p} }
	seen := map[string]int{}
	for i, s := range []catalog.Service{
		{}, {Ports: []catalog.ServicePort{{Name: "a", Port: 1, Default: true}}}, {Ports: []catalog.ServicePort{{Name: "b", Port: 1, Default: true}}},
		{Ports: []catalog.ServicePort{{Name: "a", Port: 1, Default: true}, {Name: "b", Port: 1}}}, {Connect: &catalog.Connect{Native: true}},
		{TaggedAddresses: map[string]catalog.ServiceAddress{"wan": {Port: 1}}}, {Kind: "connect-proxy"},
		proxied(catalog.Proxy{LocalServicePorts: []catalog.ServicePort{{Name: "a", Port: 1}}}), proxied(catalog.Proxy{Config: map[string]any{"a": int64(1)}}),
		proxied(catalog.Proxy{Upstreams: []catalog.Upstream{{DestinationName: "a"}}}), proxied(catalog.Proxy{Upstreams: []catalog.Upstream{{DestinationName: "a", DestinationPort: "p"}}}),
		proxied(catalog.Proxy{TransparentProxy: &catalog.TransparentProxy{}}), proxied(catalog.Proxy{Expose: &catalog.Expose{Paths: []catalog.ExposePath{{Path: "/"}}}}),
	} {
		h := hash(t, s)
		if other, ok := seen[h]; ok || len(h) != 16 {
			t.Errorf("%s is the hash of number %d and of %d", h, other, i)
		}
		seen[h] = i
	}
	if a, b := hash(t, proxied(catalog.Proxy{Config: map[string]any{"a": int64(1)}})), hash(t, proxied(catalog.Proxy{Config: map[string]any{"a": 1.0}})); a != b {
		t.Errorf("%s of a whole number, %s of the same in JSON", a, b)
	}
}

// TestHashedTypesAreTheClients, but for the block that later versions of Consul have for
// models and agents, and those that are empty here.
func TestHashedTypesAreTheClients(t *testing.T) {
	empty := map[string]bool{"EnvoyExtensions": true, "SidecarService": true, "AccessLogs": true}
	var compare func(ours, theirs reflect.Type, path string)
	compare = func(ours, theirs reflect.Type, path string) {
		if ours.Kind() != theirs.Kind() {
			t.Errorf("%s is a %s, the client's a %s", path, ours.Kind(), theirs.Kind())
			return
		}
		switch ours.Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer:
			compare(ours.Elem(), theirs.Elem(), path)
		case reflect.Struct:
			if name := clientNames[ours]; name != theirs.Name() {
				t.Errorf("%s is of type %q, the client's of %q", path, name, theirs.Name())
			}
			hashed := 0
			for i := range theirs.NumField() {
				f := theirs.Field(i)
				if f.Tag.Get("hash") == "ignore" || f.Name == "AI" {
					continue
				}
				hashed++
				if own, ok := ours.FieldByName(f.Name); !ok {
					t.Errorf("%s.%s is the client's only", path, f.Name)
				} else if !empty[f.Name] {
					compare(own.Type, f.Type, path+"."+f.Name)
				}
			}
			if hashed != ours.NumField() {
				t.Errorf("%s has %d members, the client's %d", path, ours.NumField(), hashed)
			}
		}
	}
	compare(reflect.TypeFor[agentService](), reflect.TypeFor[api.AgentService](), "AgentService")
}

func BenchmarkHashAgentService(b *testing.B) {
	s := catalog.Service{Kind: "connect-proxy", ID: "p", Service: "p", Port: 1, Proxy: &catalog.Proxy{DestinationServiceName: "w", Config: map[string]any{"a": 1.0}, Upstreams: make([]catalog.Upstream, 3)}}
	for b.Loop() {
		if _, err := HashAgentService(&s, "dc1"); err != nil {
			b.Fatal(err)
		}
	}
}
