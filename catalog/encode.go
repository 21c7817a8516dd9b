package catalog

import (
	"github.com/tinylib/msgp/msgp"

	"praetor/internal/fault"
	"praetor/internal/shape"
)

// maxItems is how many elements a list, and members a map, of a command may have:
// the limit of the generated decoders.
const maxItems = 65536

// Encode returns the log bytes of a command. One that Apply could not read back, or
// whose verb it does not know, is refused, kind fault.Invalid: the log would hold it
// for ever.
func Encode(t CommandType, cmd msgp.Marshaler) ([]byte, error) {
	if v, ok := cmd.(verbed); ok && !v.hasKnownVerb() {
		return nil, fault.New(fault.Invalid, "command %d has a verb that this server does not know", t)
	}
	data, err := cmd.MarshalMsg([]byte{byte(t)})
	if err != nil {
		return nil, err
	}
	size, _, err := shape.Of(data[1:])
	if err != nil {
		return nil, err
	}
	if size.Longest > maxItems {
		return nil, fault.New(fault.Invalid, "a list or map has too many members: %d, at most %d are allowed", size.Longest, maxItems)
	}
	return data, nil
}
