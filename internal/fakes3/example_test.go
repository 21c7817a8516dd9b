package fakes3_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"praetor/internal/fakes3"
)

func Example() {
	store := fakes3.New("backups", "AKIAEXAMPLE", "secret")
	web := httptest.NewServer(store)
	defer web.Close()
	res, err := http.Get(web.URL + "/backups/a") // not signed
	if err != nil {
		panic(err)
	}
	res.Body.Close()
	fmt.Println(res.StatusCode, store.Keys())
	// Output: 403 []
}
