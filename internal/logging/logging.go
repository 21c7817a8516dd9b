package logging

import (
	"fmt"
	"io"
	"strings"
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
}

// Logger is the root logger with the file it may own.
type Logger struct {
	hclog.InterceptLogger
	file *File
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
	l.InterceptLogger = hclog.NewInterceptLogger(&hclog.LoggerOptions{
		Name:       "agent",
		Level:      level,
		Output:     out,
		JSONFormat: opts.JSON,
		TimeFormat: timeFormat,
	})
	return l, nil
}

// Close closes the log file.
func (l *Logger) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
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
