package telemetry_test

import (
	"fmt"
	"strings"
	"time"

	"praetor/internal/telemetry"
)

// dump is what SIGUSR1 shows.
func dump(m *telemetry.Metrics) string {
	var text strings.Builder
	if err := m.Dump(&text); err != nil {
		panic(err)
	}
	return text.String()
}

func Example() {
	m, err := telemetry.New(telemetry.Options{HostName: "n1"})
	if err != nil {
		panic(err)
	}
	defer m.Close()
	served := m.Timer("api.http", telemetry.Label{Name: "method", Value: "GET"})
	func() {
		defer served.Since(time.Now())
		// a request is answered
	}()
	m.Gauge("members.clients", 3)
	for line := range strings.Lines(dump(m)) {
		if _, figure, found := strings.Cut(line, "[G] "); found {
			fmt.Print(figure)
		}
	}
	// Output: 'consul.n1.members.clients': 3.000
}
