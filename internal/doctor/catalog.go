package doctor

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
)

// examineCatalog looks for what this agent has registered and the catalog has not.
func examineCatalog(_ context.Context, p *patient, c *chart) {
	here, err := p.cl.Agent().Services()
	if err != nil {
		if !lacksRight(c, err, "agent:read") {
			c.add(Warning, "", "the agent's services cannot be listed: %s", shortError(err))
		}
		return
	}
	node, _, err := p.cl.Catalog().Node(p.self.Config.NodeName, &api.QueryOptions{AllowStale: true})
	if err != nil {
		c.add(Warning, "", "the catalog cannot be read: %s", shortError(err))
		return
	}
	why := p.self.Stats["agent"]["sync_error"]
	switch {
	case node == nil:
		c.add(Problem, cureForRefusal(why), "this node is not in the catalog%s", because(why))
		return
	case isOtherID(node.Node.ID, p.self.Config.NodeID):
		examineTakenName(p, node.Node, c)
		return
	}
	examineOwnHealth(p, c)
	var missing []string
	for id := range here {
		if node.Services[id] == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		c.add(Problem, cureForRefusal(why), "registered here, but not in the catalog: %s%s", few(missing), because(why))
		return
	}
	if why != "" {
		c.add(Problem, cureForRefusal(why), "what changes here does not reach the catalog: %s", why)
		return
	}
	c.add(OK, "", "the catalog has all of this agent's services (%d)", len(here))
}

func isOtherID(a, b string) bool { return a != "" && b != "" && !strings.EqualFold(a, b) }

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// cureForRefusal says what to do about what the servers answered when the agent told
// them of its services, "" if that is not known.
func cureForRefusal(why string) string {
	switch {
	case strings.Contains(why, "cannot share an ID"):
		return cureForSharedID
	case strings.Contains(why, "is reserved by node"):
		return "if that node's agent lives, give one of the two another name (-node); if it is gone for good, praetor force-leave NAME once praetor members shows it as failed"
	case strings.Contains(why, "Permission denied"), strings.Contains(why, "ACL not found"):
		return "give the agent, or the service, a token with service:write"
	case strings.Contains(why, "No cluster leader"), strings.Contains(why, "No known Consul servers"):
		return "first see to the leader and the servers: the agent tries again by itself"
	}
	return "see the agent's log for \"failed to sync remote state\""
}

// examineTakenName says who has this agent's name in the catalog. A machine that was
// rebuilt gets it within seconds, from the leader, once its predecessor is gone.
func examineTakenName(p *patient, holder *api.Node, c *chart) {
	const seen = "the catalog has the name %s for another agent: node ID %s at %s; this one is %s, and what it registers is refused"
	args := []any{holder.Node, holder.ID, holder.Address, p.self.Config.NodeID}
	for _, m := range p.members {
		if m.Status == memberAlive && strings.EqualFold(m.Tags["id"], holder.ID) {
			c.add(Problem, "give one of the two another name (-node; capitals make no difference) and start it again: the other agent lives, as "+m.Name+" at "+m.Addr, seen, args...)
			return
		}
	}
	c.add(Problem, "look again in a few seconds: the leader gives the name to the agent that answers for it in gossip. If it stays so: praetor members on a server must show this agent as alive at its address; "+
		`if the other agent is gone for good, curl -X PUT -d '{"Node":"`+holder.Node+`"}' http://`+net.JoinHostPort(p.host, strconv.Itoa(p.self.DebugConfig.HTTPPort))+`/v1/catalog/deregister frees the name, and this agent registers itself`, seen, args...)
}

// examineOwnHealth finds out whether the servers see this agent in gossip: its node
// has the check serfHealth then.
func examineOwnHealth(p *patient, c *chart) {
	checks, _, err := p.cl.Health().Node(p.self.Config.NodeName, &api.QueryOptions{AllowStale: true})
	if err != nil {
		return // that the catalog cannot be read was said
	}
	const cure = "is its address in serf_lan_allowed_cidrs of the servers (their logs say \"Rejected node\" if not), and are TCP and UDP 8301 open in both directions?"
	for _, chk := range checks {
		if chk.CheckID != "serfHealth" {
			continue
		}
		if chk.Status == api.HealthCritical {
			c.add(Problem, cure, "the servers think that this agent is gone, so its services are given to nobody: %s", chk.Output)
		}
		return
	}
	c.add(Warning, cure, "this agent's node has no serfHealth: the servers do not see it in gossip, so nobody will notice when it dies")
}

