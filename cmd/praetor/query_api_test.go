package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
)

func TestTheRealClientPreparesQueries(t *testing.T) {
	t.Parallel()
	c := newClient(t, "127.77.23.1")
	c.seed()
	queries := c.PreparedQuery()
	id, _, err := queries.Create(&api.PreparedQueryDefinition{
		Name: "web", DNS: api.QueryDNSOptions{TTL: "7s"},
		Service: api.ServiceQuery{Service: "web", OnlyPassing: true, Tags: []string{"x", "!v9"}, NodeMeta: map[string]string{"rack": "1"}},
	}, nil)
	c.same("create", err, nil, nil)
	list, meta, err := queries.List(nil)
	c.same("list", len(list), 1, err)
	c.wantMeta("list", meta)
	got, _, err := queries.Get(id, nil)
	c.same("get", fmt.Sprint(got[0].Name, got[0].DNS.TTL, got[0].Service.Tags), "web7s[x !v9]", err)

	for _, by := range []string{id, "web", "WEB"} {
		found, meta, err := queries.Execute(by, nil)
		c.same("execute by "+by, err, nil, nil)
		if err == nil && (len(found.Nodes) != 1 || found.Nodes[0].Service.ID != "w1" || found.DNS.TTL != "7s" || found.Datacenter != "dc1" || !meta.KnownLeader) {
			t.Errorf("executed by %s: %+v", by, found)
		}
	}
	found, _, err := queries.Execute("web", &api.QueryOptions{Connect: true})
	c.same("in the mesh", len(found.Nodes), 0, err) // the proxy has not the tag

	template := &api.PreparedQueryDefinition{
		Name: "any-", Template: api.QueryTemplate{Type: "name_prefix_match"},
		Service: api.ServiceQuery{Service: "${name.suffix}", Failover: api.QueryFailoverOptions{NearestN: 2, Datacenters: []string{"dc9"}}},
	}
	template.ID, _, err = queries.Create(template, nil)
	c.same("create template", err, nil, nil)
	found, _, err = queries.Execute("any-native", nil)
	c.same("execute template", fmt.Sprint(found.Service, len(found.Nodes), found.Failovers), "native1 0", err)

	template.Service.Service = "web"
	_, err = queries.Update(template, nil)
	c.same("update", err, nil, nil)
	found, _, err = queries.Execute("any-native", nil)
	c.same("execute after the update", found.Service, "web", err)

	session, _, err := c.Session().CreateNoChecks(&api.SessionEntry{}, nil)
	c.same("session", err, nil, nil)
	bound, _, err := queries.Create(&api.PreparedQueryDefinition{Session: session, Service: api.ServiceQuery{Service: "web"}}, nil)
	c.same("create without a name", err, nil, nil)
	_, err = c.Session().Destroy(session, nil)
	c.same("destroy", err, nil, nil)
	if _, _, err := queries.Get(bound, nil); err == nil || !strings.Contains(err.Error(), "Query not found") {
		t.Errorf("a query whose session ended: %v", err)
	}
	_, err = queries.Delete(id, nil)
	c.same("delete", err, nil, nil)
	if _, _, err := queries.Execute("web", nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a query that was deleted: %v", err)
	}
}
