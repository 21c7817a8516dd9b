package mesh_test

import (
	"bytes"
	"iter"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/mesh"
)

// entries are config entries by kind and name.
type entries map[[2]string]configentry.Entry

func read(t testing.TB, bodies ...string) entries {
	t.Helper()
	all := entries{}
	for _, body := range bodies {
		e, err := configentry.DecodeJSON(strings.NewReader(body))
		if err == nil {
			err = configentry.Prepare(e)
		}
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		all[[2]string{configentry.KindOf(e), e.EntryName()}] = e
	}
	return all
}

func (all entries) get(kind, name string) configentry.Entry { return all[[2]string{kind, name}] }

func (all entries) list(kind string) iter.Seq[configentry.Entry] {
	return func(yield func(configentry.Entry) bool) {
		for key, e := range all {
			if key[0] == kind && !yield(e) {
				return
			}
		}
	}
}

const (
	httpByDefault = `{"Kind":"proxy-defaults","Name":"global","Config":{"protocol":"http"}}`
	webIsHTTP     = `{"Kind":"service-defaults","Name":"web","Protocol":"http"}`
	apiIsHTTP     = `{"Kind":"service-defaults","Name":"api","Protocol":"http"}`
	webSplits     = `{"Kind":"service-splitter","Name":"web","Splits":[{"Weight":50},{"Weight":50,"Service":"api"}]}`
	apiSplits     = `{"Kind":"service-splitter","Name":"api","Splits":[{"Weight":50},{"Weight":50,"Service":"web"}]}`
)

