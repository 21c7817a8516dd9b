package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"praetor/catalog"
	"praetor/httpapi"
	"praetor/internal/ops"
)

func Example() {
	router := caller{} // to the servers
	on(router, ops.KVGet, func(_ context.Context, req *ops.KVGetRequest) (*ops.KVGetReply, error) {
		return &ops.KVGetReply{Entry: &catalog.KVEntry{Key: req.Key, Value: []byte("1")}}, nil
	})
	api, err := httpapi.New(httpapi.Options{Caller: router, Agent: &agent{}, Local: newLocal(), Datacenter: "dc1", NodeName: "n1"})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/kv/a?raw", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 1
}
