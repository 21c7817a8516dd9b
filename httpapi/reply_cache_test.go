package httpapi_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"praetor/httpapi"
	"praetor/internal/ops"
)

func TestCachedReplyIsNotGivenForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		asked := 0
		on(f.caller, ops.CatalogDatacenters, func(context.Context, *ops.CatalogDatacentersRequest) (*ops.CatalogDatacentersReply, error) {
			asked++
			return &ops.CatalogDatacentersReply{Datacenters: []string{fmt.Sprint("dc", asked)}}, nil
		})
		for hours, want := range []int{0: 1, 24: 1, 71: 1, 73: 2, 144: 2, 146: 3} {
			if want != 0 {
				if _, body := f.do("GET", "/v1/catalog/datacenters?cached", ""); asked != want || !strings.Contains(body, fmt.Sprint("dc", want)) {
					t.Errorf("after %d hours: %s, asked %d times, want %d", hours, body, asked, want)
				}
			}
			time.Sleep(time.Hour)
		}
	})
}

func TestCachedRepliesAreBoundedInBytes(t *testing.T) {
	f := newFixture(t, nil)
	list := instances(2000)
	on(f.caller, ops.QueryExecute, func(context.Context, *ops.QueryExecuteRequest) (*ops.QueryExecuteReply, error) {
		return &ops.QueryExecuteReply{Service: "web", Instances: list}, nil
	})
	const questions = 60
	for i := range questions {
		for range 2 {
			f.api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", fmt.Sprintf("/v1/query/q%d/execute?cached", i), nil))
		}
	}
	if n, bytes := f.api.CachedReplies(); bytes > httpapi.ReplyCacheBytes || bytes < httpapi.ReplyCacheBytes/2 || n == questions {
		t.Errorf("%d replies of %d hold %d bytes, want at most %d", n, questions, bytes, httpapi.ReplyCacheBytes)
	}
}
