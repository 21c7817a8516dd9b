package httpapi

import (
	"net/http"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

const textNoCoordinates = "Coordinate support disabled"

// located serves an endpoint where coordinates are on
// (reference/http-catalog-health.md §5).
func located(serve func(*exchange) error) func(*exchange) error {
	return func(x *exchange) error {
		if x.api.opts.DisableCoordinates {
			x.refuse(http.StatusUnauthorized, textNoCoordinates)
			return nil
		}
		return serve(x)
	}
}

func coordinateDatacenters(x *exchange) error {
	rep, err := ops.CoordinateDatacenters.Call(x.r.Context(), x.api.opts.Caller, &ops.CoordinateDatacentersRequest{
		ReadOptions: rpc.ReadOptions{Token: x.token}, // every datacenter knows them all
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, rep.Datacenters, wire.AppendDatacenterCoordinates) })
}

func coordinateNodes(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.CoordinateNodes, &ops.CoordinateNodesRequest{
		ReadOptions: opts, Segment: x.query.Get("segment"), AnySegment: !x.has("segment"),
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, rep.Coordinates, wire.AppendCoordinate) })
}

// coordinateNode asks without writing meta headers: a 404 has none
// (reference/http-api.md §2.2).
func coordinateNode(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		x.status(http.StatusNotFound)
		return nil
	}
	rep, err := fetch(x, ops.CoordinateNode, &ops.CoordinateNodeRequest{
		ReadOptions: opts, Node: x.name, Segment: x.query.Get("segment"), AnySegment: !x.has("segment"),
	})
	switch {
	case err != nil:
		x.writeMeta(&rpc.ReadMeta{})
		return err
	case len(rep.Coordinates) == 0:
		x.status(http.StatusNotFound)
		return nil
	}
	x.writeMeta(rep.Meta())
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, rep.Coordinates, wire.AppendCoordinate) })
}

type coordinateBody struct {
	Datacenter string
	Node       string
	Segment    string
	Partition  string // the public client sends it; there is only one
	Coord      *struct {
		Vec        []float64
		Error      float64
		Adjustment float64
		Height     float64
	}
}

func coordinateUpdate(x *exchange) error {
	var body coordinateBody
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.Coord == nil {
		return invalid("Missing coordinate (Coord)")
	}
	opts := x.writeOptions()
	if opts.Datacenter == "" {
		opts.Datacenter = body.Datacenter
	}
	_, err := ops.CoordinateUpdate.Call(x.r.Context(), x.api.opts.Caller, &ops.CoordinateUpdateRequest{
		WriteOptions: opts,
		Coordinate:   catalog.Coordinate{Node: body.Node, Segment: body.Segment, Coord: catalog.Coord(*body.Coord)},
	})
	return err
}
