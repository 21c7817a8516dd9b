package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/agent/config"
)

// Options say what to examine.
type Options struct {
	Client  *api.Client
	Address string   // the agent's, as Client has it
	Files   []string // configuration of an agent on this machine
	DataDir string   // of an agent on this machine; found by itself if the agent runs

	// CheckTLS reports whether an agent starts with the certificates and authorities of
	// a configuration; nil leaves that out.
	CheckTLS func(*config.Runtime) error
}

// Timeout is how long an examination may take, however many members are dead.
const Timeout = 15 * time.Second

// Severity is how bad a finding is.
type Severity int

// Severities, from good to bad.
const (
	OK Severity = iota
	Note
	Warning
	Problem
)

var severities = [...]string{"ok", "note", "warning", "problem"}

// String is the word for it.
func (s Severity) String() string { return severities[s] }

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that was seen, and what to do about it.
type Finding struct {
	Severity Severity
	About    string
	What     string
	Cure     string `json:",omitempty"`
	Topic    string `json:",omitempty"` // of `praetor help`, which says more
}

// chart gathers the findings of one part of the examination.
type chart struct {
	about, topic string
	list         []Finding
}

func (c *chart) add(s Severity, cure, what string, args ...any) {
	c.list = append(c.list, Finding{s, c.about, fmt.Sprintf(what, args...), cure, c.topic})
}

// patient is an agent that answers.
type patient struct {
	cl      *api.Client
	host    string // where it answers
	self    agentFacts
	members []*api.AgentMember // of the LAN pool
	dataDir string             // "" if it is not on this machine

	leader string // "" if nobody leads
}

// exam is one part of the examination. It ends with ctx.
type exam struct {
	about, topic string
	look         func(ctx context.Context, p *patient, c *chart)
	// asksLeader tells that there is nothing to see without a leader: that there
	// is none is said once, by others.
	asksLeader bool
}

var exams = []exam{
	{"leader", "leader", examineRaft, false},
	{"join", "join", examineJoin, false},
	{"members", "join", examineMembers, false},
	{"datacenters", "join", examineDatacenters, true},
	{"ports", "join", examinePorts, false},
	{"clocks", "clocks", examineClocks, false},
	{"encryption", "security", examineKeys, true},
	{"access", "security", examineAccess, false},
	{"certificate", "security", examineCertificate, false},
	{"mesh", "security", examineMesh, true},
	{"disk", "disk", examineDisk, false},
	{"limits", "limits", examineLimits, false},
	{"backups", "backups", examineBackups, true},
	{"log", "writes", examineLog, false},
	{"scripts", "security", examineScripts, false},
	{"requests", "requests", examineRequests, true},
	{"dns", "services", examineDNS, true},
	{"recursors", "services", examineRecursors, false},
	{"catalog", "services", examineCatalog, true},
	{"services", "services", examineServices, true},
}

// leaderlessFor is how long the rest is examined where no server leads: that is what
// whoever asks has to hear of, within a second. leaderWithin is how long an agent may
// take to say who leads: one that knows answers at once.
const (
	leaderlessFor = 600 * time.Millisecond
	leaderWithin  = 250 * time.Millisecond
)

// Examine returns what it found, the worst first, and of what is equally bad first
// what the rest may follow from: the agent, its leader.
func Examine(ctx context.Context, opts Options) []Finding {
	p, reach := meet(ctx, opts)
	charts := []*chart{reach}
	if p != nil {
		charts = append(charts, examine(ctx, p)...)
	}
	if len(opts.Files) > 0 || p == nil && opts.DataDir != "" {
		charts = append(charts, examineFiles(opts, p != nil)...)
	}
	var all []Finding
	for _, c := range charts {
		all = append(all, c.list...)
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return int(b.Severity - a.Severity) })
	return all
}

// examine runs all examinations at once.
func examine(ctx context.Context, p *patient) []*chart {
	if p.leader == "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, leaderlessFor)
		defer cancel()
	}
	charts := make([]*chart, len(exams))
	var running sync.WaitGroup
	for i, e := range exams {
		charts[i] = &chart{about: e.about, topic: e.topic}
		if e.asksLeader && p.leader == "" {
			continue
		}
		running.Go(func() { e.look(ctx, p, charts[i]) })
	}
	running.Wait()
	return charts
}

// few names some of a list.
func few(names []string) string {
	const most = 5
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// Plural is a number of things, in words.
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
