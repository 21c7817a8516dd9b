package logging

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options says what to log and where.
type Options struct {
	Level  string // TRACE, DEBUG, INFO, WARN, ERROR, in any case
	JSON   bool
	Output io.Writer // usually os.Stdout

	// File is the path of an additional log file; "" means none. A path that
	// ends in a slash means consul.log in that folder.
	File string
	// RotateDuration, RotateBytes and RotateMaxFiles bound the file: age
	// (0 = 24 h), size in bytes (0 = unbounded), and archives kept (0 = all, -1 = none).
	RotateDuration time.Duration
	RotateBytes    int
	RotateMaxFiles int

	// Syslog also logs to the system's log, with a facility such as LOCAL0.
	Syslog         bool
	SyslogFacility string
	SyslogSocket   string // of the system's log; "" finds it
}

// Logger is the root logger with the file it may own.
type Logger struct {
	hclog.InterceptLogger
	file    *File
	system  *systemLog
	verbose atomic.Int64 // monitors at DEBUG or below

	mu   sync.Mutex
	sink hclog.SinkAdapter // of system
}

// timeFormat is that of Consul's log lines: UTC as Z, else an offset.
const timeFormat = "2006-01-02T15:04:05.000Z0700"

// Open checks the level and opens the file.
func Open(opts Options) (*Logger, error) {
	level, err := ParseLevel(opts.Level)
	if err != nil {
		return nil, err
	}
	l := &Logger{}
	out := opts.Output
	if opts.File != "" {
		if l.file, err = OpenFile(opts); err != nil {
			return nil, err
		}
		out = io.MultiWriter(out, l.file)
	}
	if opts.Syslog {
		if l.system, err = openSyslog(opts); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	l.InterceptLogger = hclog.NewInterceptLogger(&hclog.LoggerOptions{
		Name:       "agent",
		Level:      level,
		Output:     out,
		JSONFormat: opts.JSON,
		TimeFormat: timeFormat,
	})
	l.logToSystem(level)
	return l, nil
}

// SetLevel changes what is logged from now on.
func (l *Logger) SetLevel(level hclog.Level) {
	l.InterceptLogger.SetLevel(level)
	l.logToSystem(level)
}

// logToSystem writes lines of a level to the system's log too, if there is one; it puts
// the time before them.
func (l *Logger) logToSystem(level hclog.Level) {
	if l.system == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sink != nil {
		l.DeregisterSink(l.sink)
	}
	l.sink = hclog.NewSinkAdapter(&hclog.LoggerOptions{Level: level, Output: l.system, DisableTime: true})
	l.RegisterSink(l.sink)
}

// Close closes the log file and the connection to the system's log.
func (l *Logger) Close() error {
	var errs []error
	if l.file != nil {
		errs = append(errs, l.file.Close())
	}
	if l.system != nil {
		errs = append(errs, l.system.Close())
	}
	return errors.Join(errs...)
}

// ParseLevel reads a level's name in any case.
func ParseLevel(name string) (hclog.Level, error) {
	upper := strings.ToUpper(name)
	if upper == "ERR" {
		upper = "ERROR"
	}
	level := hclog.LevelFromString(upper)
	if level == hclog.NoLevel || level == hclog.Off {
		return level, fmt.Errorf("Invalid log level: %s. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]", upper)
	}
	return level, nil
}
