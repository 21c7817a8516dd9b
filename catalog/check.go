package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"praetor/internal/fault"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=false
//msgp:limit arrays:65536 maps:65536

const tableCheck = "check"

var checkTable = stored(tableCheck, 3, "Register", checkID, (*restorer).check,
	many(byInstance, checkByInstance), many(byStatus, checkByStatus))

// The states of a check, from best to worst.
const (
	Passing  = "passing"
	Warning  = "warning"
	Critical = "critical"
)

// Check IDs with a meaning of their own (reference/clients.md rule 5).
const (
	SerfHealth               = "serfHealth"
	NodeMaintenance          = "_node_maintenance"
	ServiceMaintenancePrefix = "_service_maintenance:"
)

// Check is the health of a node (ServiceID empty) or of one service instance.
type Check struct {
	Node        string
	CheckID     string
	Name        string
	Status      string
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string   // the instance's; of a node's own check as given
	ServiceTags []string `msg:"ServiceTags,allownil"` // the instance's; of a node's own check as given
	Type        string
	Interval    string // as configured, e.g. "10s"; "" when not given
	Timeout     string
	ExposedPort int
	Definition  CheckDefinition
	CreateIndex uint64
	ModifyIndex uint64
}

// CheckDefinition is how a check is run. The agent keeps its own checks' here
// too; catalog rows hold what a registrar wrote by hand (external monitors).
type CheckDefinition struct {
	Interval                       time.Duration
	Timeout                        time.Duration
	DeregisterCriticalServiceAfter time.Duration
	TTL                            time.Duration
	OutputMaxSize                  int
	HTTP                           string
	Header                         map[string][]string
	Method                         string
	Body                           string
	DisableRedirects               bool
	TLSServerName                  string
	TLSSkipVerify                  bool
	TCP                            string
	TCPUseTLS                      bool
	UDP                            string
	H2PING                         string
	H2PingUseTLS                   bool
	OSService                      string
	GRPC                           string
	GRPCUseTLS                     bool
	ScriptArgs                     []string
	DockerContainerID              string
	Shell                          string
	AliasNode                      string
	AliasService                   string
	SessionName                    string

	// Thresholds of the agent's own runner (reference/config.md §8.2). They are
	// never shown in the catalog's JSON.
	SuccessBeforePassing   int
	FailuresBeforeWarning  int
	FailuresBeforeCritical int
}

// hasKey reports whether a check says which it is.
func (c *Check) hasKey() bool { return c.Node != "" && c.CheckID != "" }

func checkID(c *Check) []byte { return home.checkKey(c.Node, c.CheckID) }

func (in *keyspace) checkKey(node, id string) []byte { return in.partsKey(fold(node), id) }

func checkByInstance(c *Check) []byte { return home.instanceKey(c.Node, c.ServiceID) }

// instanceKey finds the checks of an instance, or with service "" of a node itself.
func (in *keyspace) instanceKey(node, service string) []byte {
	return in.partsKey(fold(node), fold(service))
}

// checkByStatus leaves out the many that pass.
func checkByStatus(c *Check) []byte {
	status := fold(c.Status)
	if status == Passing {
		return nil
	}
	return home.partsKey(status)
}

// equal compares what makes a check news. Type, Interval, Timeout and
// ExposedPort do not (reference/http-catalog-health.md §2.1).
func (c *Check) equal(o *Check) bool {
	return c.Name == o.Name && c.Status == o.Status && c.Notes == o.Notes && c.Output == o.Output &&
		c.ServiceID == o.ServiceID && c.ServiceName == o.ServiceName && slices.Equal(c.ServiceTags, o.ServiceTags) &&
		c.Definition.equal(&o.Definition)
}

