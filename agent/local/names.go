package local

import (
	"regexp"

	"praetor/catalog"
)

// maxLabel is the longest label that DNS has (RFC 1035 §2.3.4).
const maxLabel = 63

// notInLabel is what keeps a name from being looked up. Consul takes such names
// and warns (reference/http-agent.md §3.3).
var notInLabel = regexp.MustCompile(`[^A-Za-z0-9-]`)

const (
	invalidCharacters = "due to invalid characters. Valid characters include all alpha-numerics and dashes."
	invalidLength     = "due to it being too long. Valid lengths are between 1 and 63 bytes."
)

// warnOfNames logs the names of a service by which DNS cannot find it.
func (s *State) warnOfNames(svc *catalog.Service) {
	if why := undiscoverable(svc.Service); why != "" {
		s.logger.Warn("Service name will not be discoverable via DNS "+why, "service", svc.Service)
	}
	for _, tag := range svc.Tags {
		if why := undiscoverable(tag); why != "" {
			s.logger.Warn("Service tag will not be discoverable via DNS "+why, "tag", tag)
		}
	}
}

// undiscoverable says why a name is not a DNS label, "" if it is one.
func undiscoverable(name string) string {
	switch {
	case notInLabel.MatchString(name):
		return invalidCharacters
	case len(name) > maxLabel:
		return invalidLength
	}
	return ""
}
