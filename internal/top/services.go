package top

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"
)

// summary is a row of /v1/internal/ui/services.
type summary struct {
	Name                                         string
	Kind                                         string
	Tags                                         []string
	InstanceCount                                int
	ChecksPassing, ChecksWarning, ChecksCritical int
}

func (s *summary) status() string {
	switch {
	case s.ChecksCritical > 0:
		return api.HealthCritical
	case s.ChecksWarning > 0:
		return api.HealthWarning
	case s.ChecksPassing > 0:
		return api.HealthPassing
	}
	return ""
}

var servicesColumns = []column{{title: "STATUS"}, {title: "SERVICE"}, {"INSTANCES", true}, {"PASSING", true}, {"WARNING", true}, {"CRITICAL", true}, {title: "TAGS"}}

func servicesBody(list []summary) *body {
	slices.SortFunc(list, func(a, b summary) int {
		return cmp.Or(cmp.Compare(badness(a.status()), badness(b.status())), cmp.Compare(a.Name, b.Name))
	})
	rows := make([]row, 0, len(list))
	for _, s := range list {
		number := func(n int, look style) span {
			if n == 0 {
				look = plain
			}
			return span{strconv.Itoa(n), look}
		}
		rows = append(rows, row{
			cells: []span{state(s.status()), {text: s.Name}, number(s.InstanceCount, plain), number(s.ChecksPassing, plain), number(s.ChecksWarning, warn), number(s.ChecksCritical, bad), {text: strings.Join(s.Tags, ", ")}},
			more:  s.Kind,
			opens: target{kindService, s.Name},
		})
	}
	return table(servicesColumns, rows, "No service is registered, or the token may see none.")
}

// entry is a row of /v1/health/service/NAME.
type entry struct {
	Node    node
	Service service
	Checks  []check
}

func serviceBody(list []entry) *body {
	slices.SortFunc(list, func(a, b entry) int {
		x, _ := worst(a.Checks)
		y, _ := worst(b.Checks)
		return cmp.Or(cmp.Compare(badness(x), badness(y)), cmp.Compare(a.Node.Node, b.Node.Node), cmp.Compare(a.Service.ID, b.Service.ID))
	})
	b := &body{empty: "No instance is registered, or the token may see none."}
	width := 0
	for _, e := range list {
		width = max(width, nameColumn(e.Checks))
	}
	for _, e := range list {
		at := address(cmp.Or(e.Service.Address, e.Node.Address), e.Service.Port)
		b.blocks = append(b.blocks, section(e.Service.ID, at+"  on "+e.Node.Node, e.Service.Tags, e.Checks, width))
	}
	return b
}
