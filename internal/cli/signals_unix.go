//go:build unix

package cli

import (
	"os"
	"syscall"
)

var handledSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

func isReload(sig os.Signal) bool { return sig == syscall.SIGHUP }
