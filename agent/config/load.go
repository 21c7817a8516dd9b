package config

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"praetor/internal/logging"
)

// Load reads every source that f names, in the order of reference/config.md
// §1.1, and returns the finished configuration with warnings for the log. The
// error reports all faults at once. Nothing on disk is changed. f must not be
// changed afterwards: Reload reads it again.
func Load(f *Flags) (*Runtime, []string, error) {
	return load(f, hostEnvironment(), "")
}

// load is Load on a given machine. With keepLevel set, an invalid log level is
// replaced by it.
func load(f *Flags, env environment, keepLevel string) (*Runtime, []string, error) {
	b, err := prepare(f, env)
	if err != nil {
		return nil, b.warnings, err
	}
	b.starting = true
	if keepLevel != "" {
		b.keepLogLevel(keepLevel)
	}
	b.build()
	if err := b.err(); err != nil {
		return nil, b.warnings, err
	}
	b.rt.flags, b.rt.settings = f, b.s
	b.rt.Watched = watched(f, b.rt)
	return b.rt, b.warnings, nil
}

// Validate checks files and folders as the validate command does: like Load
// without flags, except for what can only be known where the agent will run.
func Validate(files []string, format string) ([]string, error) {
	return validateFiles(files, format, hostEnvironment())
}

func validateFiles(files []string, format string, env environment) ([]string, error) {
	b, err := prepare(&Flags{Files: files, Format: format}, env)
	if err != nil {
		return b.warnings, err
	}
	b.build()
	return b.warnings, b.err()
}

// prepare reads, parses and merges. The builder is never nil: it holds the
// warnings so far.
func prepare(f *Flags, env environment) (*builder, error) {
	b := &builder{env: env, rt: &Runtime{Dev: f.Dev}}
	if f.Format != "" && f.Format != formatHCL && f.Format != formatJSON {
		return b, errors.New("config: -config-format must be either 'hcl' or 'json'")
	}
	files, skipped, readErr := readSources(f.Files, f.Format)
	b.warnings = append(b.warnings, skipped...)

	lists, rest := f.split()
	m := newMerger()
	if err := addDefaults(m, f.Dev); err != nil {
		return b, err // our own defaults are wrong
	}
	faults := []error{readErr}
	m.add(&lists, originFlags)
	for _, src := range files {
		faults = append(faults, addText(m, src))
	}
	m.add(&rest, originFlags)
	for i, text := range f.HCL {
		faults = append(faults, addText(m, source{fmt.Sprintf("flags-%d.hcl", i), formatHCL, text}))
	}
	b.s, b.origins = &m.settings, m.origins
	return b, joinLines(slices.DeleteFunc(faults, func(err error) bool { return err == nil }))
}

// The defaults are parsed once for all loads: nobody changes what a merger was given.
var (
	parsedDefaults    = sync.OnceValues(func() (*settings, error) { return parse(defaults, formatHCL) })
	parsedDevDefaults = sync.OnceValues(func() (*settings, error) { return parse(devDefaults, formatHCL) })
)

func addDefaults(m *merger, dev bool) error {
	s, err := parsedDefaults()
	if err != nil {
		return fmt.Errorf("parse defaults: %w", err)
	}
	m.add(s, originDefaults)
	if !dev {
		return nil
	}
	if s, err = parsedDevDefaults(); err != nil {
		return fmt.Errorf("parse defaults of -dev: %w", err)
	}
	m.add(s, originDev)
	return nil
}

func addText(m *merger, src source) error {
	s, err := parse(src.text, src.format)
	if err != nil {
		return fmt.Errorf("failed to parse %s: %w", src.name, err)
	}
	m.add(s, src.name)
	return nil
}

// keepLogLevel makes an unreadable level a warning, on reload.
func (b *builder) keepLogLevel(level string) {
	if l := val(b.s.LogLevel); l != "" && !validLevel(l) {
		b.warn("Invalid log level in new configuration: %s; keeping %s", val(b.s.LogLevel), level)
		b.s.LogLevel = &level
	}
}

// watched lists what auto_reload_config watches.
func watched(f *Flags, rt *Runtime) []string {
	out := slices.Clone(f.Files)
	for _, t := range []TLSStanza{rt.TLS.InternalRPC, rt.TLS.HTTPS, rt.TLS.GRPC} {
		for _, path := range []string{t.CertFile, t.KeyFile} {
			if path != "" && !slices.Contains(out, path) {
				out = append(out, path)
			}
		}
	}
	return out
}

func validLevel(name string) bool {
	_, err := logging.ParseLevel(name)
	return err == nil
}
