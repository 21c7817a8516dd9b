package checks

import (
	"praetor/catalog"
	"praetor/internal/fault"
)

// newOSService refuses: asking the service manager is for Windows only, as the
// reference says (reference/config.md §8).
func newOSService(*catalog.Check, *Options) (Runner, error) {
	return nil, fault.New(fault.Rejected, "not implemented")
}
