package logging_test

import (
	"bytes"
	"fmt"
	"strings"

	"praetor/internal/logging"
)

func Example() {
	var lines bytes.Buffer
	logger, err := logging.Open(logging.Options{Level: "INFO", Output: &lines})
	if err != nil {
		panic(err)
	}
	defer logger.Close()
	logger.Named("http").Info("joined", "members", 3)
	logger.Debug("not at this level")
	_, line, _ := strings.Cut(lines.String(), " ") // without its time
	fmt.Print(line)
	// Output: [INFO]  agent.http: joined: members=3
}
