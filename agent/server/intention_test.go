package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/mesh"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func (s *lone) edit(verb ops.IntentionVerb, in mesh.Intention) (id string, err error) {
	rep, err := ops.IntentionApply.Call(context.Background(), s.Router(), &ops.IntentionApplyRequest{Verb: verb, Intention: in})
	if err != nil {
		return "", err
	}
	return rep.ID, nil
}

func (s *lone) mustEdit(verb ops.IntentionVerb, in mesh.Intention) string {
	s.t.Helper()
	id, err := s.edit(verb, in)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// says makes an intention of "web>db".
func says(sides, action string) mesh.Intention {
	source, destination, _ := strings.Cut(sides, ">")
	return mesh.Intention{Destination: destination, Source: configentry.SourceIntention{Name: source, Action: action}}
}

func legacy(id, sides, action string) mesh.Intention {
	in := says(sides, action)
	in.Source.LegacyID = id
	return in
}

func textOf(list []*mesh.Intention) string {
	all := make([]string, len(list))
	for i, in := range list {
		all[i] = fmt.Sprintf("%s>%s:%s", in.Source.Name, in.Destination, in.Source.Action)
	}
	return strings.Join(all, " ")
}

func (s *lone) intentions(token string) ([]*mesh.Intention, *rpc.ReadMeta) {
	s.t.Helper()
	rep, err := ops.IntentionList.Call(context.Background(), s.Router(), &ops.IntentionListRequest{ReadOptions: rpc.ReadOptions{Token: token}})
	if err != nil {
		s.t.Fatal(err)
	}
	return rep.Intentions, &rep.ReadMeta
}

// TestEditsOfOneEntryAreNotLost has many clients edit one entry at once, by each
// endpoint that can.
func TestEditsOfOneEntryAreNotLost(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		const each = 20
		for verb, destination := range map[ops.IntentionVerb]string{ops.IntentionSet: "db", ops.LegacyIntentionCreate: "old"} {
			var all sync.WaitGroup
			for i := range each {
				all.Go(func() {
					if _, err := s.edit(verb, says(fmt.Sprintf("s%02d>%s", i, destination), "allow")); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		list, _ := s.intentions("")
		if len(list) != 2*each {
			t.Fatalf("%d intentions, want %d: %s", len(list), 2*each, textOf(list))
		}
		var all sync.WaitGroup
		for _, in := range list {
			verb := ops.IntentionDelete
			if in.Source.LegacyID != "" {
				verb = ops.LegacyIntentionDelete
			}
			all.Go(func() {
				if _, err := s.edit(verb, *in); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if list, _ := s.intentions(""); len(list) != 0 {
			t.Errorf("left: %s", textOf(list))
		}
		rep, err := ops.ConfigList.Call(context.Background(), s.Router(), &ops.ConfigListRequest{Kind: configentry.KindServiceIntentions})
		if err != nil || len(rep.Entries) != 0 {
			t.Errorf("entries without a source are left: %v, %v", rep, err)
		}
	})
}

func TestEditsKeepWhatTheyAreNotAbout(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		entry, err := configentry.DecodeJSON(strings.NewReader(`{"Kind":"service-intentions","Name":"db","Meta":{"k":"v"},"Sources":[
			{"Name":"web","Action":"allow","Description":"d"},{"Name":"web","Peer":"p","Action":"deny"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		row, err := catalog.NewConfigEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ops.ConfigApply.Call(context.Background(), s.Router(), &ops.ConfigApplyRequest{Write: catalog.ConfigWrite{Entry: *row}}); err != nil {
			t.Fatal(err)
		}
		in := says("web>DB", "deny")
		in.Meta = map[string]string{"k": "other"}
		if _, err := s.edit(ops.IntentionSet, in); err == nil || err.Error() != "Meta must not be specified, or should be unchanged during an update." {
			t.Errorf("other metadata: %v", err)
		}
		in.Meta = map[string]string{"k": "v"}
		s.mustEdit(ops.IntentionSet, in)
		s.mustEdit(ops.IntentionSet, says("*>db", "deny"))
		s.mustEdit(ops.IntentionDelete, says("none>db", ""))
		list, _ := s.intentions("")
		if got := textOf(list); got != "web>db:deny web>db:deny *>db:deny" || list[0].Source.Peer != "" || list[1].Source.Peer != "p" || list[0].Meta["k"] != "v" {
			t.Errorf("got %s, %+v", got, list[0])
		}
		in = says("web>new", "deny")
		in.Meta = map[string]string{"k": "v"}
		if _, err := s.edit(ops.IntentionSet, in); err == nil || err.Error() != "Meta must not be specified" {
			t.Errorf("metadata of a new entry: %v", err)
		}
	})
}

func TestLegacyIntentionsEndWithOtherEdits(t *testing.T) {
	const other = "6d5c2a0e-1111-2222-3333-444455556666"
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		id := s.mustEdit(ops.LegacyIntentionCreate, says("web>db", "allow"))
		made, _ := s.intentions("")
		time.Sleep(time.Second)
		s.mustEdit(ops.LegacyIntentionUpdate, legacy(strings.ToUpper(id), "api>db", "deny"))
		list, _ := s.intentions("")
		if got := list[0].Source; got.Name != "api" || got.Action != "deny" || got.LegacyID != id ||
			!got.LegacyCreateTime.Equal(*made[0].Source.LegacyCreateTime) || got.LegacyUpdateTime.Sub(*got.LegacyCreateTime) != time.Second {
			t.Errorf("updated: %+v, made as %+v", got, made[0].Source)
		}
		for _, row := range []struct {
			verb ops.IntentionVerb
			in   mesh.Intention
			want string
		}{
			{ops.LegacyIntentionCreate, legacy("x", "web>db", "allow"), "ID must be empty when creating a new intention"},
			{ops.LegacyIntentionCreate, legacy("x", "web>", "allow"), "Permission denied"},
			{ops.LegacyIntentionCreate, says("web>db", ""), "1 error occurred:\n\t* Action must be set to 'allow' or 'deny'\n\n"},
			{ops.LegacyIntentionCreate, says("api>db", "allow"), `Sources[1] defines "api" more than once`},
			{ops.LegacyIntentionUpdate, legacy("x", "web>db", "allow"), "Intention lookup failed: failed config entry lookup: index error: UUID must be 36 characters"},
			{ops.LegacyIntentionUpdate, legacy(other, "web>db", "allow"), "Cannot modify non-existent intention: '" + other + "'"},
			{ops.LegacyIntentionUpdate, legacy(id, "web>cache", "allow"), "Cannot modify Destination partition/namespace/name for an intention once it exists."},
			{ops.LegacyIntentionDelete, legacy("", "", ""), "Intention lookup failed: failed config entry lookup: index error: UUID must be 36 characters"},
			{ops.LegacyIntentionDelete, legacy(other, "", ""), "Cannot delete non-existent intention: '" + other + "'"},
			{99, says("web>db", "allow"), "intention apply: unknown verb 99"},
		} {
			if _, err := s.edit(row.verb, row.in); err == nil || err.Error() != row.want {
				t.Errorf("%d %+v: %v, want %s", row.verb, row.in, err, row.want)
			}
		}
		s.mustEdit(ops.IntentionSet, says("web>db", "allow"))
		list, _ = s.intentions("")
		for _, in := range list {
			if in.Source.LegacyID != "" || in.Source.LegacyCreateTime != nil {
				t.Errorf("still legacy: %+v", in.Source)
			}
		}
		const ended = `cannot use legacy intention API to edit intentions with a destination of "db" after editing them via a service-intentions config entry`
		if _, err := s.edit(ops.LegacyIntentionCreate, says("x>db", "allow")); err == nil || err.Error() != ended {
			t.Errorf("created beside others: %v", err)
		}
	})
}

func TestIntentionsAreSeenFromEitherSide(t *testing.T) {
	allows := rights{acl.Intention.Read("web"), acl.Intention.Write("web")}
	virtual(t, func(o *server.Options) { o.ACL = limited{allows} }, func(s *lone) {
		s.put("a", "1")
		for _, sides := range []string{"web>db", "api>web", "api>db", "*>*"} {
			s.mustEdit(ops.IntentionSet, says(sides, "allow"))
		}
		if list, meta := s.intentions("t"); textOf(list) != "api>web:allow web>db:allow" || !meta.Filtered {
			t.Errorf("seen: %s, filtered %t", textOf(list), meta.Filtered)
		}
		for sides, want := range map[string]error{"web>db": nil, "api>web": nil, "api>db": acl.ErrDenied, "*>*": acl.ErrDenied} {
			source, destination, _ := strings.Cut(sides, ">")
			_, err := ops.IntentionGet.Call(context.Background(), s.Router(), &ops.IntentionGetRequest{
				ReadOptions: rpc.ReadOptions{Token: "t"}, Source: source, Destination: destination})
			if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
				t.Errorf("get %s: %v, want %v", sides, err, want)
			}
			_, err = ops.IntentionApply.Call(context.Background(), s.Router(), &ops.IntentionApplyRequest{
				WriteOptions: rpc.WriteOptions{Token: "t"}, Intention: says(sides, "deny")})
			if (err == nil) != (destination == "web") {
				t.Errorf("set %s: %v", sides, err)
			}
		}
	})
}

// TestMatchesAreFoundFromEitherSide, and end the wait of who asked for one alone.
func TestMatchesAreFoundFromEitherSide(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		for _, sides := range []string{"web>db", "*>db", "api>*", "*>*", "web>api", "WEB>api"} {
			s.mustEdit(ops.IntentionSet, says(sides, "allow"))
		}
		match := func(req ops.IntentionMatchRequest) (string, *rpc.ReadMeta) {
			rep, err := ops.IntentionMatch.Call(context.Background(), s.Router(), &req)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, list := range rep.Matches {
				all = append(all, textOf(list))
			}
			return strings.ReplaceAll(strings.Join(all, "|"), ":allow", ""), &rep.ReadMeta
		}
		for _, row := range []struct {
			bySource bool
			names    []string
			want     string
		}{
			{false, []string{"db"}, "web>db *>db api>* *>*"},
			{false, []string{"DB", "none"}, "web>db *>db api>* *>*|api>* *>*"},
			{false, []string{"*"}, "api>* *>*"},
			{true, []string{"web"}, "web>api web>db *>db *>*"},
			{true, []string{"WEB"}, "WEB>api *>db *>*"},
			{true, []string{"api", "*"}, "*>db api>* *>*|*>db *>*"},
		} {
			if got, _ := match(ops.IntentionMatchRequest{BySource: row.bySource, Names: row.names}); got != row.want {
				t.Errorf("by source %t, %q: %s, want %s", row.bySource, row.names, got, row.want)
			}
		}
		for _, bySource := range []bool{false, true} {
			_, meta := match(ops.IntentionMatchRequest{BySource: bySource, Names: []string{"x"}})
			woken := make(chan string, 1)
			go func() {
				got, _ := match(ops.IntentionMatchRequest{BySource: bySource, Names: []string{"x"},
					ReadOptions: rpc.ReadOptions{MinIndex: meta.Index, MaxWait: time.Hour}})
				woken <- got
			}()
			begun := time.Now()
			time.Sleep(time.Second)
			s.mustEdit(ops.IntentionSet, says("x>x", "allow"))
			if got := <-woken; !strings.Contains(got, "x>x") || time.Since(begun) > time.Minute {
				t.Errorf("by source %t, after %s: %s", bySource, time.Since(begun), got)
			}
			s.mustEdit(ops.IntentionDelete, says("x>x", ""))
		}
	})
}

func TestAnswersAboutManyNamesAreBounded(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		for i := range 100 {
			s.mustEdit(ops.IntentionSet, says(fmt.Sprintf("*>d%d", i), "allow"))
		}
		_, err := ops.IntentionMatch.Call(context.Background(), s.Router(), &ops.IntentionMatchRequest{BySource: true, Names: slices.Repeat([]string{"x"}, 2000)})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "ask for fewer names at once") {
			t.Errorf("two thousand names that all match a hundred intentions: %v", err)
		}
	})
}

func TestChecksFollowIntentionsAndTheDefault(t *testing.T) {
	check := func(s *lone, token, source, destination string) string {
		rep, err := ops.IntentionCheck.Call(context.Background(), s.Router(), &ops.IntentionCheckRequest{
			ReadOptions: rpc.ReadOptions{Token: token}, Source: source, Destination: destination})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(rep.Allowed)
	}
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		s.mustEdit(ops.IntentionSet, says("*>db", "deny"))
		s.mustEdit(ops.IntentionSet, says("web>db", "allow"))
		for sides, want := range map[string]string{"web>db": "true", "api>db": "false", "api>web": "true"} {
			source, destination, _ := strings.Cut(sides, ">")
			if got := check(s, "", source, destination); got != want {
				t.Errorf("%s: %s, want %s", sides, got, want)
			}
		}
	})
	locked(t, func(s *lone) {
		if got := check(s, "root", "web", "db"); got != "false" {
			t.Errorf("nothing is allowed by default: %s", got)
		}
		if got := check(s, "", "web", "db"); !strings.Contains(got, `lacks permission 'service:read' on "db"`) {
			t.Errorf("without a right: %s", got)
		}
	})
}
