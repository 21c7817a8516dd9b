package top

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
)

var nodesColumns = []column{{title: "STATUS"}, {title: "NODE"}, {title: "ADDRESS"}, {"SERVICES", true}, {"CHECKS", true}, {title: "WORST CHECK"}}

func nodesBody(list []node) *body {
	slices.SortFunc(list, func(a, b node) int {
		x, _ := worst(a.Checks)
		y, _ := worst(b.Checks)
		return cmp.Or(cmp.Compare(badness(x), badness(y)), cmp.Compare(a.Node, b.Node))
	})
	rows := make([]row, 0, len(list))
	for _, n := range list {
		status, of := worst(n.Checks)
		why := ""
		if of != nil && status != api.HealthPassing {
			if why = cmp.Or(of.Name, of.CheckID); of.ServiceName != "" {
				why = of.ServiceName + ": " + why
			}
		}
		var services []string
		for _, s := range n.Services {
			services = append(services, s.Service)
		}
		rows = append(rows, row{
			cells: []span{state(status), {text: n.Node}, {text: n.Address}, {text: strconv.Itoa(len(n.Services))}, {text: strconv.Itoa(len(n.Checks))}, {text: why}},
			more:  strings.Join(services, " "),
			opens: target{kindNode, n.Node},
		})
	}
	return table(nodesColumns, rows, "No node is registered, or the token may see none.")
}

func (s *source) askNode(ctx context.Context, a *answer, name string, index uint64) error {
	err := askFor(ctx, s, a, "/v1/internal/ui/node/"+name, index, func(n node) *body { return nodeBody(&n) })
	var status api.StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		a.leader = true
		a.body = &body{empty: "There is no such node any more, or the token may not see it."}
		return nil
	}
	return err
}

// nodeBody has the node's own checks, then its services, the worst first.
func nodeBody(n *node) *body {
	of := map[string][]check{}
	for _, c := range n.Checks {
		of[c.ServiceID] = append(of[c.ServiceID], c)
	}
	width := nameColumn(n.Checks)
	b := &body{blocks: []block{section("node", n.Address, nil, of[""], width)}}
	slices.SortFunc(n.Services, func(x, y service) int {
		xs, _ := worst(of[x.ID])
		ys, _ := worst(of[y.ID])
		return cmp.Or(cmp.Compare(badness(xs), badness(ys)), cmp.Compare(x.Service, y.Service), cmp.Compare(x.ID, y.ID))
	})
	for _, s := range n.Services {
		name := s.Service
		if s.ID != s.Service {
			name += " (" + s.ID + ")"
		}
		b.blocks = append(b.blocks, section(name, address(cmp.Or(s.Address, n.Address), s.Port), s.Tags, of[s.ID], width))
	}
	return b
}
