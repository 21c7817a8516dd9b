//go:build !windows

package logging

import (
	"fmt"
	"log/syslog"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// syslogTag names the program in the system's log.
	syslogTag = "consul"
	// A system that is just starting may have no syslog yet: it is tried so often,
	// with pauses.
	syslogTries = 12
	syslogPause = 5 * time.Second
)

var facilities = map[string]syslog.Priority{
	"KERN": syslog.LOG_KERN, "USER": syslog.LOG_USER, "MAIL": syslog.LOG_MAIL, "DAEMON": syslog.LOG_DAEMON, "AUTH": syslog.LOG_AUTH,
	"SYSLOG": syslog.LOG_SYSLOG, "LPR": syslog.LOG_LPR, "NEWS": syslog.LOG_NEWS, "UUCP": syslog.LOG_UUCP, "CRON": syslog.LOG_CRON,
	"AUTHPRIV": syslog.LOG_AUTHPRIV, "FTP": syslog.LOG_FTP,
	"LOCAL0": syslog.LOG_LOCAL0, "LOCAL1": syslog.LOG_LOCAL1, "LOCAL2": syslog.LOG_LOCAL2, "LOCAL3": syslog.LOG_LOCAL3,
	"LOCAL4": syslog.LOG_LOCAL4, "LOCAL5": syslog.LOG_LOCAL5, "LOCAL6": syslog.LOG_LOCAL6, "LOCAL7": syslog.LOG_LOCAL7,
}

// openSyslog connects to the system's log, waiting for it.
func openSyslog(opts Options) (*systemLog, error) {
	facility, known := facilities[strings.ToUpper(opts.SyslogFacility)]
	if !known {
		return nil, fmt.Errorf("invalid syslog facility %q: it is one of LOCAL0 to LOCAL7, DAEMON, USER, AUTH, AUTHPRIV, CRON, FTP, KERN, LPR, MAIL, NEWS, SYSLOG, UUCP", opts.SyslogFacility)
	}
	network := ""
	if opts.SyslogSocket != "" {
		network = "unixgram"
	}
	for try := 1; ; try++ {
		w, err := syslog.Dial(network, opts.SyslogSocket, facility|syslog.LOG_NOTICE, syslogTag)
		if err == nil {
			return &systemLog{w}, nil
		}
		if try == syslogTries {
			return nil, fmt.Errorf("connect to syslog: %w", err)
		}
		time.Sleep(syslogPause)
	}
}

// systemLog writes lines with the severity of their level.
type systemLog struct{ w *syslog.Writer }

// Write implements io.Writer, for lines without a level.
func (s *systemLog) Write(p []byte) (int, error) { return len(p), s.w.Notice(string(p)) }

// LevelWrite implements hclog.LevelWriter.
func (s *systemLog) LevelWrite(level hclog.Level, p []byte) (int, error) {
	say := s.w.Info
	switch level {
	case hclog.Trace, hclog.Debug:
		say = s.w.Debug
	case hclog.Warn:
		say = s.w.Warning
	case hclog.Error:
		say = s.w.Err
	}
	return len(p), say(string(p))
}

// Close closes the connection.
func (s *systemLog) Close() error { return s.w.Close() }
