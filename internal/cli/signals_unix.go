//go:build unix

package cli

import (
	"os"
	"syscall"
)

var handledSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1}

func isReload(sig os.Signal) bool { return sig == syscall.SIGHUP }

func isDump(sig os.Signal) bool { return sig == syscall.SIGUSR1 }
