package mesh_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"praetor/internal/configentry"
	"praetor/internal/mesh"
)

// told is what Bind says of an entry: its conditions, one a line, or what is bound.
func told(e configentry.Entry) string {
	var status configentry.Status
	switch e := e.(type) {
	case *configentry.APIGateway:
		status = e.Status
	case *configentry.HTTPRoute:
		status = e.Status
	case *configentry.TCPRoute:
		status = e.Status
	case *configentry.BoundAPIGateway:
		bound, _ := json.Marshal([]any{e.Listeners, e.Services})
		return strings.ReplaceAll(string(bound), `,"SectionName":""`, "")
	}
	lines := make([]string, len(status.Conditions))
	for i, c := range status.Conditions {
		lines[i] = strings.TrimRight(strings.Join([]string{c.Type, c.Status, c.Reason, c.Message, c.Resource.Name + "/" + c.Resource.SectionName}, "|"), "|/")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

const (
	gateway = `{"Kind":"api-gateway","Name":"gw","Listeners":[{"Name":"h","Port":80,"Protocol":"http","Hostname":"*.example.com"},{"Name":"t","Port":81,"Protocol":"tcp"}]}`
	secured = `{"Kind":"api-gateway","Name":"gw","Listeners":[{"Name":"h","Port":80,"Protocol":"http","TLS":{"Certificates":[{"Kind":"file-system-certificate","Name":"c"}]}}]}`

	valid    = "Accepted|True|Accepted|route is valid"
	mismatch = "Accepted|False|InvalidDiscoveryChain|route protocol does not match targeted service protocol"
	toBind   = "Bound|False|FailedToBind|failed to bind route "
)

func toGateway(name, section, service, more string) string {
	return `{"Kind":"http-route","Name":"` + name + `","Parents":[{"Name":"gw","SectionName":"` + section + `"}],"Rules":[{"Services":[{"Name":"` + service + `"}]}]` + more + `}`
}

func tcpToGateway(name, section, service string) string {
	return `{"Kind":"tcp-route","Name":"` + name + `","Parents":[{"Name":"gw","SectionName":"` + section + `"}],"Services":[{"Name":"` + service + `"}]}`
}

func TestRoutesAreBoundToTheListenersThatTheyFit(t *testing.T) {
	for name, row := range map[string]struct {
		entries  []string
		kind, of string // of the entry that is looked at
		want     string
		bound    string // "" not looked at
	}{
		"a gateway": {[]string{gateway}, "api-gateway", "gw",
			"Accepted|True|Accepted|gateway is valid\nConflicted|False|NoConflict|listener has no route conflicts|gw/h\nConflicted|False|NoConflict|listener has no route conflicts|gw/t\n" +
				"ResolvedRefs|True|ResolvedRefs|resolved refs|gw/h\nResolvedRefs|True|ResolvedRefs|resolved refs|gw/t",
			`[[{"Name":"h","Routes":null,"Certificates":null},{"Name":"t","Routes":null,"Certificates":null}],{}]`},
		"without its certificate": {[]string{secured}, "api-gateway", "gw",
			"Accepted|False|InvalidCertificates|gateway references invalid certificates\nConflicted|False|NoConflict|listener has no route conflicts|gw/h\nResolvedRefs|False|InvalidCertificateRef|certificate \"c\" not found|gw/h",
			`[[{"Name":"h","Routes":null,"Certificates":null}],{}]`},
		"with its certificate": {[]string{secured, `{"Kind":"file-system-certificate","Name":"c"}`}, "api-gateway", "gw",
			"Accepted|True|Accepted|gateway is valid\nConflicted|False|NoConflict|listener has no route conflicts|gw/h\nResolvedRefs|True|ResolvedRefs|resolved refs|gw/h",
			`[[{"Name":"h","Routes":null,"Certificates":[{"Kind":"file-system-certificate","Name":"c"}]}],{}]`},
		"to a listener": {[]string{gateway, webIsHTTP, toGateway("r", "h", "web", "")}, "http-route", "r",
			valid + "\nBound|True|Bound|successfully bound route|gw/h",
			`[[{"Name":"h","Routes":[{"Kind":"http-route","Name":"r"}],"Certificates":null},{"Name":"t","Routes":null,"Certificates":null}],{"web":[{"Kind":"http-route","Name":"r"}]}]`},
		"to any listener": {[]string{gateway, toGateway("r", "", "web", `,"Hostnames":["a.example.com"]`), httpByDefault}, "http-route", "r",
			valid + "\nBound|True|Bound|successfully bound route|gw",
			`[[{"Name":"h","Routes":[{"Kind":"http-route","Name":"r"}],"Certificates":null},{"Name":"t","Routes":null,"Certificates":null}],{"web":[{"Kind":"http-route","Name":"r"}]}]`},
		"to no gateway": {[]string{webIsHTTP, toGateway("r", "h", "web", "")}, "http-route", "r",
			valid + "\nBound|False|GatewayNotFound|gateway was not found|gw/h", ""},
		"to no listener": {[]string{gateway, webIsHTTP, toGateway("r", "zz", "web", "")}, "http-route", "r",
			valid + "\n" + toBind + "r to gateway gw with listener 'zz'|gw/zz", ""},
		"to a listener of another protocol": {[]string{gateway, webIsHTTP, toGateway("r", "t", "web", "")}, "http-route", "r",
			valid + "\n" + toBind + "r to gateway gw: listener t is not a http listener|gw/t", ""},
		"for another host": {[]string{gateway, webIsHTTP, toGateway("r", "", "web", `,"Hostnames":["zz.other.com","example.com"]`)}, "http-route", "r",
			valid + "\n" + toBind + "to gateway gw: listener h is does not have any hostnames that match the route|gw", ""},
		"to a service of another protocol": {[]string{gateway, toGateway("r", "", "web", "")}, "http-route", "r",
			mismatch + "\n" + toBind + "to gateway gw: route has not been accepted|gw", ""},
		"to a gRPC service": {[]string{gateway, `{"Kind":"service-defaults","Name":"web","Protocol":"grpc"}`, toGateway("r", "h", "web", "")}, "http-route", "r",
			valid + "\nBound|True|Bound|successfully bound route|gw/h", ""},
		"to no service": {[]string{gateway, `{"Kind":"tcp-route","Name":"r"}`}, "tcp-route", "r",
			"Accepted|False|NoUpstreamServicesTargeted|route must target at least one upstream service", ""},
		"of TCP to HTTP": {[]string{gateway, webIsHTTP, tcpToGateway("r", "h", "web")}, "tcp-route", "r",
			mismatch + "\n" + toBind + "to gateway gw: route has not been accepted|gw/h", ""},
		"to a gateway without its certificate": {[]string{secured, webIsHTTP, toGateway("r", "", "web", "")}, "http-route", "r",
			valid + "\n" + toBind + "to gateway gw: gateway has not been accepted|gw", ""},
		"two of TCP": {[]string{gateway, tcpToGateway("r", "t", "a"), tcpToGateway("s", "t", "b")}, "api-gateway", "gw",
			"Accepted|True|Accepted|gateway is valid\nConflicted|False|NoConflict|listener has no route conflicts|gw/h\n" +
				"Conflicted|True|RouteConflict|TCP-based listeners currently only support binding a single route|gw/t\n" +
				"ResolvedRefs|True|ResolvedRefs|resolved refs|gw/h\nResolvedRefs|True|ResolvedRefs|resolved refs|gw/t", ""},
	} {
		all := read(t, row.entries...)
		got := map[[2]string]configentry.Entry{}
		for _, e := range mesh.Bind(all.get, all.list, time.Unix(1, 0)) {
			got[[2]string{configentry.KindOf(e), e.EntryName()}] = e
		}
		if text := told(got[[2]string{row.kind, row.of}]); text != row.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", name, text, row.want)
		}
		if row.bound != "" {
			if text := told(got[[2]string{"bound-api-gateway", "gw"}]); text != row.bound {
				t.Errorf("%s: bound\ngot  %s\nwant %s", name, text, row.bound)
			}
		}
	}
}

// TestConditionsKeepTheTimeSinceWhenTheyAreSo, and entries that are shared are not changed.
func TestConditionsKeepTheTimeSinceWhenTheyAreSo(t *testing.T) {
	all := read(t, gateway, toGateway("r", "h", "web", ""))
	before := told(all.get("http-route", "r"))
	at := func(second int64) (accepted, bound string) {
		for _, e := range mesh.Bind(all.get, all.list, time.Unix(second, 0).UTC()) {
			if r, ok := e.(*configentry.HTTPRoute); ok {
				all[[2]string{"http-route", "r"}] = r
				return r.Status.Conditions[0].LastTransitionTime.Format("05"), r.Status.Conditions[1].LastTransitionTime.Format("05")
			}
		}
		return "", ""
	}
	if accepted, bound := at(1); accepted != "01" || bound != "01" || before != "" {
		t.Errorf("first: %s, %s; before: %s", accepted, bound, before)
	}
	if accepted, bound := at(2); accepted != "01" || bound != "01" {
		t.Errorf("nothing changed: %s, %s", accepted, bound)
	}
	all[[2]string{"service-defaults", "web"}] = read(t, webIsHTTP)[[2]string{"service-defaults", "web"}]
	if accepted, bound := at(3); accepted != "03" || bound != "03" {
		t.Errorf("accepted and bound: %s, %s", accepted, bound)
	}
	delete(all, [2]string{"api-gateway", "gw"})
	if accepted, bound := at(4); accepted != "03" || bound != "04" {
		t.Errorf("bound no more: %s, %s", accepted, bound)
	}
}

// FuzzBind: whatever gateways and routes say, they are bound or not, and what is found
// out can be kept.
func FuzzBind(f *testing.F) {
	f.Add([]byte(gateway), []byte(toGateway("r", "h", "web", `,"Hostnames":["*"]`)))
	f.Add([]byte(secured), []byte(tcpToGateway("r", "", "web")))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		all := entries{}
		for _, body := range [][]byte{one, other} {
			e, err := configentry.DecodeJSON(bytes.NewReader(body))
			if err != nil || configentry.Prepare(e) != nil {
				return
			}
			all[[2]string{configentry.KindOf(e), e.EntryName()}] = e
		}
		for _, e := range mesh.Bind(all.get, all.list, time.Unix(1, 0)) {
			text, err := configentry.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := configentry.Load(configentry.KindOf(e), text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	})
}
