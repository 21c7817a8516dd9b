package definition_test

import (
	"fmt"
	"strings"

	"praetor/internal/definition"
)

func Example() {
	var service definition.Service
	body := strings.NewReader(`{"Name": "web", "Port": 80, "Check": {"HTTP": "http://127.0.0.1/", "Interval": "10s"}}`)
	if err := definition.Decode(body, &service); err != nil {
		fmt.Println(err)
		return
	}
	row := service.Row()
	if err := definition.ValidateService(row); err != nil {
		fmt.Println(err)
		return
	}
	check, err := service.Check.Row()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(row.ID, row.Port, definition.CheckType(check), check.Interval)
	// Output: web 80 http 10s
}
