package catalog

import (
	"maps"
	"slices"
	"strings"

	"praetor/internal/mesh"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:1048576 maps:65536

// modeTransparent is the mode of proxies that take all of an instance's traffic.
const modeTransparent = "transparent"

// ExternalSource is the metadata that names what registered an instance, or made an
// intention, if not a person.
const ExternalSource = "external-source"

// ServiceSummary is what the instances of a service add up to: what
// internal/ui/services lists (reference/http-mesh-ui.md §6).
type ServiceSummary struct {
	Kind            string // of proxies and gateways; "" for services
	Name            string
	Datacenter      string
	Tags            []string // distinct, sorted
	Nodes           []string // distinct, in the order of the instances
	ExternalSources []string // distinct, in the order of the instances

	Instances int
	Checks    Tally // each check once, those of the nodes too
	Health    Tally // instances by their worst check, none being passing

	TransparentProxy   bool // all its proxies are transparent
	ConnectNative      bool // some instance speaks mesh TLS itself
	ConnectedWithProxy bool
}

// Tally counts by state.
type Tally struct {
	Passing  int
	Warning  int
	Critical int
}

// Add counts n more of a status; what is neither passing nor critical warns.
func (t *Tally) Add(status string, n int) {
	switch fold(status) {
	case Passing:
		t.Passing += n
	case Critical:
		t.Critical += n
	default:
		t.Warning += n
	}
}

// Worst is the status of something with these checks; none pass.
func Worst(checks []*Check) string {
	var t Tally
	for _, c := range checks {
		t.Add(c.Status, 1)
	}
	return t.Worst()
}

// Worst is the worst status counted, passing if there is none.
func (t Tally) Worst() string {
	switch {
	case t.Critical > 0:
		return Critical
	case t.Warning > 0:
		return Warning
	}
	return Passing
}

// partialSummary is what the instances under one folded name say by themselves.
// It is kept while that service's index stays.
type partialSummary struct {
	index     uint64
	summaries []*ServiceSummary // one per spelling
	proxies   []*InstanceHealth // what they stand before shows them too
}

// serviceSummaries is an answer of Tx.ServiceSummaries with what it was made of.
type serviceSummaries struct {
	index    uint64
	partials map[string]*partialSummary // by index row
	list     []*ServiceSummary
	proxies  []*InstanceHealth
}

// ServiceSummaries sums up every service, by name. The list is made once per
// change, from what is kept of services that did not change, and shared by all
// callers until the next.
func (tx *Tx) ServiceSummaries(ws WatchSet) (uint64, []*ServiceSummary) {
	index := tx.HealthIndex(ws)
	return index, tx.summaries(index).list
}

// MeshProxies lists the proxies that stand before a service, in no order. The list is
// shared as that of ServiceSummaries is.
func (tx *Tx) MeshProxies(ws WatchSet) (uint64, []*InstanceHealth) {
	index := tx.HealthIndex(ws)
	return index, tx.summaries(index).proxies
}

func (tx *Tx) summaries(index uint64) *serviceSummaries {
	if tx.in != home {
		return tx.summarize(nil)
	}
	cached := tx.state.summaries.Load()
	if cached != nil && cached.index == index {
		return cached
	}
	answer := tx.summarize(cached)
	answer.index = index
	if cached == nil || cached.index < index {
		tx.state.summaries.CompareAndSwap(cached, answer)
	}
	return answer
}

func (tx *Tx) summarize(cached *serviceSummaries) *serviceSummaries {
	answer := &serviceSummaries{partials: make(map[string]*partialSummary)}
	var partials []*partialSummary
	for row := range rows[*indexRow](tx.txn, nil, tableIndex, byID, []byte(tx.in.name(prefixHealth))) {
		var part *partialSummary
		if cached != nil {
			part = cached.partials[row.Key]
		}
		if part == nil || part.index != row.Value {
			_, instances := tx.ServiceHealth(nil, row.Key[len(tx.in.begin())+len(prefixHealth):])
			part = newPartial(instances)
			part.index = row.Value
		}
		answer.partials[row.Key] = part
		partials = append(partials, part)
		answer.proxies = append(answer.proxies, part.proxies...)
	}
	answer.list = mergePartials(partials)
	return answer
}

// Instances lists every instance with its checks, by service name and node.
func (tx *Tx) Instances(ws WatchSet) (uint64, []*InstanceHealth) {
	instances := make([]*InstanceHealth, 0)
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byID, tx.in.all()) {
		instances = append(instances, &r.Health)
	}
	return tx.HealthIndex(ws), instances
}

