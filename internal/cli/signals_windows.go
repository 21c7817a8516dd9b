package cli

import (
	"os"
	"syscall"
)

var handledSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

func isReload(os.Signal) bool { return false }

func isDump(os.Signal) bool { return false }
