package version

import (
	"regexp"
	"testing"
	"time"
)

// TestHowThisProgramIsNamed: tools read the revision in the member tag build and in
// /v1/agent/self, people the other in `praetor version`.
func TestHowThisProgramIsNamed(t *testing.T) {
	was := commit
	defer func() { commit = was }()
	for of, want := range map[string][2]string{
		"":         {"praetor-" + Praetor, Praetor},
		"0123abcd": {"praetor-" + Praetor + "-0123abcd", Praetor + " (0123abcd)"},
	} {
		commit = of
		if Revision() != want[0] || Full() != want[1] {
			t.Errorf("of commit %q: %s and %s, want %q", of, Revision(), Full(), want)
		}
	}
}

// TestVersionsAreWhatToolsRead: clients compare the one by its three numbers, and read the date.
func TestVersionsAreWhatToolsRead(t *testing.T) {
	if !regexp.MustCompile(`^1\.\d+\.\d+$`).MatchString(Compatible) {
		t.Errorf("the version that clients are told is %s", Compatible)
	}
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$`).MatchString(Praetor) {
		t.Errorf("its own version is %s, which no release can have", Praetor)
	}
	if date, err := time.Parse(time.RFC3339, BuildDate); err != nil || date.Location() != time.UTC {
		t.Errorf("it was built at %s, %v", BuildDate, err)
	}
}
