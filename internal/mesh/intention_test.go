package mesh_test

import (
	"fmt"
	"strings"
	"testing"

	"praetor/internal/configentry"
	"praetor/internal/mesh"
)

// intentionsOf are those of entries, one after the other.
func intentionsOf(all entries) []*mesh.Intention {
	var list []*mesh.Intention
	for e := range all.list(configentry.KindServiceIntentions) {
		list = append(list, mesh.Intentions(e.(*configentry.ServiceIntentions), 3, 4)...)
	}
	return list
}

// policies are entries for db, for l7 and for all, every source of which differs
// from the others in what it says.
func policies(t testing.TB) []*mesh.Intention {
	return intentionsOf(read(t,
		`{"Kind":"service-intentions","Name":"db","Sources":[{"Name":"web","Action":"allow"},{"Name":"bad","Action":"deny"},{"Name":"*","Action":"deny"},
			{"Name":"far","Peer":"p","Action":"allow"},{"Name":"web","Peer":"p","Action":"deny"}]}`,
		`{"Kind":"service-intentions","Name":"l7","Sources":[{"Name":"web","Permissions":[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]}]}`,
		`{"Kind":"service-intentions","Name":"*","Sources":[{"Name":"web","Action":"allow"},{"Name":"api","Action":"deny"},{"Name":"*","Action":"deny"}]}`))
}

func TestTheMostExactIntentionDecides(t *testing.T) {
	for _, row := range []struct {
		source, destination string
		allowed             bool
		by                  string
	}{
		{"web", "db", true, "L4 intention: default/web => default/db (Precedence: 9, Action: ALLOW)"},
		{"bad", "db", false, "L4 intention: default/bad => default/db (Precedence: 9, Action: DENY)"},
		{"api", "db", false, "L4 intention: default/* => default/db (Precedence: 8, Action: DENY)"},
		{"web", "DB", true, "L4 intention: default/web => default/db (Precedence: 9, Action: ALLOW)"},
		{"Web", "db", false, "L4 intention: default/* => default/db (Precedence: 8, Action: DENY)"},
		{"far", "db", false, "L4 intention: default/* => default/db (Precedence: 8, Action: DENY)"},
		{"web", "l7", false, "L7 intention: default/web => default/l7 (Precedence: 9, Permissions: 1)"},
		{"web", "other", true, "L4 intention: default/web => default/* (Precedence: 6, Action: ALLOW)"},
		{"api", "l7", false, "L4 intention: default/api => default/* (Precedence: 6, Action: DENY)"},
		{"x", "other", false, "L4 intention: default/* => default/* (Precedence: 5, Action: DENY)"},
		{"*", "db", false, "L4 intention: default/* => default/db (Precedence: 8, Action: DENY)"},
		{"web", "*", true, "L4 intention: default/web => default/* (Precedence: 6, Action: ALLOW)"},
		{"*", "*", false, "L4 intention: default/* => default/* (Precedence: 5, Action: DENY)"},
	} {
		for range 5 { // the order of the entries does not count
			got := mesh.Evaluate(policies(t), row.source, row.destination, !row.allowed)
			if got.Allowed != row.allowed || got.By == nil || got.By.String() != row.by {
				t.Errorf("%s to %s: %t by %v, want %t by %s", row.source, row.destination, got.Allowed, got.By, row.allowed, row.by)
			}
		}
	}
	for _, allow := range []bool{true, false} {
		if got := mesh.Evaluate(nil, "web", "db", allow); got != (mesh.Decision{Allowed: allow}) {
			t.Errorf("nothing matches and the default is %t: %+v", allow, got)
		}
	}
}

func TestIntentionsStandInTheOrderInWhichTheyCount(t *testing.T) {
	list := policies(t)
	mesh.SortIntentions(list)
	var got []string
	for _, in := range list {
		got = append(got, fmt.Sprintf("%s%s>%s", in.Source.Name, in.Source.Peer, in.Destination))
	}
	if want := "bad>db farp>db web>db web>l7 webp>db *>db api>* web>* *>*"; strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestIntentionsHaveWhatTheirEntrySays(t *testing.T) {
	in := intentionsOf(read(t, `{"Kind":"service-intentions","Name":"db","Meta":{"of":"entry"},"JWT":{"Providers":[{"Name":"okta"}]},"Sources":[
		{"Name":"new","Action":"allow"},{"Name":"old","Action":"deny","LegacyID":"1","LegacyMeta":{"of":"source"}}]}`))
	for i, meta := range []string{"entry", "source"} {
		if got := in[i]; got.Destination != "db" || got.Meta["of"] != meta || got.JWT.Providers[0].Name != "okta" || got.CreateIndex != 3 || got.ModifyIndex != 4 {
			t.Errorf("%s: %+v", meta, got)
		}
	}
}

const (
	okta      = `{"Kind":"jwt-provider","Name":"okta","JSONWebKeySet":{"Local":{"Filename":"/a"}}}`
	needsOkta = `{"Kind":"service-intentions","Name":"db","JWT":{"Providers":[{"Name":"okta"}]},"Sources":[{"Name":"web","Action":"allow"}]}`
)

func TestIntentionsNeedTheirProviders(t *testing.T) {
	for _, row := range []struct {
		name, kind, entry string
		entries           []string
		want              string
	}{
		{"an intention with its provider", "service-intentions", "db", []string{okta, needsOkta}, ""},
		{"an intention without", "service-intentions", "db", []string{needsOkta}, "1 error occurred:\n\t* Referenced JWT Provider does not exist. Provider Name: okta\n\n"},
		{"no intention any more", "service-intentions", "db", nil, ""},
		{"a provider changed", "jwt-provider", "okta", []string{okta, needsOkta}, ""},
		{"a provider gone", "jwt-provider", "okta", []string{needsOkta}, "cannot delete jwt provider config entry referenced by an intention. Provider name: okta, intention name: db"},
		{"another gone", "jwt-provider", "auth", []string{okta, needsOkta}, ""},
	} {
		all, got := read(t, row.entries...), ""
		if err := mesh.Check(all.get, all.list, row.kind, row.entry); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
