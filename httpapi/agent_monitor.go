package httpapi

import "time"

// LogMonitor hears the agent's log from now on, until it is closed.
type LogMonitor interface {
	// Lines are whole lines; what is not read soon enough is dropped.
	Lines() <-chan []byte
	Close() error
}

const (
	monitorFlush = 200 * time.Millisecond // reference/http-agent.md §2
	monitorLevel = "INFO"                 // of requests that name none
)

func agentMonitor(x *exchange) error {
	if err := x.mayReadAgent(); err != nil {
		return err
	}
	level := x.query.Get("loglevel")
	if level == "" {
		level = monitorLevel
	}
	monitor, err := x.api.opts.Agent.Monitor(level, x.has("logjson"))
	if err != nil {
		return err
	}
	defer monitor.Close()
	out, err := x.stream(typeText)
	if err != nil {
		return err
	}
	defer out.close()
	x.copyLines(out, monitor.Lines())
	return nil
}

// copyLines sends lines, those of a moment together, until the client has gone
// or the server stops.
func (x *exchange) copyLines(out *stream, lines <-chan []byte) {
	ticker := time.NewTicker(monitorFlush)
	defer ticker.Stop()
	fresh := false
	for {
		var err error
		select {
		case <-x.r.Context().Done():
			return
		case line := <-lines:
			err, fresh = out.write(line), true
		case <-ticker.C:
			if fresh {
				err, fresh = out.flush(), false
			}
		}
		if err != nil {
			return // there is nobody to tell
		}
	}
}
