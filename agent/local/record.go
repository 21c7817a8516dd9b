package local

import (
	"praetor/catalog"
	"praetor/internal/fault"

	"github.com/tinylib/msgp/msgp"
)

//go:generate go run github.com/tinylib/msgp -tests=false -io=false -unexported=true
//msgp:limit arrays:65536 maps:65536
//msgp:ignore record

// kind is the type byte of a journal record. Numbers are for ever.
type kind uint8

const (
	kindService       kind = 1 // serviceRecord: a service registered, with checks
	kindCheck         kind = 2 // checkRecord: a check registered
	kindRemoveService kind = 3 // removal: a service gone, with its checks and sidecar
	kindRemoveCheck   kind = 4 // removal: a check gone
	kindStatus        kind = 5 // statusRecord: what a check was last found to be
	kindForgetService kind = 6 // removal: a file defines the service now; its checks stay
	kindForgetCheck   kind = 7 // removal: a file defines the check now; its status stays
	kindClosed        kind = 8 // empty: the agent stopped in good order
)

// serviceRecord is a registration as it came in. Checks are those given with
// it; those of earlier registrations stay unless Replace is set.
type serviceRecord struct {
	Service *catalog.Service
	Token   string
	Parent  string // the ID of the service whose sidecar this is; "" for others
	Checks  []*catalog.Check
	Replace bool
}

type checkRecord struct {
	Check *catalog.Check
	Token string
}

type removal struct {
	ID string
}

type statusRecord struct {
	CheckID string
	Status  string
	Output  string
	Expires int64  // Unix nanoseconds; of a TTL check, else 0
	Boot    string // Options.Boot when it was found; not of a TTL check
}

// record is a record ready to be written.
type record struct {
	kind kind
	body []byte
}

// bodies below this cannot exceed what decoding allows: 65,536 elements take at
// least as many bytes, and so do 100,000 levels.
const suspectBytes = 64 << 10

// encode makes a record, or refuses what could not be read back.
func encode(k kind, m msgp.Marshaler) (record, error) {
	body, err := m.MarshalMsg(nil)
	if err != nil {
		return record{}, err
	}
	if len(body) > maxBody {
		return record{}, fault.New(fault.TooLarge, "a registration of %d bytes exceeds the limit of %d", len(body), maxBody)
	}
	if len(body) >= suspectBytes {
		if err := newImage().apply(k, body, 0); err != nil {
			return record{}, fault.New(fault.Invalid, "a registration has %w", err)
		}
	}
	return record{k, body}, nil
}
