package config

import "praetor/catalog"

// maxHistoryMB is more than a server should remember in memory.
const maxHistoryMB = 16 << 10

func (b *builder) history() {
	s, mb := &b.s.History, val(b.s.History.MaxSizeMB)
	b.rt.History = catalog.HistoryOptions{Keys: val(s.KV), Catalog: val(s.Catalog), MaxAge: b.duration("history.max_age", s.MaxAge), MaxBytes: mb << 20}
	if b.rt.History.MaxAge < 0 {
		b.refuse("history.max_age", "history.max_age cannot be %s. Must be greater than or equal to zero", b.rt.History.MaxAge)
	}
	if mb < 1 || mb > maxHistoryMB {
		b.refuse("history.max_size_mb", "history.max_size_mb cannot be %d. Must be between 1 and %d", mb, maxHistoryMB)
	}
}
