package configentry_test

import (
	"strings"
	"testing"

	"praetor/internal/configentry"
)

func hashed(t *testing.T, body string) uint64 {
	t.Helper()
	entry, err := configentry.DecodeJSON(strings.NewReader(body))
	if err == nil {
		err = configentry.Prepare(entry)
	}
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return configentry.Hash(entry)
}

// TestHashesAreThoseThatConsulShowed: mesh/config_misc_kinds, mesh/config_gateways,
// reference/http-mesh-ui.md §1.
func TestHashesAreThoseThatConsulShowed(t *testing.T) {
	for body, want := range map[string]uint64{
		`{"Kind":"service-defaults","Name":"api","Protocol":"http"}`:                                                                                             2148703566911861162,
		`{"Kind":"mesh","TransparentProxy":{"MeshDestinationsOnly":true},"Meta":{"a":"b"}}`:                                                                      16537022323880264652,
		`{"Kind":"exported-services","Name":"default","Services":[{"Name":"web","Consumers":[{"Peer":"east"}]}]}`:                                                7887189955230275510,
		`{"Kind":"jwt-provider","Name":"j","Issuer":"i","JSONWebKeySet":{"Local":{"JWKS":"e30="}}}`:                                                              16736694617622348304,
		`{"Kind":"api-gateway","Name":"gw","Listeners":[{"Name":"l","Port":8443,"Protocol":"http"}]}`:                                                            1497975696449429270,
		`{"Kind":"tcp-route","Name":"t","Parents":[{"Kind":"api-gateway","Name":"gw"}],"Services":[{"Name":"web"}]}`:                                             1500717383200957636,
		`{"Kind":"ingress-gateway","Name":"in","Listeners":[{"Port":8080,"Protocol":"tcp","Services":[{"Name":"web"}]}]}`:                                        6450793401618423616,
		`{"Kind":"terminating-gateway","Name":"out","Services":[{"Name":"legacy","CAFile":"/ca","SNI":"legacy.example"},{"Name":"*"}]}`:                          7538318182570325236,
		`{"Kind":"terminating-gateway","Name":"out","CreateIndex":3,"Hash":4,"Services":[{"Name":"legacy","CAFile":"/ca","SNI":"legacy.example"},{"Name":"*"}]}`: 7538318182570325236,
		`{"Kind":"tcp-route","Name":"t","Status":{"Conditions":[{"Type":"Bound"}]},"Parents":[{"Name":"gw"}],"Services":[{"Name":"web"}]}`:                       1500717383200957636,
	} {
		if got := hashed(t, body); got != want {
			t.Errorf("%s\ngot  %d\nwant %d", body, got, want)
		}
	}
}

// TestHashesTellEntriesApart, whatever their kind, and are the same of what was stored.
func TestHashesTellEntriesApart(t *testing.T) {
	seen := map[uint64]string{}
	for _, text := range append(samples(t), `{"Kind":"AI","Name":"x","a":[1,null]}`) {
		for _, body := range []string{text, strings.Replace(text, "{", `{"Meta":{"z":"y"},`, 1)} {
			h := hashed(t, body)
			if other := seen[h]; other != "" && prepare(other) != prepare(body) {
				t.Errorf("%d is of\n%s\nand of\n%s", h, other, body)
			}
			seen[h] = body
			stored := prepare(body)
			loaded, err := configentry.Load(configentry.KindOf(decoded(t, stored)), []byte(stored))
			if err != nil {
				t.Fatal(err)
			}
			if again := configentry.Hash(loaded); again != h {
				t.Errorf("%s: %d, loaded %d", body, h, again)
			}
		}
	}
}
