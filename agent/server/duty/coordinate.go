package duty

import (
	"context"
	"slices"
	"sync"
	"time"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/ops"
)

func (s *Set) registerCoordinates(m *kernel.Mux) {
	kernel.Handle(m, ops.CoordinateUpdate, kernel.Needs(func(r *ops.CoordinateUpdateRequest) acl.Need {
		return acl.Node.Write(r.Coordinate.Node)
	}), s.coordinateUpdate)
	kernel.HandleList(m, s.Kernel, ops.CoordinateNodes, kernel.Coordinates, func(r *ops.CoordinateNodesRequest, rep *ops.CoordinateNodesReply) kernel.List[*catalog.Coordinate] {
		return kernel.List[*catalog.Coordinate]{
			Rows: (*catalog.Tx).Coordinates, Into: &rep.Coordinates,
			Wanted: func(_ *catalog.Tx, c *catalog.Coordinate) bool { return r.AnySegment || c.Segment == r.Segment },
		}
	})
	kernel.Handle(m, ops.CoordinateNode, kernel.Needs(func(r *ops.CoordinateNodeRequest) acl.Need {
		return acl.Node.Read(r.Node)
	}), s.coordinateNode)
	kernel.Handle(m, ops.CoordinateDatacenters, kernel.Open("where servers are"), s.coordinateDatacenters)
}

// How the leader stores coordinates (reference/internals.md §8).
const (
	coordinatePeriod    = 5 * time.Second
	devCoordinatePeriod = 100 * time.Millisecond // reference/config.md §1: -dev does not wait
	coordinateBatch     = 128
	coordinateBatches   = 5
)

// coordinates gathers what nodes say of their places until the leader stores
// it. The zero value is ready.
type coordinates struct {
	mu sync.Mutex

	newest  map[coordinateKey]*catalog.Coordinate // at most what one flush stores
	dropped int                                   // did not fit since the last flush
}

type coordinateKey struct{ node, segment string }

// put keeps the newest coordinate of a node. When there are more nodes than a
// flush stores, those that come last are dropped: they will report again.
func (c *coordinates) put(report *catalog.Coordinate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := coordinateKey{kernel.NodeKey(report.Node), report.Segment}
	switch {
	case c.newest == nil:
		c.newest = map[coordinateKey]*catalog.Coordinate{}
	case c.newest[key] == nil && len(c.newest) >= coordinateBatch*coordinateBatches:
		c.dropped++
		return
	}
	c.newest[key] = report
}

// take returns what was gathered, and how many did not fit.
func (c *coordinates) take() (reports []*catalog.Coordinate, dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.newest {
		reports = append(reports, r)
	}
	dropped = c.dropped
	c.newest, c.dropped = nil, 0
	return reports, dropped
}

func (s *Set) coordinateUpdate(_ context.Context, _ *acl.Authorizer, req *ops.CoordinateUpdateRequest) (*ops.Empty, error) {
	if err := req.Coordinate.Coord.Check(); err != nil {
		return nil, err
	}
	report := req.Coordinate
	s.coordinates.put(&report)
	return &ops.Empty{}, nil
}

// storeCoordinates stores what was gathered, time and again, while this server
// leads. What came in an earlier term is old.
func (s *Set) storeCoordinates(ctx context.Context) {
	s.coordinates.take()
	period := coordinatePeriod
	if s.opts.Dev {
		period = devCoordinatePeriod
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.flushCoordinates(ctx)
		}
	}
}

// flushCoordinates logs what was gathered since the last time. What cannot be
// logged is lost: nodes report again.
func (s *Set) flushCoordinates(ctx context.Context) {
	reports, dropped := s.coordinates.take()
	if dropped > 0 {
		s.Logger.Warn("Discarded coordinate updates", "number_discarded", dropped)
	}
	for batch := range slices.Chunk(reports, coordinateBatch) {
		if _, _, err := s.Apply(ctx, catalog.CoordinateCommand, &catalog.CoordinateBatch{Coordinates: batch}); err != nil {
			if ctx.Err() == nil {
				s.Logger.Warn("store coordinates", "error", err)
			}
			return
		}
	}
}

// coordinateNode answers under the name that was asked for, in the caller's
// case, as recorded (coordinate/reads).
func (s *Set) coordinateNode(ctx context.Context, _ *acl.Authorizer, req *ops.CoordinateNodeRequest) (*ops.CoordinateNodesReply, error) {
	rep := &ops.CoordinateNodesReply{}
	return rep, s.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, list := tx.NodeCoordinates(ws, req.Node)
		rep.Absent = len(list) == 0
		rep.Coordinates = make([]*catalog.Coordinate, 0, len(list))
		for _, c := range list {
			if req.AnySegment || c.Segment == req.Segment {
				rep.Coordinates = append(rep.Coordinates, &catalog.Coordinate{Node: req.Node, Segment: c.Segment, Coord: c.Coord})
			}
		}
		return index, nil
	})
}

// coordinateDatacenters lists the servers of the WAN pool whose place is known.
func (s *Set) coordinateDatacenters(context.Context, *acl.Authorizer, *ops.CoordinateDatacentersRequest) (*ops.CoordinateDatacentersReply, error) {
	_, datacenters := s.Servers()
	places := s.DatacenterCoordinates()
	rep := &ops.CoordinateDatacentersReply{}
	for _, dc := range s.ByDistance(datacenters, places) {
		if len(places[dc]) > 0 {
			rep.Datacenters = append(rep.Datacenters, ops.DatacenterCoordinates{Datacenter: dc, Coordinates: places[dc]})
		}
	}
	return rep, nil
}
