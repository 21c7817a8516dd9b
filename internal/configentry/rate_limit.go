package configentry

import (
	"math"
	"slices"
)

// RateLimit bounds what each server is asked, beside the limits of its own
// configuration (reference/security.md §13).
type RateLimit struct {
	Header
	Config *RateLimitConfig `json:"config,omitempty"`
}

// RateLimitConfig is in requests a second; nil is no limit.
type RateLimitConfig struct {
	ReadRate         *float64
	WriteRate        *float64
	Priority         bool     `json:"priority"`
	ExcludeEndpoints []string `json:"excludeEndpoints"` // operations, as "Health.ServiceNodes"
}

func (l *RateLimit) prepare() error {
	switch {
	case l.Name != NameGlobal:
		return rejected("invalid name (%q), only %q is supported", l.Name, NameGlobal)
	case l.Config == nil:
		return rejected("config is required")
	case slices.Contains(l.Config.ExcludeEndpoints, ""):
		return rejected("config.excludeEndpoints names an empty endpoint")
	}
	for _, rate := range []struct {
		of    string
		limit *float64
	}{{"readRate", l.Config.ReadRate}, {"writeRate", l.Config.WriteRate}} {
		if rate.limit != nil && !(*rate.limit >= 0 && *rate.limit <= math.MaxInt32) {
			return rejected("config.%s must be from 0 to %d requests a second, not %v", rate.of, math.MaxInt32, *rate.limit)
		}
	}
	return nil
}