func (d *CheckDefinition) equal(o *CheckDefinition) bool {
	return d.Interval == o.Interval && d.Timeout == o.Timeout && d.TTL == o.TTL &&
		d.DeregisterCriticalServiceAfter == o.DeregisterCriticalServiceAfter &&
		d.OutputMaxSize == o.OutputMaxSize && d.HTTP == o.HTTP &&
		maps.EqualFunc(d.Header, o.Header, slices.Equal[[]string]) &&
		d.Method == o.Method && d.Body == o.Body && d.DisableRedirects == o.DisableRedirects &&
		d.TLSServerName == o.TLSServerName && d.TLSSkipVerify == o.TLSSkipVerify &&
		d.TCP == o.TCP && d.TCPUseTLS == o.TCPUseTLS && d.UDP == o.UDP &&
		d.H2PING == o.H2PING && d.H2PingUseTLS == o.H2PingUseTLS && d.OSService == o.OSService &&
		d.GRPC == o.GRPC && d.GRPCUseTLS == o.GRPCUseTLS && slices.Equal(d.ScriptArgs, o.ScriptArgs) &&
		d.DockerContainerID == o.DockerContainerID && d.Shell == o.Shell &&
		d.AliasNode == o.AliasNode && d.AliasService == o.AliasService && d.SessionName == o.SessionName &&
		d.SuccessBeforePassing == o.SuccessBeforePassing &&
		d.FailuresBeforeWarning == o.FailuresBeforeWarning && d.FailuresBeforeCritical == o.FailuresBeforeCritical
}

// NodeChecks lists the checks on a node (its own and its services').
func (tx *Tx) NodeChecks(ws WatchSet, name string) (uint64, []*Check) {
	return tx.checks(ws, byID, tx.in.nodeKey(name))
}

// ServiceChecks lists the checks attached to instances of a service.
func (tx *Tx) ServiceChecks(ws WatchSet, name string) (uint64, []*Check) {
	checks := make([]*Check, 0)
	for r := range rows[*instanceRow](tx.txn, nil, tableInstance, byID, tx.in.serviceNameKey(name)) {
		for _, c := range r.Health.Checks {
			if c.ServiceID != "" {
				checks = append(checks, c)
			}
		}
	}
	slices.SortFunc(checks, func(a, b *Check) int {
		return cmp.Or(strings.Compare(fold(a.Node), fold(b.Node)), strings.Compare(a.CheckID, b.CheckID))
	})
	tx.watchService(ws, name, true)
	return tx.ChecksIndex(), checks
}

// ChecksInState lists the checks with a status; "any" lists all.
func (tx *Tx) ChecksInState(ws WatchSet, status string) (uint64, []*Check) {
	index, prefix := tx.inState(status)
	at, checks := tx.checks(ws, index, prefix)
	if fold(status) == Passing {
		checks = slices.DeleteFunc(checks, func(c *Check) bool { return fold(c.Status) != Passing })
	}
	return at, checks
}

// WatchChecksInState watches what ChecksInState does, and returns the channel: it is the
// same one while the answer is.
func (tx *Tx) WatchChecksInState(ws WatchSet, status string) <-chan struct{} {
	index, prefix := tx.inState(status)
	return watchRows(tx.txn, ws, tableCheck, index, prefix)
}

// inState is where the checks of a status are found: the passing ones, which are most,
// are in no index.
func (tx *Tx) inState(status string) (index string, prefix []byte) {
	if status = fold(status); status == "any" || status == Passing {
		return byID, tx.in.all()
	}
	return byStatus, tx.in.partsKey(status)
}

// ChecksIndex is the index of the whole table, and of every list of checks in a state.
func (tx *Tx) ChecksIndex() uint64 { return tx.index(indexChecks) }

// checks lists a range of an index and watches just that range; the answer's
// index is the whole table's all the same (reference/http-api.md §5).
func (tx *Tx) checks(ws WatchSet, index string, prefix []byte) (uint64, []*Check) {
	checks := make([]*Check, 0)
	for c := range rows[*Check](tx.txn, ws, tableCheck, index, prefix) {
		checks = append(checks, c)
	}
	return tx.ChecksIndex(), checks
}

// errCheckKey is what the store says of a check without a name or a node.
var errCheckKey = errors.New("index error: object is missing a value for this index")

