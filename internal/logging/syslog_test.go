//go:build !windows

package logging_test

import (
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/internal/logging"
)

func TestSyslogGetsLinesWithFacilityAndSeverity(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	system, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer system.Close()
	l, err := logging.Open(logging.Options{Level: "info", Output: io.Discard, Syslog: true, SyslogFacility: "local3", SyslogSocket: socket})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Debug("not of interest")
	l.Named("server").Warn("joined", "node", "a")
	l.Error("broken")
	l.SetLevel(hclog.Debug)
	l.Debug("of interest now")
	// LOCAL3 is facility 19; a warning is 4, an error 3 (RFC 5424 §6.2.1).
	for _, want := range []string{`^<156>.* consul\[\d+\]: \[WARN\]  agent\.server: joined: node=a\n$`, `^<155>.* consul\[\d+\]: \[ERROR\] agent: broken\n$`, `^<159>.* \[DEBUG\] agent: of interest now\n$`} {
		buf := make([]byte, 1024)
		system.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := system.ReadFrom(buf)
		if err != nil || !regexp.MustCompile(want).Match(buf[:n]) {
			t.Errorf("got %q, %v; want a match of %s", buf[:n], err, want)
		}
	}
}

func TestUnknownFacilityNamesTheValidOnes(t *testing.T) {
	_, err := logging.Open(logging.Options{Level: "info", Output: io.Discard, Syslog: true, SyslogFacility: "LOCAL9"})
	if err == nil || !strings.Contains(err.Error(), `"LOCAL9"`) || !strings.Contains(err.Error(), "LOCAL0 to LOCAL7") {
		t.Errorf("got %v", err)
	}
}
