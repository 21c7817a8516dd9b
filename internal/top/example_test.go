package top_test

import (
	"context"
	"log"
	"os"

	"github.com/hashicorp/consul/api"

	"praetor/internal/top"
)

func Example() {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		log.Fatal(err)
	}
	if err := top.Run(context.Background(), top.Options{Client: client, Address: "127.0.0.1:8500", Input: os.Stdin, Output: os.Stdout}); err != nil {
		log.Fatal(err)
	}
}
