package catalog

import (
	"cmp"
	"slices"
	"strings"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

// The commands that change nodes with their services and checks; their results
// are nil or an error.
const (
	RegisterCommand   CommandType = 1
	DeregisterCommand CommandType = 2
)

var (
	registerCommand   = succeeds(RegisterCommand, "register", (*writer).register)
	deregisterCommand = succeeds(DeregisterCommand, "deregister", (*writer).deregister)
)

// Register writes a node and, optionally, one service and checks on it, all or
// nothing (reference/http-catalog-health.md §2.1).
type Register struct {
	ID              string
	Node            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	NodeMeta        map[string]string
	Locality        *Locality
	SkipNodeUpdate  bool
	Service         *Service
	Checks          []*Check
}

// Deregister removes a service (ServiceID), a check (CheckID), or, with
// neither, a whole node. What does not exist is not an error.
type Deregister struct {
	Node      string
	ServiceID string
	CheckID   string
}

// Prepare fills in defaults and says what is wrong with a registration taken
// by itself, with the texts of reference/http-catalog-health.md §2.1. Apply
// calls it; a leader may call it earlier to refuse before logging.
func (r *Register) Prepare() error {
	if r.Node == "" {
		return fault.New(fault.Rejected, "Must provide node")
	}
	if r.Address == "" && !r.SkipNodeUpdate {
		return fault.New(fault.Rejected, "Must provide address if SkipNodeUpdate is not set")
	}
	r.ID = strings.ToLower(r.ID)
	r.TaggedAddresses, r.NodeMeta = nilEmptyMap(r.TaggedAddresses), nilEmptyMap(r.NodeMeta)
	if r.Service != nil {
		if err := r.Service.prepare(); err != nil {
			return err
		}
	}
	r.Checks = slices.DeleteFunc(r.Checks, func(c *Check) bool { return c == nil })
	for _, c := range r.Checks {
		c.prepare()
	}
	return nil
}

func (s *Service) prepare() error {
	switch {
	case s.Service == "" && s.ID != "":
		return fault.New(fault.Rejected, "Must provide service name (Service.Service) when service ID is provided")
	case s.Service == "":
		return fault.New(fault.Rejected, "Must provide service name (Service.Service)")
	case s.Address == "0.0.0.0" || s.Address == "::" || s.Address == "[::]":
		return fault.New(fault.Rejected, "Invalid service address")
	}
	if s.ID == "" {
		s.ID = s.Service
	}
	if w := s.Weights; w.Passing < 1 || w.Warning < 0 || w.Passing > maxWeight || w.Warning > maxWeight {
		s.Weights = Weights{Passing: 1, Warning: 1}
	}
	s.Ports = nilEmpty(s.Ports)
	s.Meta, s.TaggedAddresses = nilEmptyMap(s.Meta), nilEmptyMap(s.TaggedAddresses) // not Tags: internal/ui shows the difference
	if s.Proxy != nil {
		return s.Proxy.prepare()
	}
	return nil
}

// maxWeight is what a DNS SRV record can carry (RFC 2782).
const maxWeight = 65535

func (c *Check) prepare() {
	if c.CheckID == "" {
		c.CheckID = c.Name
	}
	if c.Status == "" {
		c.Status = Critical
	}
	if c.Type == "" {
		c.Type = c.Definition.kind()
	}
	c.Definition.prepare()
}

func (d *CheckDefinition) prepare() {
	d.Header, d.ScriptArgs = nilEmptyMap(d.Header), nilEmpty(d.ScriptArgs)
}

// kind names the type of check that a definition describes, "" if none. Of several the first
// counts, and what has to be run again and again counts with an interval only. What an agent
// runs is found by another order (definition.CheckType).
func (d *CheckDefinition) kind() string {
	runs, script := d.Interval > 0, len(d.ScriptArgs) > 0
	switch {
	case d.GRPC != "" && runs:
		return "grpc"
	case d.HTTP != "" && runs:
		return "http"
	case d.TTL > 0:
		return "ttl"
	case d.TCP != "" && runs:
		return "tcp"
	case d.UDP != "" && runs:
		return "udp"
	case d.AliasNode != "" || d.AliasService != "":
		return "alias"
	case d.DockerContainerID != "" && script && runs:
		return "docker"
	case script:
		return "script"
	case d.H2PING != "" && runs:
		return "h2ping"
	case d.OSService != "" && runs:
		return "os_service"
	case d.SessionName != "":
		return checkTypeSession
	}
	return ""
}

// nilEmpty and nilEmptyMap make empty and absent the same: MessagePack may
// turn either into the other, which must not look like a change.
func nilEmpty[E any](s []E) []E {
	if len(s) == 0 {
		return nil
	}
	return s
}

func nilEmptyMap[V any](m map[string]V) map[string]V {
	if len(m) == 0 {
		return nil
	}
	return m
}

// register runs one Register: everything is checked, then everything written.
func (w *writer) register(r *Register) error {
	if r == nil {
		return fault.New(fault.Rejected, "Must provide node")
	}
	if err := r.Prepare(); err != nil {
		return err
	}
	plan, err := w.planNode(r)
	if err != nil {
		return err
	}
	if err := planService(r); err != nil {
		return err
	}
	if err := w.planChecks(r); err != nil {
		return err
	}
	w.putNode(plan)
	if r.Service != nil {
		r.Service.Node = r.Node
		w.putService(r.Service)
	}
	for _, c := range r.Checks {
		c.Node = cmp.Or(c.Node, r.Node)
		w.putCheck(c)
	}
	return nil
}

// deregister runs one Deregister.
func (w *writer) deregister(d *Deregister) error {
	if d == nil || d.Node == "" {
		return fault.New(fault.Rejected, "Must provide node")
	}
	switch {
	case d.ServiceID != "":
		if s := first[*Service](w.txn, tableService, byID, w.in.serviceKey(d.Node, d.ServiceID)); s != nil {
			w.removeService(s)
		}
	case d.CheckID != "":
		if c := first[*Check](w.txn, tableCheck, byID, w.in.checkKey(d.Node, d.CheckID)); c != nil {
			w.noteCheckAs(EventDeregistered, "", c)
			w.removeCheck(c)
		}
	default:
		if n := first[*Node](w.txn, tableNode, byID, w.in.nodeKey(d.Node)); n != nil {
			w.removeNode(n)
		}
	}
	return nil
}
