package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"praetor/agent/server"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func (s *lone) writeQuery(verb catalog.QueryVerb, token string, q catalog.Query) (string, error) {
	rep, err := ops.QueryApply.Call(context.Background(), s.Router(), &ops.QueryApplyRequest{
		WriteOptions: rpc.WriteOptions{Token: token}, Write: catalog.QueryWrite{Verb: verb, Query: q},
	})
	if err != nil {
		return "", err
	}
	return rep.ID, nil
}

func (s *lone) mustQuery(q catalog.Query) string {
	s.t.Helper()
	id, err := s.writeQuery(catalog.QueryCreate, "", q)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *lone) execute(req ops.QueryExecuteRequest) string {
	s.t.Helper()
	rep, err := ops.QueryExecute.Call(context.Background(), s.Router(), &req)
	if err != nil {
		return err.Error()
	}
	names := make([]string, 0, len(rep.Instances))
	for _, i := range rep.Instances {
		names = append(names, i.Node.Node)
	}
	return fmt.Sprint(rep.Service, rep.Failovers, rep.PeerName, rep.Datacenter, names)
}

func (s *lone) furnishQueries() {
	for i, status := range []string{catalog.Passing, catalog.Warning, catalog.Critical} {
		node := fmt.Sprint("n", i)
		s.mustRegister(catalog.Register{
			Node: node, Address: fmt.Sprint("10.1.0.", i), NodeMeta: map[string]string{"rack": node},
			Service: &catalog.Service{ID: "w", Service: "web", Tags: []string{"All", node}, Meta: map[string]string{"ver": fmt.Sprint(i)}},
			Checks:  []*catalog.Check{{CheckID: "c", ServiceID: "w", Status: status}},
		})
	}
}

func TestQueriesSelectWhatTheyDescribe(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1") // it leads
		s.furnishQueries()
		for i, row := range []struct {
			service catalog.QueryService
			want    string
		}{
			{catalog.QueryService{Service: "web", Tags: []string{"n0", "all"}}, "web0dc1[n0]"},
			{catalog.QueryService{Service: "WEB", Tags: []string{"!N0"}}, "WEB0dc1[n1]"},
			{catalog.QueryService{Service: "web", OnlyPassing: true}, "web0dc1[n0]"},
			{catalog.QueryService{Service: "web", IgnoreCheckIDs: []string{"c"}, Tags: []string{"n2"}}, "web0dc1[n2]"},
			{catalog.QueryService{Service: "web", NodeMeta: map[string]string{"rack": "n1"}}, "web0dc1[n1]"},
			{catalog.QueryService{Service: "web", ServiceMeta: map[string]string{"ver": "0"}}, "web0dc1[n0]"},
			{catalog.QueryService{Service: "web", ServiceMeta: map[string]string{"none": ""}}, "web0dc1[]"},
			{catalog.QueryService{Service: "none", Failover: catalog.QueryFailover{NearestN: 2, Datacenters: []string{"dc1", "dc9"}}}, "none0dc1[]"},
			{catalog.QueryService{Service: "none", Failover: catalog.QueryFailover{Targets: []catalog.QueryTarget{{Peer: "p"}}}}, "none1p[]"},
		} {
			name := fmt.Sprint("q", i)
			s.mustQuery(catalog.Query{Name: name, Service: row.service})
			if got := s.execute(ops.QueryExecuteRequest{QueryIDOrName: name}); strings.ReplaceAll(got, " ", "") != row.want {
				t.Errorf("%+v: %s, want %s", row.service, got, row.want)
			}
		}
	})
}

