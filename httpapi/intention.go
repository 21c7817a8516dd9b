package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/mesh"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

// tenant is the one namespace and partition that there is.
const tenant = "default"

// intentionJSON is an intention as it is shown and given.
type intentionJSON struct {
	ID                   string `json:",omitempty"`
	Description          string `json:",omitempty"`
	SourcePartition      string `json:",omitempty"`
	SourcePeer           string `json:",omitempty"`
	SourceSamenessGroup  string `json:",omitempty"`
	SourceNS             string
	SourceName           string
	DestinationPartition string `json:",omitempty"`
	DestinationNS        string
	DestinationName      string
	SourceType           string
	Action               string                      `json:",omitempty"`
	DefaultAddr          string                      `json:",omitempty"` // given by old clients
	DefaultPort          int                         `json:",omitempty"`
	Permissions          []*configentry.Permission   `json:",omitempty"`
	JWT                  *configentry.JWTRequirement `json:",omitempty"`
	Meta                 map[string]string           `json:",omitempty"`
	Precedence           int
	CreatedAt            *time.Time `json:",omitempty"`
	UpdatedAt            *time.Time `json:",omitempty"`
	Hash                 []byte     `json:",omitempty"`
	CreateIndex          uint64
	ModifyIndex          uint64
}

func showIntention(in *mesh.Intention) intentionJSON {
	src := &in.Source
	return intentionJSON{
		ID: src.LegacyID, Description: src.Description, SourcePeer: src.Peer, SourceNS: tenant, SourceName: src.Name,
		DestinationNS: tenant, DestinationName: in.Destination, SourceType: src.Type, Action: src.Action,
		Permissions: src.Permissions, JWT: in.JWT, Meta: in.Meta, Precedence: src.Precedence,
		CreatedAt: src.LegacyCreateTime, UpdatedAt: src.LegacyUpdateTime, CreateIndex: in.CreateIndex, ModifyIndex: in.ModifyIndex,
	}
}

func showIntentions(list []*mesh.Intention) []intentionJSON {
	shown := make([]intentionJSON, len(list))
	for i, in := range list {
		shown[i] = showIntention(in)
	}
	return shown
}

// source is what a client says of the source.
func (b *intentionJSON) source() configentry.SourceIntention {
	return configentry.SourceIntention{Name: b.SourceName, Type: b.SourceType, Action: b.Action, Permissions: b.Permissions, Description: b.Description}
}

// legacy is the intention that an endpoint which names it by an ID is given.
func (b *intentionJSON) legacy(id string) mesh.Intention {
	src := b.source()
	src.LegacyID, src.LegacyMeta = id, b.Meta
	return mesh.Intention{Destination: b.DestinationName, Source: src}
}

// intentions lists them, or makes a legacy one (reference/http-mesh-ui.md §4).
func intentions(x *exchange) error {
	if x.r.Method == http.MethodPost {
		var body intentionJSON
		if err := x.decode(&body); err != nil {
			if fault.KindOf(err) != fault.Invalid {
				return err
			}
			return rejected("Failed to decode request body: %s", strings.TrimPrefix(err.Error(), "Request decode failed: "))
		}
		return x.applyLegacy(ops.LegacyIntentionCreate, body.legacy(body.ID))
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.IntentionList, &ops.IntentionListRequest{ReadOptions: opts, Filter: x.query.Get("filter")})
	if err != nil {
		return err
	}
	return x.reflected(showIntentions(rep.Intentions))
}

// intention serves one intention by ID.
func intention(x *exchange) error {
	switch x.r.Method {
	case http.MethodPut:
		var body intentionJSON
		if err := x.decode(&body); err != nil {
			return err
		}
		return x.applyLegacy(ops.LegacyIntentionUpdate, body.legacy(x.name))
	case http.MethodDelete:
		return x.applyIntention(ops.LegacyIntentionDelete, mesh.Intention{Source: configentry.SourceIntention{LegacyID: x.name}})
	}
	if x.name == "" {
		return missing("intention ID")
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.IntentionGet, &ops.IntentionGetRequest{ReadOptions: opts, ID: x.name})
	if err != nil {
		return err
	}
	return x.reflected(showIntention(rep.Intention))
}

// applyLegacy answers with the ID.
func (x *exchange) applyLegacy(verb ops.IntentionVerb, in mesh.Intention) error {
	rep, err := x.callIntention(verb, in)
	if err != nil {
		return err
	}
	return x.reflected(struct{ ID string }{rep.ID})
}

func (x *exchange) applyIntention(verb ops.IntentionVerb, in mesh.Intention) error {
	if _, err := x.callIntention(verb, in); err != nil {
		return err
	}
	return x.bool(true)
}

// callIntention asks the servers of this datacenter, whatever the request says: they
// know which one keeps intentions.
func (x *exchange) callIntention(verb ops.IntentionVerb, in mesh.Intention) (*ops.IntentionApplyReply, error) {
	return ops.IntentionApply.Call(x.r.Context(), x.api.opts.Caller, &ops.IntentionApplyRequest{
		WriteOptions: rpc.WriteOptions{Token: x.token}, Verb: verb, Intention: in,
	})
}

// intentionExact serves one intention by source and destination.
func intentionExact(x *exchange) error {
	source, err := x.intentionSide("source")
	if err != nil {
		return err
	}
	destination, err := x.intentionSide("destination")
	if err != nil {
		return err
	}
	if x.r.Method == http.MethodGet {
		return x.getExact(source, destination)
	}
	for _, side := range []*intentionName{source, destination} {
		switch {
		case side.peer != "":
			return side.refusePeer()
		case side.name == "":
			return notSet(side.side)
		}
	}
	in := mesh.Intention{Destination: destination.name, Source: configentry.SourceIntention{Name: source.name}}
	if x.r.Method == http.MethodDelete {
		return x.applyIntention(ops.IntentionDelete, in)
	}
	var body intentionJSON
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.SourcePeer != "" {
		return rejected("SourcePeer field is not supported on this endpoint. Use config entries instead")
	}
	in.Source, in.Meta = body.source(), body.Meta
	in.Source.Name = source.name
	return x.applyIntention(ops.IntentionSet, in)
}

