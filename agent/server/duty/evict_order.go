package duty

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/agent/server/kernel"
	"praetor/gossip"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

// EvictQuestionName is the gossip question that tells an agent of an order; its
// payload is the order's ID. Client agents have no port that servers could call.
const EvictQuestionName = "praetor:evict"

const (
	// maxOrders bounds the evictions under way. One takes some round trips.
	maxOrders = 256
	// orderTime is what an agent has to fetch an order and to report.
	orderTime = 10 * time.Second
)

// orders are the evictions that agents are being told of, by their IDs.
type orders struct {
	mu   sync.Mutex
	byID map[string]*order
}

// order is one of them.
type order struct {
	node    string // whose agent may fetch it, as kernel.NodeKey has it
	what    ops.EvictOrderReply
	outcome chan *ops.EvictReportRequest // holds one
}

func (o *orders) add(node string, what ops.EvictOrderReply) (id string, made *order, err error) {
	if id, err = uuid.GenerateUUID(); err != nil {
		return "", nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.byID) == maxOrders {
		return "", nil, fault.New(fault.Limit, "%d evictions are under way: try again", maxOrders)
	}
	if o.byID == nil {
		o.byID = make(map[string]*order)
	}
	made = &order{node: kernel.NodeKey(node), what: what, outcome: make(chan *ops.EvictReportRequest, 1)}
	o.byID[id] = made
	return id, made, nil
}

func (o *orders) remove(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byID, id)
}

// of returns an order that a node's agent may fetch.
func (o *orders) of(id, node string) (*order, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if found := o.byID[id]; found != nil && found.node == kernel.NodeKey(node) {
		return found, nil
	}
	return nil, fault.New(fault.NotFound, "no server asks node %q to remove anything under ID %q", node, id)
}

// askToEvict tells the agent of a member of an order, and waits for its report.
// What gossip answers counts for nothing but that there is no agent.
func (s *Set) askToEvict(ctx context.Context, e eviction, member string) (*ops.EvictReportRequest, error) {
	what := ops.EvictOrderReply{ServiceID: e.ServiceID, Service: e.service}
	if e.ServiceID == "" {
		what.CheckID = e.CheckID
	}
	id, made, err := s.orders.add(member, what)
	if err != nil {
		return nil, err
	}
	defer s.orders.remove(id)
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan error, 1)
	go func() { // waited for below
		_, err := s.LAN.Ask(ctx, member, EvictQuestionName, []byte(id))
		told <- err
	}()
	report, err := awaitReport(ctx, made, told)
	cancel()
	return report, err
}

func awaitReport(ctx context.Context, made *order, told chan error) (*ops.EvictReportRequest, error) {
	late := time.NewTimer(orderTime)
	defer late.Stop()
	for {
		select {
		case report := <-made.outcome:
			switch report.Outcome {
			case ops.EvictDone, ops.EvictUnknown, ops.EvictRefused:
				return report, nil
			}
			return nil, fmt.Errorf("outcome %q is unknown", report.Outcome)
		case err := <-told:
			if err != nil {
				return nil, err
			}
			told = nil // the report is there, or somebody else answered
		case <-late.C:
			return nil, gossip.ErrNoAnswer
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// evictOrder needs no right: it tells what is to go to whoever has been given the
// ID.
func (s *Set) evictOrder(_ context.Context, _ *acl.Authorizer, req *ops.EvictOrderRequest) (*ops.EvictOrderReply, error) {
	made, err := s.orders.of(req.ID, req.Node)
	if err != nil {
		return nil, err
	}
	what := made.what
	return &what, nil
}

func (s *Set) evictReport(_ context.Context, _ *acl.Authorizer, req *ops.EvictReportRequest) (*ops.EvictReportReply, error) {
	made, err := s.orders.of(req.ID, req.Node)
	if err != nil {
		return nil, err
	}
	select {
	case made.outcome <- req:
	default: // the first report counts
	}
	return &ops.EvictReportReply{}, nil
}
