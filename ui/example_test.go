package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"praetor/ui"
)

func Example() {
	pages, err := ui.Handler(ui.Options{ContentPath: "/ui/"})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ui/", pages)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ui/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
