package agent_test

import (
	"testing"
	"time"

	"praetor/agent"
)

func TestCoordinatesAreReportedSixtyFourTimesASecondAtMost(t *testing.T) {
	for members, period := range map[int]time.Duration{
		1: 15 * time.Second, 960: 15 * time.Second, 1920: 30 * time.Second, 6400: 100 * time.Second,
	} {
		least, most := time.Hour, time.Duration(0)
		for range 1000 {
			pause := agent.CoordinatePause(members)
			least, most = min(least, pause), max(most, pause)
		}
		if least < period || most >= 2*period || most-least < period/2 {
			t.Errorf("%d members: pauses of %s to %s, want them all over %s to %s", members, least, most, period, 2*period)
		}
	}
}
