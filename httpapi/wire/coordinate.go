package wire

import (
	"math"
	"strconv"

	"praetor/catalog"
	"praetor/internal/ops"
)

// AppendCoordinate appends where a node is (reference/http-catalog-health.md §5).
func AppendCoordinate(b []byte, c *catalog.Coordinate) []byte {
	b = AppendText(b, `{"Node":`, c.Node)
	b = AppendText(b, `,"Segment":`, c.Segment)
	b = AppendList(append(b, `,"Coord":{"Vec":`...), c.Coord.Vec, AppendFloat)
	b = AppendFloat(append(b, `,"Error":`...), c.Coord.Error)
	b = AppendFloat(append(b, `,"Adjustment":`...), c.Coord.Adjustment)
	b = AppendFloat(append(b, `,"Height":`...), c.Coord.Height)
	return append(b, '}', '}')
}

// AppendDatacenterCoordinates appends a datacenter's servers and where they are.
func AppendDatacenterCoordinates(b []byte, dc ops.DatacenterCoordinates) []byte {
	b = AppendText(b, `{"Datacenter":`, dc.Datacenter)
	b = AppendList(append(b, `,"AreaID":"wan","Coordinates":`...), dc.Coordinates, AppendCoordinate)
	return append(b, '}')
}

// AppendFloat appends a number as encoding/json does: very large and very small
// ones with an exponent of as few digits as it has. What JSON cannot say is null.
func AppendFloat(b []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(b, "null"...)
	case f == 0 || 1e-6 <= abs && abs < 1e21:
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b[n-2] = b[n-1] // e-09 is e-9
		b = b[:n-1]
	}
	return b
}
