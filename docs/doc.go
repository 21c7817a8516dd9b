// Package docs holds the pages for whoever looks after a cluster in the binary:
// who is called at night has no browser at hand.
//
// # Use
//
//	text, ok := docs.Topic("leader")
//
// # Concurrency
//
// Functions without state.
//
// # Invariants
//
// Each section of troubleshooting.md is a topic (tested), and each topic is a
// section that is there.
//
// # Decisions
//
// The pages are their own source: a second text for the command line would grow
// apart from them.
package docs

import (
	_ "embed" // the pages
	"strings"
)

//go:embed troubleshooting.md
var troubleshooting string

// Topics are the sections of the page by their short names.
var Topics = []struct{ Name, Heading string }{
	{"start", "The agent does not start"},
	{"disk", "The disk is full"},
	{"verification", `A server says "verification checksum FAILED"`},
	{"damage", "A server says that its data is damaged"},
	{"old-disk", "A server has an old disk, or another server's"},
	{"datacenter", "A server holds the data of another datacenter"},
	{"newer", "A server stops: a newer version wrote the log"},
	{"leader", "There is no leader"},
	{"recover", "Most servers are lost for good"},
	{"join", "An agent does not join"},
	{"services", "A service is not found"},
	{"flapping", "A check flaps"},
	{"writes", "Writes are slow"},
	{"limits", "Too many open files, too many connections"},
	{"requests", "Who asks for all this"},
	{"browser", "A browser gets 403"},
	{"security", "Security that is asked for and not there"},
	{"backups", "A backup fails"},
	{"clocks", "Clocks"},
}

// All is the name under which the whole page is.
const All = "troubleshooting"

// Topic returns the text of a topic, false if there is none of that name.
func Topic(name string) (string, bool) {
	if name == All {
		return troubleshooting, true
	}
	for _, t := range Topics {
		if t.Name == name {
			return section(t.Heading)
		}
	}
	return "", false
}

// section is the part of the page below a heading, with it.
func section(heading string) (string, bool) {
	_, text, ok := strings.Cut(troubleshooting, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return "## " + heading + "\n" + strings.TrimRight(text, "\n") + "\n", ok
}
