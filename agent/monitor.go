package agent

import (
	"praetor/httpapi"
	"praetor/internal/fault"
	"praetor/internal/logging"
)

// Monitor listens to the log (reference/http-agent.md §2).
func (a *Agent) Monitor(level string, json bool) (httpapi.LogMonitor, error) {
	parsed, err := logging.ParseLevel(level)
	if err != nil {
		return nil, fault.New(fault.Invalid, "Unknown log level: %s", level)
	}
	return a.root.Monitor(parsed, json), nil
}
