package config

import (
	"fmt"
	"strings"

	"praetor/catalog"
	"praetor/internal/configentry"
)

// ParseEntry reads one config entry from HCL or JSON, which begins with a brace.
// The errors are Consul's (reference/cli.md §10).
func ParseEntry(text string) (configentry.Entry, error) {
	format := formatHCL
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		format = formatJSON
	}
	tree, err := parseTree(text, format)
	if err != nil {
		return nil, fmt.Errorf("Failed to decode config entry input: %w", err)
	}
	return configentry.Decode(tree)
}

// bootstrapEntries reads the entries that the first leader writes.
func (b *builder) bootstrapEntries() []configentry.Entry {
	var entries []configentry.Entry
	for i, raw := range b.s.ConfigEntries.Bootstrap {
		entry, err := configentry.Decode(raw)
		if err == nil {
			err = configentry.Prepare(entry)
		}
		if err == nil {
			_, err = catalog.NewConfigEntry(entry) // that it can be kept
		}
		if err != nil {
			b.fail("config_entries.bootstrap", "config_entries.bootstrap[%d]: %s", i, strings.TrimSpace(err.Error()))
			continue
		}
		entries = append(entries, entry)
	}
	return entries
}
