package mesh

import (
	"fmt"
	"slices"
	"strings"

	"praetor/internal/configentry"
)

// Intention says whether a source may call a destination: one source of an entry,
// with what the entry says of all of them.
type Intention struct {
	Destination string
	Source      configentry.SourceIntention
	JWT         *configentry.JWTRequirement
	Meta        map[string]string
	CreateIndex uint64
	ModifyIndex uint64
}

// Intentions returns those of an entry, in its order. What they point to is the entry's.
func Intentions(e *configentry.ServiceIntentions, created, modified uint64) []*Intention {
	list := make([]*Intention, len(e.Sources))
	for i, src := range e.Sources {
		list[i] = &Intention{Destination: e.Name, Source: *src, JWT: e.JWT, Meta: e.Meta, CreateIndex: created, ModifyIndex: modified}
		if src.LegacyID != "" {
			list[i].Meta = src.LegacyMeta
		}
	}
	return list
}

// SortIntentions puts those first that count before others, and what counts the
// same in the order of names, sources first.
func SortIntentions(list []*Intention) {
	slices.SortFunc(list, func(a, b *Intention) int {
		x, y := &a.Source, &b.Source
		switch { // one after the other: lists are long, and most differ early
		case x.Precedence != y.Precedence:
			return y.Precedence - x.Precedence
		case x.Name != y.Name:
			return strings.Compare(x.Name, y.Name)
		case x.Peer != y.Peer:
			return strings.Compare(x.Peer, y.Peer)
		}
		return strings.Compare(a.Destination, b.Destination)
	})
}

// Fits reports whether an intention is about a source in this cluster. Certificates
// spell names exactly, and so must intentions.
func (in *Intention) Fits(source string) bool {
	return in.Source.Peer == "" && (in.Source.Name == source || in.Source.Name == configentry.Wildcard)
}

// concerns reports whether it is about a destination. Entries of names that differ
// in case are one entry.
func (in *Intention) concerns(destination string) bool {
	return in.Destination == configentry.Wildcard || strings.EqualFold(in.Destination, destination)
}

// String is the intention as verdicts word it (reference/mesh.md §1).
func (in *Intention) String() string {
	level, what := "L4", "Action: "+strings.ToUpper(in.Source.Action)
	if n := len(in.Source.Permissions); n > 0 {
		level, what = "L7", fmt.Sprintf("Permissions: %d", n)
	}
	return fmt.Sprintf("%s intention: default/%s => default/%s (Precedence: %d, %s)", level, in.Source.Name, in.Destination, in.Source.Precedence, what)
}

// Decision says whether a source may open connections, and by which intention; nil
// if none fits, so that the default decided.
type Decision struct {
	Allowed bool
	By      *Intention
}

// IsExact reports whether the intention that decided names both services.
func (d Decision) IsExact() bool {
	return d.By != nil && d.By.Source.Name != configentry.Wildcard && d.By.Destination != configentry.Wildcard
}

// Evaluate decides whether a source in this cluster may open connections to a
// destination. The list has at least the intentions of the destination and those of
// every destination, in any order. Who may send some requests only is refused:
// nobody has seen the requests yet.
func Evaluate(list []*Intention, source, destination string, defaultAllow bool) Decision {
	var by *Intention
	for _, in := range list {
		if in.Fits(source) && in.concerns(destination) && (by == nil || in.Source.Precedence > by.Source.Precedence) {
			by = in
		}
	}
	if by == nil {
		return Decision{Allowed: defaultAllow}
	}
	return Decision{Allowed: by.Source.Action == configentry.ActionAllow, By: by}
}