// planChecks refuses checks of another node, without a name, and of services that are
// neither on the node nor in the same registration.
func (w *writer) planChecks(r *Register) error {
	for _, c := range r.Checks {
		switch {
		case c.Node != "" && fold(c.Node) != fold(r.Node):
			return fault.New(fault.Rejected, "Node '%s' for check '%s' doesn't match register request node '%s'", c.Node, c.CheckID, r.Node)
		case c.CheckID == "":
			return fault.New(fault.Rejected, "failed inserting check on node %q: failed health check lookup: %w", r.Node, errCheckKey)
		}
		if c.ServiceID == "" || r.Service != nil && fold(r.Service.ID) == fold(c.ServiceID) {
			continue
		}
		if first[*Service](w.txn, tableService, byID, w.in.serviceKey(r.Node, c.ServiceID)) == nil {
			return fault.New(fault.Rejected, "Unknown service ID '%s' for check ID '%s'", c.ServiceID, c.CheckID)
		}
	}
	return nil
}

// putCheck writes a check on its node. Its service exists: planChecks saw to it.
func (w *writer) putCheck(c *Check) {
	c.CreateIndex, c.ModifyIndex = w.index, w.index
	if c.ServiceID != "" {
		s := first[*Service](w.txn, tableService, byID, w.in.serviceKey(c.Node, c.ServiceID))
		c.ServiceName, c.ServiceTags = s.Service, s.Tags
	}
	old := first[*Check](w.txn, tableCheck, byID, checkID(c))
	if old != nil {
		c.CreateIndex = old.CreateIndex
		if c.equal(old) {
			return
		}
		if old.ServiceID != c.ServiceID {
			w.bumpCheck(old)
		}
	} else {
		w.count(countChecks, 1)
	}
	w.txn.Insert(tableCheck, c)
	w.noteCheck(old, c)
	w.bumpCheck(c)
	if c.Status == Critical {
		w.endSessionsOn(c.Node, c.CheckID)
	}
}

// removeCheck deletes a check, and the sessions bound to it.
func (w *writer) removeCheck(c *Check) {
	remove(w.txn, tableCheck, c)
	w.count(countChecks, -1)
	w.bumpCheck(c)
	w.endSessionsOn(c.Node, c.CheckID)
}

// bumpCheck moves what shows a check: its service, or every service on its node.
func (w *writer) bumpCheck(c *Check) {
	w.bump(indexChecks)
	if c.ServiceID != "" {
		w.stale[instanceRef{fold(c.Node), fold(c.ServiceID)}] = struct{}{}
		w.bumpService(c.ServiceName, false)
		if s := first[*Service](w.txn, tableService, byID, w.in.serviceKey(c.Node, c.ServiceID)); s != nil {
			w.bumpMesh(s)
		}
		return
	}
	w.bumpServicesOn(c.Node, false)
}

// renameChecks gives the checks of an instance the name and tags it now has.
// Tags alone do not get here: a check takes those when it is next registered.
func (w *writer) renameChecks(s *Service) {
	for _, old := range collect[*Check](w.txn, tableCheck, byInstance, w.in.instanceKey(s.Node, s.ID)) {
		if old.ServiceName == s.Service { // of two instances that a snapshot had
			continue
		}
		c := *old
		c.ServiceName, c.ServiceTags, c.ModifyIndex = s.Service, s.Tags, w.index
		w.txn.Insert(tableCheck, &c)
		w.bumpCheck(&c)
	}
}

// check takes a check of a snapshot.
func (re *restorer) check(c *Check) error {
	switch {
	case c.CheckID == "":
		return errNoKey
	case !re.holds(tableNode, byID, re.w.in.nodeKey(c.Node)):
		return fmt.Errorf("check %q of unknown node %q", c.CheckID, c.Node)
	case c.ServiceID != "" && !re.holds(tableService, byID, re.w.in.serviceKey(c.Node, c.ServiceID)):
		return fmt.Errorf("check %q of unknown service %q", c.CheckID, c.ServiceID)
	case re.holds(tableCheck, byID, checkID(c)):
		return errTwice
	}
	c.Definition.prepare()
	re.w.txn.Insert(tableCheck, c)
	re.w.count(countChecks, 1)
	return re.indexes(c.CreateIndex, c.ModifyIndex)
}