func TestTheNearNodeLeads(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		for i := range 8 {
			s.mustRegister(catalog.Register{Node: fmt.Sprint("n", i), Address: fmt.Sprint("10.1.0.", i), Service: &catalog.Service{ID: "w", Service: "web"}})
		}
		s.mustQuery(catalog.Query{Name: "plain", Service: catalog.QueryService{Service: "web"}})
		s.mustQuery(catalog.Query{Name: "ip", Service: catalog.QueryService{Service: "web", Near: "_ip"}})
		s.mustQuery(catalog.Query{Name: "agent", Service: catalog.QueryService{Service: "web", Near: "_agent"}})
		here, away := ops.Near{NearDatacenter: "dc1"}, ops.Near{NearDatacenter: "dc2"}
		for range 5 {
			for _, row := range []struct {
				req  ops.QueryExecuteRequest
				want string
			}{
				{ops.QueryExecuteRequest{QueryIDOrName: "plain", Near: ops.Near{NearNode: "N5", NearDatacenter: "dc1"}}, "n5"},
				{ops.QueryExecuteRequest{QueryIDOrName: "ip", Near: here, SourceIP: "10.1.0.6"}, "n6"},
				{ops.QueryExecuteRequest{QueryIDOrName: "agent", Near: here, Agent: "n2"}, "n2"},
			} {
				if got := s.execute(row.req); !strings.Contains(got, "["+row.want+" ") {
					t.Errorf("%+v: %s, want %s first", row.req, got, row.want)
				}
			}
		}
		leads := 0
		for range 40 {
			if strings.Contains(s.execute(ops.QueryExecuteRequest{QueryIDOrName: "agent", Near: away, Agent: "n2"}), "[n2 ") {
				leads++
			}
		}
		if leads == 40 {
			t.Error("a node of another datacenter leads by its name")
		}
		if got := s.execute(ops.QueryExecuteRequest{QueryIDOrName: "plain", Limit: 3}); strings.Count(got, " ") != 2 {
			t.Errorf("limited to 3: %s", got)
		}
	})
}

func TestTemplatesRender(t *testing.T) {
	virtual(t, nil, func(s *lone) {
		s.put("a", "1")
		id := s.mustQuery(catalog.Query{
			Name: "Geo-", Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix, Regexp: `^geo-(.+?)(-[a-z])?$`, RemoveEmptyTags: true},
			Service: catalog.QueryService{
				Service: "${match(1)}", Tags: []string{"${match(2)}", "x${agent.segment}", "${match(9)}", "$${raw}"}, Near: "_agent",
				NodeMeta: map[string]string{"full": "${name.full}", "parts": "${name.prefix}|${name.suffix}"},
				Failover: catalog.QueryFailover{Datacenters: []string{"dc-${name.suffix}"}, Targets: nil},
			},
		})
		rep, err := ops.QueryExplain.Call(context.Background(), s.Router(), &ops.QueryExplainRequest{QueryIDOrName: "geo-web-a"})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(rep.Query.Service.Service, rep.Query.Service.Tags, rep.Query.Service.NodeMeta, rep.Query.Service.Failover.Datacenters)
		if want := "web[-a x ${raw}] map[full:geo-web-a parts:Geo-|web-a] [dc-web-a]"; got != want {
			t.Errorf("rendered %s, want %s", got, want)
		}
		if _, err := ops.QueryExplain.Call(context.Background(), s.Router(), &ops.QueryExplainRequest{QueryIDOrName: id}); err == nil || !strings.Contains(err.Error(), "by name, not by ID") {
			t.Errorf("by ID: %v", err)
		}
		if _, stored := s.Store().Read().Query(nil, id); stored.Service.Service != "${match(1)}" || stored.Service.Tags[0] != "${match(2)}" {
			t.Errorf("rendering changed what is stored: %+v", stored)
		}
		for _, row := range []struct{ regexp, service, want string }{
			{strings.Repeat("(a|b)?", 200), "x", "1200 bytes are too long"},
			{"((a|b)?){1000}", "x", "it is too complex"},
			{strings.Repeat("(a)", 33), "x", "33 groups are too many"},
			{"", strings.Repeat("${name.full}", 6000), "may have 65536 bytes together"},
			{"(", "x", "Bad Regexp: error parsing regexp: missing closing )"},
			{"", "${1/0}", "Bad evaluation for '${1/0}' in Service.Service: "},
			{"", "${nope()}", "Bad evaluation for"},
			{"", "${" + strings.Repeat("(", 30_000) + "name.full" + strings.Repeat(")", 30_000) + "}", "may have 1000 brackets, quotes and operators together"},
			{"", "${" + strings.Repeat("(", 64) + "name.full" + strings.Repeat(")", 64) + "}", "in Service.Service: 65 expressions inside each other are too many: at most 64 are allowed"},
			{"", "${" + strings.Repeat("!", 64) + "true}", "65 expressions inside each other"},
			{"", "${" + strings.Repeat("true ? name.full : ", 64) + "name.full}", "65 expressions inside each other"},
			{"", "${1" + strings.Repeat("+1", 64) + "}", "65 expressions inside each other"},
			{"", strings.Repeat(`${"x`, 33) + strings.Repeat(`"}`, 33), "66 expressions inside each other"},
			{"", strings.Repeat("${name.full}", 501), "may have 1000 brackets"},
		} {
			_, err := s.writeQuery(catalog.QueryCreate, "", catalog.Query{
				Name: "bad", Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix, Regexp: row.regexp}, Service: catalog.QueryService{Service: row.service},
			})
			if fault.KindOf(err) != fault.Rejected || !strings.HasPrefix(err.Error(), "raft apply failed: failed compiling template: ") || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%.40q %.40q: %.200v, want %s", row.regexp, row.service, err, row.want)
			}
		}
		for i, fine := range []string{
			"${" + strings.Repeat("(", 63) + "name.full" + strings.Repeat(")", 63) + "}", strings.Repeat(`${"x`, 32) + strings.Repeat(`"}`, 32),
			strings.Repeat("${match(1)}", 250), strings.Repeat("${name.full} ", 500),
		} {
			if _, err := s.writeQuery(catalog.QueryCreate, "", catalog.Query{
				Name: fmt.Sprintf("fine%d-", i), Template: catalog.QueryTemplate{Type: catalog.TemplateNamePrefix}, Service: catalog.QueryService{Service: fine},
			}); err != nil {
				t.Errorf("%.40s: %.200v", fine, err)
			}
		}
		if got := s.execute(ops.QueryExecuteRequest{QueryIDOrName: "geo-" + strings.Repeat("x", 600)}); !strings.Contains(got, "512 bytes, not 604") {
			t.Errorf("a long name: %s", got)
		}
	})
}

