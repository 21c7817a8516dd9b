package config

import "praetor/internal/definition"

// serviceSettings is a service definition in a file (reference/config.md §7).
type serviceSettings struct {
	definition.Service `cfg:",squash"`

	origin string // the source that defined it
}

// checkSettings is a check definition in a file (reference/config.md §8).
type checkSettings struct {
	definition.Check `cfg:",squash"`

	origin string // the source that defined it
}
