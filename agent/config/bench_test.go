package config_test

import (
	"testing"

	"praetor/agent/config"
)

// A reload costs what this costs, besides the files' own size.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := config.LoadOn(host, &config.Flags{Dev: true}); err != nil {
			b.Fatal(err)
		}
	}
}
