package agent_test

import (
	"testing"
	"time"

	"praetor/agent"
	"praetor/agent/config"
)

func TestCacheMaxAgeBoundsDNSAnswersOnlyWithUseCache(t *testing.T) {
	for _, row := range []struct {
		dns  config.DNS
		want time.Duration
	}{
		{config.DNS{MaxStale: time.Hour}, time.Hour},
		{config.DNS{MaxStale: time.Hour, CacheMaxAge: time.Minute}, time.Hour},
		{config.DNS{MaxStale: time.Hour, CacheMaxAge: time.Minute, UseCache: true}, time.Minute},
		{config.DNS{MaxStale: time.Hour, UseCache: true}, time.Hour},
		{config.DNS{MaxStale: time.Second, CacheMaxAge: time.Minute, UseCache: true}, time.Second},
		{config.DNS{CacheMaxAge: time.Minute, UseCache: true}, time.Minute},
	} {
		if got := agent.DNSMaxStale(row.dns); got != row.want {
			t.Errorf("%+v: answers may be %v old, want %v", row.dns, got, row.want)
		}
	}
}
