package top

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
)

// overview is what the first page is made of. What the token may not see is nil, and
// refused says why.
type overview struct {
	datacenter string
	leader     string // address, "" for none
	self       *agentSelf
	servers    *api.OperatorHealthReply
	refused    string
	nodes      []node
}

// agentSelf is what an agent says of itself.
type agentSelf struct {
	Config struct {
		Datacenter, NodeName, Version string
		Server                        bool
	}
	Stats struct{ Raft map[string]string }
}

// askOverview waits for a change of what is registered, then asks for the rest.
func (s *source) askOverview(ctx context.Context, a *answer, index uint64) error {
	var o overview
	wait := s.blocking(ctx, index)
	wait.WaitTime = overviewAtMost
	meta, err := s.client.Raw().Query("/v1/internal/ui/nodes", &o.nodes, wait)
	if err != nil {
		return err
	}
	if o.leader, err = s.client.Status().LeaderWithQueryOptions(s.once(ctx)); err != nil {
		return err
	}
	o.self = &agentSelf{}
	if _, err := s.client.Raw().Query("/v1/agent/self", o.self, (&api.QueryOptions{}).WithContext(ctx)); err != nil {
		if stateOf(err) != denied {
			return err
		}
		o.self = nil
	}
	if o.leader == "" {
		o.refused = "no server leads" // it knows, and would be waited for
	} else if o.servers, err = s.client.Operator().AutopilotServerHealth(s.once(ctx)); err != nil {
		if stateOf(err) == reconnecting {
			return err
		}
		o.servers, o.refused = nil, textOf(err)
	}
	if o.datacenter = s.datacenter; o.datacenter == "" && o.self != nil {
		o.datacenter = o.self.Config.Datacenter
	}
	a.known(meta)
	// The anonymous token is not told that something is left out; but no cluster has no node.
	a.part = a.part || len(o.nodes) == 0 && meta.DefaultACLPolicy == "deny"
	a.datacenter, a.leader = o.datacenter, a.leader && o.leader != ""
	a.body = o.body()
	return nil
}

var criticalColumns = []column{{title: "SERVICE"}, {title: "NODE"}, {title: "CHECK"}, {title: "OUTPUT"}}

func (o *overview) body() *body {
	names := map[string]bool{}
	instances := 0
	var tally tally
	var rows []row
	for _, n := range o.nodes {
		instances += len(n.Services)
		for _, s := range n.Services {
			names[s.Service] = true
		}
		for _, c := range n.Checks {
			if tally.add(c.Status); badness(c.Status) == 0 {
				rows = append(rows, c.row())
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return slices.CompareFunc(a.cells[:3], b.cells[:3], func(a, b span) int { return cmp.Compare(a.text, b.text) })
	})
	b := table(criticalColumns, rows, "Nothing is critical.")
	b.label = "Critical"
	pair := func(name string, value ...span) {
		b.head = append(b.head, append(line{{fit(name, 13, false), strong}}, value...))
	}
	pair("Datacenter", span{text: o.datacenterText()})
	pair("Leader", o.leaderText())
	pair("Raft", span{text: o.raftText()})
	pair("Servers", o.serversText()...)
	pair("Registered", span{text: fmt.Sprintf("%s, %s, %s", count(len(names), "service"), count(instances, "instance"), count(len(o.nodes), "node"))})
	pair("Checks", tally.spans()...)
	return b
}

func (o *overview) datacenterText() string {
	t := cmp.Or(o.datacenter, "not known")
	if o.self != nil {
		mode := "client"
		if o.self.Config.Server {
			mode = "server"
		}
		t += fmt.Sprintf(", asked at %s (%s, version %s)", o.self.Config.NodeName, mode, o.self.Config.Version)
	}
	return t
}

func (o *overview) leaderText() span {
	if o.leader == "" {
		return span{"none", bad}
	}
	if o.servers != nil {
		for _, s := range o.servers.Servers {
			if s.Leader || s.Address == o.leader {
				return span{text: fmt.Sprintf("%s at %s", s.Name, o.leader)}
			}
		}
	}
	return span{text: o.leader}
}

// raftText has the term and the commit index of the asked agent if it is one of the
// datacenter's servers, else what the leader last said of its log.
func (o *overview) raftText() string {
	if o.self != nil && o.self.Config.Server && o.self.Config.Datacenter == o.datacenter && o.self.Stats.Raft["term"] != "" {
		return fmt.Sprintf("term %s, commit index %s", o.self.Stats.Raft["term"], o.self.Stats.Raft["commit_index"])
	}
	if o.servers != nil {
		for _, s := range o.servers.Servers {
			if s.Leader {
				return fmt.Sprintf("term %d, last index of the leader %d", s.LastTerm, s.LastIndex)
			}
		}
	}
	return "not known"
}

func (o *overview) serversText() []span {
	if o.servers == nil {
		return []span{{"not known: " + o.refused, warn}}
	}
	healthy := 0
	var others []string
	for _, s := range o.servers.Servers {
		if s.Healthy {
			healthy++
		} else {
			others = append(others, s.Name+" "+s.SerfStatus)
		}
	}
	lost := span{fmt.Sprintf("%d may be lost", o.servers.FailureTolerance), good}
	if o.servers.FailureTolerance == 0 {
		lost = span{"none may be lost", warn}
	}
	l := []span{{text: fmt.Sprintf("%d of %d healthy, ", healthy, len(o.servers.Servers))}, lost}
	if len(others) > 0 {
		l = append(l, span{"; not healthy: " + strings.Join(others, ", "), bad})
	}
	return l
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// tally counts checks by status.
type tally struct{ passing, warning, critical int }

func (t *tally) add(status string) {
	switch status {
	case api.HealthPassing:
		t.passing++
	case api.HealthWarning:
		t.warning++
	default:
		t.critical++
	}
}

// spans says how many there are; only what there is is coloured.
func (t *tally) spans() []span {
	styled := func(n int, what string, s style) span {
		if n == 0 {
			s = plain
		}
		return span{fmt.Sprintf("%d %s", n, what), s}
	}
	return []span{styled(t.passing, "passing", good), {text: ", "}, styled(t.warning, "warning", warn), {text: ", "}, styled(t.critical, "critical", bad)}
}

// address is where an instance is reached.
func address(host string, port int) string {
	if port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
