package pki_test

import (
	"testing"
	"time"

	"praetor/internal/pki"
)

func TestCertificatesAreRenewedLateInTheirLife(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	moments := map[time.Time]bool{}
	for range 100 {
		at := pki.RenewAt(begin, begin.Add(10*time.Hour))
		if since := at.Sub(begin); since < 6*time.Hour || since > 9*time.Hour {
			t.Errorf("renewed after %v of 10 h, want 6 h to 9 h", since)
		}
		moments[at] = true
	}
	if len(moments) < 90 {
		t.Errorf("%d moments for 100 certificates: they are renewed together", len(moments))
	}
}
