package token_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"praetor/agent/config"
	"praetor/agent/token"
	"praetor/httpapi"
)

func Example() {
	dir, err := os.MkdirTemp("", "tokens")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	configured := config.ACL{EnableTokenPersistence: true, Tokens: config.Tokens{Agent: "of the file"}}
	open := func() *token.Store {
		return token.Open(filepath.Join(dir, token.File), configured, func() {}, hclog.NewNullLogger())
	}
	s := open()
	fmt.Println(s.Get().Agent, s.SetToken(httpapi.TokenAgent, "of the API"))
	fmt.Println(open().Get().Agent) // after a restart
	// Output:
	// of the file <nil>
	// of the API
}
