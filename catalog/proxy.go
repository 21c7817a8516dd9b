package catalog

import (
	"reflect"

	"praetor/internal/fault"
)

// equal compares by reflection, for the free-form parts; few services have a Proxy.
func (p *Proxy) equal(o *Proxy) bool {
	return p == o || p != nil && o != nil && reflect.DeepEqual(p, o)
}

func (p *Proxy) prepare() error {
	p.Config, p.Upstreams, p.LocalServicePorts = nilEmptyMap(p.Config), nilEmpty(p.Upstreams), nilEmpty(p.LocalServicePorts)
	if !isFreeForm(p.Config, maxFreeFormDepth) {
		return errFreeForm
	}
	for i := range p.Upstreams {
		u := &p.Upstreams[i]
		u.Config = nilEmptyMap(u.Config)
		if !isFreeForm(u.Config, maxFreeFormDepth) {
			return errFreeForm
		}
	}
	if p.Expose != nil {
		p.Expose.Paths = nilEmpty(p.Expose.Paths)
	}
	return nil
}

var errFreeForm = fault.New(fault.Rejected,
	"Invalid Proxy Config: values must be null, booleans, numbers, strings, lists or objects, at most %d deep", maxFreeFormDepth)

// maxFreeFormDepth is far past any real configuration and far before the stack.
const maxFreeFormDepth = 64

// isFreeForm reports whether a value is what JSON can say, so that a snapshot
// can always hold what the log did.
func isFreeForm(value any, depth int) bool {
	if depth == 0 {
		return false
	}
	switch v := value.(type) {
	case nil, bool, int64, uint64, float32, float64, string, []byte:
		return true
	case []any:
		for _, e := range v {
			if !isFreeForm(e, depth-1) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, e := range v {
			if !isFreeForm(e, depth-1) {
				return false
			}
		}
		return true
	}
	return false
}
