package local_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/agent/local"
	"praetor/catalog"
)

func TestNamesThatDNSCannotFindAreTold(t *testing.T) {
	for _, tt := range []struct {
		name, tag, want string
	}{
		{"web-1", "a9", ""},
		{"web_1", "", "[WARN]  Service name will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics and dashes.: service=web_1"},
		{strings.Repeat("a", 64), "", "Service name will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and 63 bytes.: service=aaa"},
		{"web", "v1.2", "[WARN]  Service tag will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics and dashes.: tag=v1.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			o := options("", newServers())
			o.Logger = logTo(&log)
			s := open(t, o)
			svc := service(tt.name)
			if tt.tag != "" {
				svc.Tags = []string{tt.tag}
			}
			must(t, s.AddService(bg, svc, nil, false, ""))
			if got := log.String(); !strings.Contains(got, tt.want) || tt.want == "" && strings.Contains(got, "DNS") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			log.Reset()
			must(t, s.LoadDefinitions(local.Definitions{Services: []local.ServiceDefinition{{Service: svc}}}))
			if got := log.String(); !strings.Contains(got, tt.want) {
				t.Errorf("from a file: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestACheckThatTurnsCriticalIsToldOnce(t *testing.T) {
	var log strings.Builder
	running(t, newServers(), func(o *local.Options) {
		o.Logger = logTo(&log)
		o.Checks.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
	}, func(t *testing.T, s *local.State) {
		must(t, s.AddService(bg, service("web"), nil, false, ""))
		c := &catalog.Check{CheckID: "tcp", Name: "tcp", Status: catalog.Passing, ServiceID: "web"}
		c.Definition.TCP, c.Definition.Interval = "127.0.0.1:1", 10*time.Second
		must(t, s.AddCheck(bg, c, ""))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := strings.Count(log.String(), "[WARN]  Check is now critical: check=tcp\n"); got != 1 {
			t.Errorf("told %d times:\n%s", got, log.String())
		}
	})
}