// examineServices looks for services that nobody can use.
func examineServices(_ context.Context, p *patient, c *chart) {
	var services []struct {
		Name           string
		ChecksCritical int
	}
	if _, err := p.cl.Raw().Query("/v1/internal/ui/services", &services, &api.QueryOptions{AllowStale: true}); err != nil {
		c.add(Warning, "", "services cannot be listed: %s", shortError(err))
		return
	}
	checks, _, err := p.cl.Health().State(api.HealthAny, &api.QueryOptions{AllowStale: true})
	if err != nil {
		c.add(Warning, "", "checks cannot be listed: %s", shortError(err))
		return
	}
	watched := map[string]bool{}
	var slow []string
	for _, chk := range checks {
		watched[chk.ServiceName] = true
		if out := strings.ToLower(chk.Output); chk.Status != api.HealthPassing && (strings.Contains(out, "timed out") || strings.Contains(out, "timeout") || strings.Contains(out, "deadline exceeded")) {
			slow = append(slow, fmt.Sprintf("%s on %s", chk.CheckID, chk.Node))
		}
	}
	var sick, blind []string
	for _, s := range services {
		switch {
		case s.ChecksCritical > 0:
			sick = append(sick, s.Name)
		case !watched[s.Name] && s.Name != "consul":
			blind = append(blind, s.Name)
		}
	}
	examineSick(p, c, sick)
	if len(slow) > 0 {
		c.add(Warning, "give these checks a longer timeout, or find out why they are slow", "checks time out: %s", few(slow))
	}
	if len(blind) > 0 {
		c.add(Note, "add a check, so that instances that do not work are not given out", "no check looks at %s", few(blind))
	}
	c.add(OK, "", "%s looked at, with %s", Plural(len(services), "service"), Plural(len(checks), "check"))
}

const (
	// mostSick services are looked at one by one, and outputBytes shown of the
	// output of a check.
	mostSick    = 500
	outputBytes = 200
)

// examineSick looks at the instances of services that have critical checks: one
// without a healthy instance is given to nobody.
func examineSick(p *patient, c *chart, names []string) {
	slices.Sort(names)
	if len(names) > mostSick {
		c.add(Note, "", "%d services have critical checks; the first %d were looked at", len(names), mostSick)
		names = names[:mostSick]
	}
	why, unseen := make([]string, len(names)), make([]bool, len(names))
	Parallel(len(names), func(i int) {
		instances, _, err := p.cl.Health().Service(names[i], "", false, &api.QueryOptions{AllowStale: true})
		unseen[i] = err != nil
		for _, in := range instances {
			if in.Checks.AggregatedStatus() == api.HealthPassing || in.Checks.AggregatedStatus() == api.HealthWarning {
				why[i] = ""
				return
			}
			if why[i] == "" {
				why[i] = failing(in)
			}
		}
	})
	var left []string
	for i, name := range names {
		if unseen[i] {
			left = append(left, name)
		}
		if why[i] != "" {
			c.add(Problem, "fix what the check says; praetor catalog nodes -service="+name+" shows where it is", "no instance is healthy of %s: %s", name, why[i])
		}
	}
	if len(left) > 0 {
		c.add(Warning, "look again", "these services could not be looked at: %s", few(left))
	}
}

// failing says which check of an instance fails, and with what.
func failing(in *api.ServiceEntry) string {
	for _, chk := range in.Checks {
		if chk.Status == api.HealthCritical || chk.Status == api.HealthMaint {
			out := strings.Join(strings.Fields(chk.Output), " ")
			if len(out) > outputBytes {
				out = strings.ToValidUTF8(out[:outputBytes], "") + "…"
			}
			if out == "" {
				out = "no output yet"
			}
			return fmt.Sprintf("check %s on %s: %s", chk.CheckID, in.Node.Node, out)
		}
	}
	return "in maintenance on " + in.Node.Node
}
