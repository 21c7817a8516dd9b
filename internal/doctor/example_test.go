package doctor_test

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/internal/doctor"
)

func ExampleExamine() {
	client, err := api.NewClient(&api.Config{Address: "127.0.0.1:1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, f := range doctor.Examine(ctx, doctor.Options{Client: client, Address: "127.0.0.1:1"}) {
		fmt.Println(f.Severity, f.About, f.Topic)
	}
	// Output: problem agent start
}