func TestChainSaysWhatItsEntriesDoNotAgreeOn(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []string
		want    string // "" for a chain that is right
	}{
		{"no entries", nil, ""},
		{"splitter over HTTP", []string{webIsHTTP, apiIsHTTP, webSplits}, ""},
		{"HTTP by default", []string{httpByDefault, webSplits}, ""},
		{"splitters in a circle", []string{webIsHTTP, apiIsHTTP, webSplits, apiSplits},
			"detected circular reference: [splitter:web.default.default -> splitter:api.default.default -> splitter:web.default.default]"},
		{"splitters below each other", []string{httpByDefault, webSplits, `{"Kind":"service-splitter","Name":"api","Splits":[{"Weight":25},{"Weight":75,"Service":"db"}]}`}, ""},
		{"splitter over TCP", []string{webSplits}, `discovery chain "web" uses a protocol "tcp" that does not permit advanced routing or splitting behavior`},
		{"two protocols", []string{webIsHTTP, webSplits}, `discovery chain "web" uses inconsistent protocols; service "api" has "tcp" which is not "http"`},
		{"redirects in a circle",
			[]string{`{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"api"}}`, `{"Kind":"service-resolver","Name":"api","Redirect":{"Service":"web"}}`},
			"detected circular resolver redirect: [web api web]"},
		{"redirect to another datacenter", []string{`{"Kind":"service-resolver","Name":"web","Redirect":{"Datacenter":"dc2"}}`}, ""},
		{"redirect to a peer", []string{`{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"api","Peer":"p"}}`}, ""},
		{"subset that is not there", []string{`{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"api","ServiceSubset":"v9"}}`},
			`service "api" does not have a subset named "v9"`},
		{"failover to a subset that is not there", []string{`{"Kind":"service-resolver","Name":"web","Failover":{"*":{"Service":"api","ServiceSubset":"v9"}}}`},
			`service "api" does not have a subset named "v9"`},
		{"failover to a target of a peer", []string{`{"Kind":"service-resolver","Name":"web","Failover":{"*":{"Targets":[{"Peer":"p","Service":"api"}]}}}`}, ""},
		{"subset that is not there, of a service of another protocol",
			[]string{httpByDefault, `{"Kind":"service-defaults","Name":"web","Protocol":"http2"}`, `{"Kind":"service-splitter","Name":"web","Splits":[{"Weight":100,"Service":"api","ServiceSubset":"v1"}]}`},
			`service "api" does not have a subset named "v1"`},
		{"route to a subset that is not there, of a service of another protocol",
			[]string{httpByDefault, `{"Kind":"service-defaults","Name":"api"}`, `{"Kind":"service-router","Name":"web","Routes":[{"Destination":{"Service":"api","ServiceSubset":"v1"}}]}`},
			`discovery chain "web" uses inconsistent protocols; service "api" has "tcp" which is not "http"`},
		{"splitter of another protocol than its shares", []string{httpByDefault, `{"Kind":"service-defaults","Name":"web"}`,
			`{"Kind":"service-splitter","Name":"web","Splits":[{"Weight":50,"Service":"api"},{"Weight":50,"Service":"db"}]}`}, ""},
		{"splitter that shares out to another protocol and itself", []string{apiIsHTTP, `{"Kind":"service-splitter","Name":"web","Splits":[{"Weight":50,"Service":"api"},{"Weight":50,"ServiceSubset":"v1"}]}`},
			`discovery chain "web" uses inconsistent protocols; service "web" has "tcp" which is not "http"`},
		{"router of another protocol than its routes", []string{httpByDefault, `{"Kind":"service-defaults","Name":"web"}`, `{"Kind":"service-router","Name":"web","Routes":[{"Destination":{"Service":"api"}}]}`},
			`discovery chain "web" uses inconsistent protocols; service "api" has "http" which is not "tcp"`},
		{"redirect to a subset that is not there, of a service of another protocol", []string{webIsHTTP, `{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"api","ServiceSubset":"v1"}}`},
			`discovery chain "web" uses inconsistent protocols; service "api" has "tcp" which is not "http"`},
		{"defaults without a protocol mean TCP", []string{httpByDefault, `{"Kind":"service-defaults","Name":"web"}`, `{"Kind":"service-router","Name":"web","Routes":[]}`},
			`discovery chain "web" uses a protocol "tcp" that does not permit advanced routing or splitting behavior`},
		{"subsets of what is outside", []string{`{"Kind":"service-defaults","Name":"web","ExternalSNI":"x"}`, `{"Kind":"service-resolver","Name":"web","Subsets":{"v1":{}}}`},
			`service "web" has an external SNI set; cannot define subsets for external services`},
		{"failover of what is outside", []string{`{"Kind":"service-defaults","Name":"web","Protocol":"http","ExternalSNI":"x"}`, `{"Kind":"service-resolver","Name":"web","Failover":{"*":{"Service":"api"}}}`},
			`service "web" has an external SNI set; cannot define failover for external services`},
		{"timeout of what is outside", []string{`{"Kind":"service-defaults","Name":"web","ExternalSNI":"x"}`, `{"Kind":"service-resolver","Name":"web","ConnectTimeout":"2s"}`}, ""},
		{"route to a service of another protocol",
			[]string{webIsHTTP, `{"Kind":"service-router","Name":"web","Routes":[{"Match":{"HTTP":{"PathExact":"/"}},"Destination":{"Service":"api"}}]}`},
			`discovery chain "web" uses inconsistent protocols; service "api" has "tcp" which is not "http"`},
	} {
		err := mesh.CheckChain(read(t, test.entries...).get, "web")
		if got := textOf(err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if err != nil && fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s: kind %v, want Rejected", test.name, fault.KindOf(err))
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestChangeIsCheckedInEveryChainThatItReaches(t *testing.T) {
	const (
		inTCP        = `{"Kind":"ingress-gateway","Name":"in","Listeners":[{"Port":1,"Protocol":"tcp","Services":[{"Name":"web"}]}]}`
		inGRPC       = `{"Kind":"ingress-gateway","Name":"in","Listeners":[{"Port":1,"Protocol":"grpc","Services":[{"Name":"web"}]}]}`
		plain        = `{"Kind":"service-defaults","Name":"web","MutualTLSMode":"permissive"}`
		notPermitted = "cannot set MutualTLSMode=permissive because AllowEnablingPermissiveMutualTLS=false in the mesh config entry"
	)
	l7 := `{"Kind":"service-intentions","Name":"web","Sources":[{"Name":"a","Permissions":[{"Action":"allow","HTTP":{"PathExact":"/"}}]}]}`
	for _, test := range []struct {
		name       string
		now        []string
		kind, of   string
		then, want string // then "" takes the entry away
	}{
		{"its own", []string{webIsHTTP}, "service-splitter", "web", webSplits, `discovery chain "web" uses inconsistent protocols; service "api" has "tcp" which is not "http"`},
		{"that of a sender", []string{webIsHTTP, apiIsHTTP, webSplits}, "service-defaults", "api", "",
			`discovery chain "web" uses inconsistent protocols; service "api" has "tcp" which is not "http"`},
		{"all, when the defaults of all change", []string{httpByDefault, webSplits}, "proxy-defaults", "global", "",
			`discovery chain "web" uses a protocol "tcp" that does not permit advanced routing or splitting behavior`},
		{"permissions of a service that turns to TCP", []string{webIsHTTP, l7}, "service-defaults", "web", "",
			`service "web" has protocol "tcp", which is incompatible with L7 intentions permissions`},
		{"permissions that come", nil, "service-intentions", "web", l7, `service "web" has protocol "tcp", which is incompatible with L7 intentions permissions`},
		{"a listener of another protocol", []string{webIsHTTP}, "ingress-gateway", "in", inGRPC, `service "web" has protocol "http", which does not match defined listener protocol "grpc"`},
		{"a listener of TCP before HTTP by default", []string{httpByDefault}, "ingress-gateway", "in", inTCP, `service "web" has protocol "http", which does not match defined listener protocol "tcp"`},
		{"a listener of the service's protocol", nil, "ingress-gateway", "in", inTCP, ""},
		{"a listener for all services", nil, "ingress-gateway", "in", `{"Kind":"ingress-gateway","Name":"in","Listeners":[{"Port":1,"Protocol":"http","Services":[{"Name":"*"}]}]}`, ""},
		{"a gateway that goes", []string{inTCP}, "ingress-gateway", "in", "", ""},
		{"a service that leaves its listener", []string{inTCP}, "service-defaults", "web", webIsHTTP, `service "web" has protocol "http", which does not match defined listener protocol "tcp"`},
		{"all services leave their listeners", []string{inTCP}, "proxy-defaults", "global", httpByDefault, `service "web" has protocol "http", which does not match defined listener protocol "tcp"`},
		{"another service than that behind the listener", []string{inTCP}, "service-defaults", "api", apiIsHTTP, ""},
		{"plaintext that the mesh does not permit", nil, "service-defaults", "web", plain, notPermitted},
		{"plaintext for all that the mesh does not permit", []string{`{"Kind":"mesh"}`}, "proxy-defaults", "global", `{"Kind":"proxy-defaults","MutualTLSMode":"permissive"}`, notPermitted},
		{"plaintext that the mesh permits", []string{`{"Kind":"mesh","AllowEnablingPermissiveMutualTLS":true}`}, "service-defaults", "web", plain, ""},
		{"plaintext that there was before", []string{plain}, "service-defaults", "web", plain, ""},
		{"plaintext that ends", []string{plain}, "service-defaults", "web", webIsHTTP, ""},
		{"a kind that is in no chain", []string{webSplits}, "mesh", "mesh", `{"Kind":"mesh"}`, ""},
		{"another service", []string{webSplits}, "service-defaults", "other", "", ""},
	} {
		now := read(t, test.now...)
		then := func(kind, name string) configentry.Entry {
			if kind != test.kind || name != test.of {
				return now.get(kind, name)
			}
			if test.then == "" {
				return nil
			}
			return read(t, test.then).get(kind, name)
		}
		if got := textOf(mesh.Check(then, now.list, test.kind, test.of)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestVirtualAddressesAndTheirNumbers(t *testing.T) {
	for number, want := range map[uint32]string{1: "240.0.0.1", 256: "240.0.1.0", mesh.MaxVirtual: "255.255.255.254"} {
		addr := mesh.VirtualAddr(number)
		if addr != netip.MustParseAddr(want) {
			t.Errorf("number %d: got %s, want %s", number, addr, want)
		}
		if back, ok := mesh.VirtualNumber(want); back != number || !ok {
			t.Errorf("%s: got %d %v, want %d", want, back, ok, number)
		}
	}
	for _, text := range []string{"", "x", "240.0.0.0", "255.255.255.255", "10.0.0.1", "::1", "::ffff:240.0.0.1"} {
		if number, ok := mesh.VirtualNumber(text); ok {
			t.Errorf("%q is number %d", text, number)
		}
	}
}

func TestExportedServicesNameEachPeerOnce(t *testing.T) {
	e := read(t, `{"Kind":"exported-services","Name":"default","Services":[
		{"Name":"web","Consumers":[{"Peer":"b"},{"Peer":"a"}]}, {"Name":"*","Consumers":[{"Peer":"b"}]}]}`).get("exported-services", "default")
	got := mesh.Exported(e.(*configentry.ExportedServices), func() []string { return []string{"api", "consul", "web"} })
	if want := map[string][]string{"web": {"a", "b"}, "api": {"b"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzCheckChain: whatever an entry says, a walk ends, with a refusal at worst.
func FuzzCheckChain(f *testing.F) {
	for _, body := range []string{webSplits, apiSplits, webIsHTTP, httpByDefault,
		`{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"web","ServiceSubset":"a"},"Subsets":{"a":{}}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := configentry.DecodeJSON(bytes.NewReader(body))
		if err != nil || configentry.Prepare(e) != nil {
			return
		}
		get := func(kind, _ string) configentry.Entry { // under every name
			if kind == configentry.KindOf(e) {
				return e
			}
			return nil
		}
		if err := mesh.CheckChain(get, e.EntryName()); err != nil && fault.KindOf(err) != fault.Rejected {
			t.Fatal(err)
		}
	})
}
