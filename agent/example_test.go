package agent_test

import (
	"context"
	"fmt"
	"os"

	"praetor/agent"
	"praetor/agent/config"
	"praetor/internal/logging"
)

func Example() {
	rt, _, err := config.Load(&config.Flags{Dev: true})
	if err != nil {
		panic(err)
	}
	logger, err := logging.Open(logging.Options{Level: rt.Log.Level, Output: os.Stdout})
	if err != nil {
		panic(err)
	}
	defer logger.Close()
	a, err := agent.Open(context.Background(), agent.Options{Runtime: rt, Logger: logger}) // binds every address
	if err != nil {
		panic(err)
	}
	defer a.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	fmt.Println(a.Run(ctx)) // until stop is called, or an agent elsewhere asks it to leave
}
