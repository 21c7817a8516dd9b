package view_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/internal/rpc"
	"praetor/internal/telemetry"
	"praetor/internal/view"
)

func TestReadsForViewsAreCounted(t *testing.T) {
	m, err := telemetry.New(telemetry.Options{PrometheusRetention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	run(t, view.Options{Metrics: m, MaxViews: 1, Idle: time.Minute}, func(t *testing.T, u *upstream, vs *view.Views) {
		wait := await(t, vs, rpc.ReadOptions{MinIndex: 10, MaxWait: 10 * time.Second})
		synctest.Wait()
		if n := vs.Len(); n != 1 {
			t.Errorf("%d views of one", n)
		}
		other := await(t, vs, rpc.ReadOptions{MinIndex: 10, MaxWait: time.Second, Token: "other"})
		if _, err := other(); err != nil {
			t.Error(err)
		}
		u.set(11, errors.New("broken"))
		wait()
		u.set(12, nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := vs.Len(); n != 0 {
			t.Errorf("%d views after an hour", n)
		}
		rec := httptest.NewRecorder()
		m.Prometheus().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		for _, zero := range []string{"fetch_success", "fetch_error", "bypass", "evict_expired"} {
			if body := rec.Body.String(); strings.Contains(body, "\nconsul_cache_"+zero+" 0\n") || !strings.Contains(body, "\nconsul_cache_"+zero+" ") {
				t.Errorf("cache.%s was not counted in\n%s", zero, body)
			}
		}
	})
}