// Summarize sums up instances by service name, for those who may not see all
// of them, or want some.
func Summarize(instances []*InstanceHealth) []*ServiceSummary {
	return mergePartials([]*partialSummary{newPartial(instances)})
}

func newPartial(instances []*InstanceHealth) *partialSummary {
	part, byName := &partialSummary{}, map[string]*sum{}
	for _, i := range instances {
		if i.Service.Kind == mesh.KindProxy && meshName(i.Service) != "" {
			part.proxies = append(part.proxies, i)
		}
		s := byName[i.Service.Service]
		if s == nil {
			s = newSum(&ServiceSummary{Name: i.Service.Service, Datacenter: i.Node.Datacenter})
			byName[i.Service.Service] = s
		}
		s.add(i)
	}
	for _, s := range byName {
		slices.Sort(s.Tags)
		s.Tags = slices.Compact(s.Tags)
		part.summaries = append(part.summaries, s.ServiceSummary)
	}
	return part
}

// mergePartials lists the summaries by name. Proxies, which are services of their own, count
// for those that they stand before too. Summaries that get one are copied: partials are shared.
func mergePartials(partials []*partialSummary) []*ServiceSummary {
	byName := make(map[string]*ServiceSummary)
	for _, part := range partials {
		for _, s := range part.summaries {
			byName[s.Name] = s
		}
	}
	connected := make(map[string]*sum)
	for _, part := range partials {
		for _, i := range part.proxies {
			name := meshName(i.Service)
			s := connected[name]
			if s == nil {
				s = copySum(byName[name], name)
				connected[name], byName[name] = s, s.ServiceSummary
			}
			s.addProxy(i)
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *ServiceSummary) int { return strings.Compare(a.Name, b.Name) })
}

// sum is a summary in the making. A node's own checks count once, however many
// instances run there.
type sum struct {
	*ServiceSummary
	nodes map[string]bool
}

func newSum(s *ServiceSummary) *sum {
	nodes := make(map[string]bool, len(s.Nodes))
	for _, n := range s.Nodes {
		nodes[n] = true
	}
	return &sum{s, nodes}
}

// copySum continues a summary that others hold; nil starts one for a service of
// which only proxies are there, which is in no datacenter.
func copySum(s *ServiceSummary, name string) *sum {
	if s == nil {
		s = &ServiceSummary{Name: name}
	}
	copied := *s
	copied.TransparentProxy, copied.ConnectedWithProxy = true, true
	return newSum(&copied)
}

func (s *sum) add(i *InstanceHealth) {
	s.addChecks(i)
	if !s.nodes[i.Node.Node] {
		s.nodes[i.Node.Node] = true
		s.Nodes = append(s.Nodes, i.Node.Node)
	}
	s.Kind = i.Service.Kind
	s.Tags = append(s.Tags, i.Service.Tags...)
	if source := i.Service.Meta[ExternalSource]; source != "" && !slices.Contains(s.ExternalSources, source) {
		s.ExternalSources = append(s.ExternalSources, source)
	}
	s.ConnectNative = s.ConnectNative || i.Service.Connect != nil && i.Service.Connect.Native
	s.Instances++
	s.Health.Add(Worst(i.Checks), 1)
}

func (s *sum) addProxy(i *InstanceHealth) {
	s.addChecks(i)
	s.nodes[i.Node.Node] = true
	if p := i.Service.Proxy; p == nil || p.Mode != modeTransparent {
		s.TransparentProxy = false
	}
}

// addChecks counts an instance's checks, those of a node that was seen before
// left out.
func (s *sum) addChecks(i *InstanceHealth) {
	for _, c := range i.Checks {
		if c.ServiceID != "" || !s.nodes[i.Node.Node] {
			s.Checks.Add(c.Status, 1)
		}
	}
}
