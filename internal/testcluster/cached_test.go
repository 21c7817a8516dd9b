package testcluster_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"praetor/internal/testcluster"
)

// ?cached answers what an agent or any server knows, also when most servers are gone
// and nobody asked for that name before.
func TestCachedReadsAreAnsweredWithoutALeader(t *testing.T) {
	config := `disable_coordinates = true`
	testcluster.Virtual(t, testcluster.Options{Servers: 3, Clients: 1, Config: config}, func(c *testcluster.Cluster) {
		survivor := follower(c)
		settle(t, survivor)
		pass(time.Second)
		for _, n := range c.Servers() {
			if n != survivor {
				n.Crash()
			}
		}
		pass(2 * time.Second)
		for _, n := range []*testcluster.Node{survivor, c.Clients()[0]} {
			for _, path := range []string{
				"/v1/health/service/web?cached", "/v1/health/connect/web?cached", "/v1/catalog/service/web?cached", "/v1/catalog/services?cached", "/v1/catalog/connect/web?cached",
			} {
				for _, cache := range []string{"MISS", "HIT"} {
					begin := time.Now()
					res := askAPI(t, n, http.MethodGet, path, "")
					body, err := io.ReadAll(res.Body)
					if took := time.Since(begin); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "web") || took > time.Second {
						t.Errorf("%s on %s: %d %s after %s, %v; want what is known", path, n.Name(), res.StatusCode, body, took, err)
					}
					h := res.Header
					if h.Get("X-Consul-Knownleader") != "false" || h.Get("X-Cache") != cache || h.Get("X-Consul-Index") == "" {
						t.Errorf("%s on %s: headers %v, want a %s that knows no leader", path, n.Name(), h, cache)
					}
				}
			}
		}
		for _, n := range c.Servers() {
			if n != survivor {
				n.Start()
			}
		}
		c.Leader()
		c.PutKV("k", "1")
		path := "/v1/catalog/services?cached"
		if res := askAPI(t, survivor, http.MethodPut, "/v1/catalog/register", `{"Node":"n7","Address":"10.0.0.7","Service":{"Service":"later"}}`); res.StatusCode != http.StatusOK {
			t.Errorf("register: %d", res.StatusCode)
		}
		c.WaitFor("the change in what is cached", func() error {
			body, err := io.ReadAll(askAPI(t, survivor, http.MethodGet, path, "").Body)
			if err == nil && !strings.Contains(string(body), "later") {
				err = fmt.Errorf("%s", body)
			}
			return err
		})
	})
}