// readers may read open queries, and change none.
var readers = deciding(func(n acl.Need) bool { return n.Permission() == "query:read" && strings.HasPrefix(n.Name(), "open") })

func TestQueriesAreShownAndChangedByRight(t *testing.T) {
	virtual(t, func(o *server.Options) { o.ACL = limited{readers} }, func(s *lone) {
		s.put("a", "1")
		id := s.mustQuery(catalog.Query{Name: "named", Token: "secret", Service: catalog.QueryService{Service: "web"}})
		for _, verb := range []catalog.QueryVerb{catalog.QueryCreate, catalog.QueryUpdate, catalog.QueryDelete} {
			q := catalog.Query{Name: "mine", Service: catalog.QueryService{Service: "web"}}
			if verb != catalog.QueryCreate {
				q.ID = id
			}
			if _, err := s.writeQuery(verb, "t", q); fault.KindOf(err) != fault.Denied {
				t.Errorf("verb %d without query:write: %v", verb, err)
			}
		}
		list, err := ops.QueryList.Call(context.Background(), s.Router(), &ops.QueryListRequest{ReadOptions: rpc.ReadOptions{Token: "t"}})
		if err != nil || len(list.Queries) != 0 || !list.Filtered {
			t.Errorf("list: %+v, %v", list, err)
		}
		s.mustQuery(catalog.Query{Name: "open", Token: "secret", Service: catalog.QueryService{Service: "web"}})
		rep, err := ops.QueryExplain.Call(context.Background(), s.Router(), &ops.QueryExplainRequest{ReadOptions: rpc.ReadOptions{Token: "t"}, QueryIDOrName: "open"})
		if err != nil || rep.Query.Token != "<hidden>" {
			t.Errorf("explain: %+v, %v", rep, err)
		}
		if _, err := ops.QueryGet.Call(context.Background(), s.Router(), &ops.QueryGetRequest{ReadOptions: rpc.ReadOptions{Token: "t"}, ID: id}); fault.KindOf(err) != fault.Denied {
			t.Errorf("get: %v", err)
		}
	})
}