func (x *exchange) getExact(source, destination *intentionName) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if destination.peer != "" {
		return destination.refusePeer()
	}
	var faults []string
	for _, side := range []struct {
		member string
		is     *intentionName
	}{{"Source", source}, {"Destination", destination}} {
		if err := side.is.foreign(side.member+"NS", side.member+"Partition"); err != nil {
			return err
		}
		if side.is.name == "" {
			faults = append(faults, side.member+"Name is missing")
		}
	}
	if len(faults) > 0 {
		return rejected("%s", configentry.Several(faults...))
	}
	rep, err := ops.IntentionGet.Call(x.r.Context(), x.api.opts.Caller, &ops.IntentionGetRequest{
		ReadOptions: opts, Peer: source.peer, Source: source.name, Destination: destination.name,
	})
	if err != nil {
		return err
	}
	return x.reflected(showIntention(rep.Intention))
}

// intentionMatch lists the intentions that count for services.
func intentionMatch(x *exchange) error {
	opts, err := x.readOptions()
	switch {
	case err != nil:
		return err
	case !x.has("by"):
		return notSet("by")
	}
	by := x.query.Get("by")
	switch {
	case by != "source" && by != "destination":
		return rejected("'by' parameter must be one of 'source' or 'destination'")
	case !x.has("name"):
		return notSet("name")
	}
	var keys, names []string // as they were asked for, and what they name
	for _, key := range x.query["name"] {
		if slices.Contains(keys, key) {
			continue
		}
		name, err := parseIntentionName("name", key)
		if err == nil && name.peer != "" {
			err = name.refusePeer()
		}
		if err == nil {
			err = name.foreign("match entry namespace", "match entry partition")
		}
		if err != nil {
			return err
		}
		keys, names = append(keys, key), append(names, name.name)
	}
	rep, err := ask(x, ops.IntentionMatch, &ops.IntentionMatchRequest{ReadOptions: opts, BySource: by == "source", Names: names})
	if err != nil {
		return err
	}
	shown := make(map[string][]intentionJSON, len(keys))
	for i, key := range keys {
		shown[key] = nil // null, if nothing matches
		if i < len(rep.Matches) && len(rep.Matches[i]) > 0 {
			shown[key] = showIntentions(rep.Matches[i])
		}
	}
	return x.reflected(shown)
}

// intentionCheck decides whether a service may connect to another.
func intentionCheck(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	source, err := x.intentionSide("source")
	if err != nil {
		return err
	}
	destination, err := x.intentionSide("destination")
	if err != nil {
		return err
	}
	for _, side := range []*intentionName{source, destination} {
		if side.peer != "" {
			return side.refusePeer()
		}
		if err := side.foreign(side.side+" namespace", side.side+" partition"); err != nil {
			return err
		}
	}
	if kind := x.query.Get("source-type"); kind != "" && kind != "consul" {
		return rejected("unsupported SourceType: %q", kind)
	}
	rep, err := ops.IntentionCheck.Call(x.r.Context(), x.api.opts.Caller, &ops.IntentionCheckRequest{
		ReadOptions: opts, Source: source.name, Destination: destination.name,
	})
	if err != nil {
		return err
	}
	return x.reflected(struct{ Allowed bool }{rep.Allowed})
}

func notSet(parameter string) error {
	return rejected("required query parameter '%s' not set", parameter)
}

// intentionName is one side of an intention: [[PARTITION/]NAMESPACE/]NAME, or
// peer:PEER/NAME.
type intentionName struct {
	side, text                       string
	partition, namespace, peer, name string
}

// intentionSide reads a side from the parameter of its name.
func (x *exchange) intentionSide(side string) (*intentionName, error) {
	if !x.has(side) {
		return nil, notSet(side)
	}
	return parseIntentionName(side, x.query.Get(side))
}

func parseIntentionName(side, text string) (*intentionName, error) {
	n := &intentionName{side: side, text: text}
	if rest, ok := strings.CutPrefix(text, "peer:"); ok {
		n.peer, n.name, _ = strings.Cut(rest, "/")
		if n.peer == "" {
			return nil, n.refusePeer()
		}
		return n, nil
	}
	switch parts := strings.Split(text, "/"); len(parts) {
	case 1:
		n.name = parts[0]
	case 2:
		n.namespace, n.name = parts[0], parts[1]
	case 3:
		n.partition, n.namespace, n.name = parts[0], parts[1], parts[2]
	default:
		return nil, rejected("%s %q is invalid: input can contain at most two '/'", side, text)
	}
	return n, nil
}

func (n *intentionName) refusePeer() error {
	return rejected("%s %q is invalid: cannot specify a peer here", n.side, n.text)
}

// foreign refuses namespaces and partitions that there are none of, in the words of
// the endpoint.
func (n *intentionName) foreign(namespace, partition string) error {
	switch {
	case n.namespace != "" && n.namespace != tenant:
		return rejected("Invalid %s %q: Namespaces is a Consul Enterprise feature", namespace, n.namespace)
	case n.partition != "" && n.partition != tenant:
		return rejected("Invalid %s %q: Partitions is a Consul Enterprise feature", partition, n.partition)
	}
	return nil
}
