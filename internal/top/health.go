package top

import (
	"cmp"
	"strings"

	"github.com/hashicorp/consul/api"
)

// maxOutput is how many bytes of a check's output are shown.
const maxOutput = 4096

// check is a health check as lists show it.
type check struct {
	Node, CheckID, Name, Status, Output, Notes, ServiceID, ServiceName string
}

// node is a row of /v1/internal/ui/nodes.
type node struct {
	Node, Address string
	Services      []service
	Checks        []check
}

// service is an instance on a node.
type service struct {
	ID, Service, Address string
	Port                 int
	Tags                 []string
}

// badness orders states: what needs somebody first.
func badness(status string) int {
	switch status {
	case api.HealthPassing:
		return 2
	case api.HealthWarning:
		return 1
	case "":
		return 3
	}
	return 0
}

// worst is the worst state of checks, and the check that has it; "" and nil for no checks.
func worst(checks []check) (string, *check) {
	var found *check
	for i := range checks {
		if found == nil || badness(checks[i].Status) < badness(found.Status) {
			found = &checks[i]
		}
	}
	if found == nil {
		return "", nil
	}
	return found.Status, found
}

// state is a status as a cell.
func state(status string) span {
	switch status {
	case api.HealthPassing:
		return span{status, good}
	case api.HealthWarning:
		return span{status, warn}
	case "":
		return span{"no check", faint}
	}
	return span{status, bad}
}

// said is what a check last put out, or what is noted of it.
func (c *check) said() string {
	t := cmp.Or(strings.TrimSpace(c.Output), strings.TrimSpace(c.Notes))
	if len(t) > maxOutput {
		t = strings.ToValidUTF8(t[:maxOutput], "") + ellipsis
	}
	return t
}

// row is a check in the list of what is critical; it opens the service, or the node.
func (c *check) row() row {
	opens := target{kindService, c.ServiceName}
	if c.ServiceName == "" {
		opens = target{kindNode, c.Node}
	}
	return row{
		cells: []span{{text: cmp.Or(c.ServiceName, "-")}, {text: c.Node}, {text: cmp.Or(c.Name, c.CheckID)}, {text: c.said()}},
		more:  c.CheckID + " " + c.ServiceID,
		opens: opens,
	}
}

// statusColumn holds the longest status and two blanks.
const statusColumn = 10

// nameColumn is as wide as the longest name of checks, within bounds.
func nameColumn(checks []check) int {
	n := 0
	for _, c := range checks {
		n = max(n, len(cmp.Or(c.Name, c.CheckID)))
	}
	return min(n, 24)
}

// section is what is said of an instance or a node: its worst state, where it is, its tags
// and checks.
func section(name, where string, tags []string, checks []check, width int) block {
	status, _ := worst(checks)
	text := block{{before: line{state(status), {"  " + name, strong}}, text: "  " + where, exact: true}}
	if len(tags) > 0 {
		text = append(text, paragraph{before: line{{text: "  tags"}}, indent: 2 + statusColumn, text: strings.Join(tags, ", ")})
	}
	return append(text, paragraphs(checks, width)...)
}

// paragraphs are checks in a text, the worst first.
func paragraphs(checks []check, width int) block {
	var b block
	for rank := range 4 {
		for i := range checks {
			c := &checks[i]
			if badness(c.Status) != rank {
				continue
			}
			status := state(c.Status)
			status.text = fit(status.text, statusColumn, false)
			b = append(b, paragraph{
				before: line{{text: "  "}, status, {text: fit(cmp.Or(c.Name, c.CheckID), width, false) + "  "}},
				indent: 2 + statusColumn + width + 2,
				text:   c.said(),
			})
		}
	}
	return b
}
