package server

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-uuid"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/configentry"
	"praetor/internal/fault"
	"praetor/internal/filter"
	"praetor/internal/mesh"
	"praetor/internal/ops"
)

func (s *Server) registerIntentions(m *kernel.Mux) {
	kernel.Handle(m, ops.IntentionApply, kernel.Decides("intention:write on the destination"), s.intentionApply)
	kernel.HandleList(m, s.kernel, ops.IntentionList, intentions, func(r *ops.IntentionListRequest, rep *ops.IntentionListReply) kernel.List[*mesh.Intention] {
		return kernel.List[*mesh.Intention]{Rows: (*catalog.Tx).Intentions, Pick: kernel.PickBy[filter.Intention, *mesh.Intention](r.Filter), Into: &rep.Intentions}
	})
	kernel.Handle(m, ops.IntentionGet, kernel.Decides("intention:read on the destination or on the source"), s.intentionGet)
	kernel.Handle(m, ops.IntentionMatch, kernel.Decides("intention:read on every name"), s.intentionMatch)
	kernel.Handle(m, ops.IntentionCheck, kernel.Needs(func(r *ops.IntentionCheckRequest) acl.Need {
		return acl.Service.Read(r.Destination)
	}), s.intentionCheck)
}

// intentions are seen from either side. Rights are about services of this cluster:
// a source in a peer is none.
var intentions = kernel.VisibleIf("intention:read on the destination or on the source", func(az *acl.Authorizer, in *mesh.Intention) bool {
	return az.Allows(acl.Intention.Read(in.Destination)) || in.Source.Peer == "" && az.Allows(acl.Intention.Read(in.Source.Name))
})

// The texts of reference/http-mesh-ui.md §4.
var (
	errIntentionUnknown = fault.New(fault.NotFound, "Intention not found")
	errIntentionID      = fault.New(fault.Invalid, "failed config entry lookup: index error: UUID must be 36 characters")
	errLegacyLookup     = fault.New(fault.Rejected, "Intention lookup failed: %s", errIntentionID)
	errLegacyWithID     = fault.New(fault.Rejected, "ID must be empty when creating a new intention")
	errLegacyMove       = fault.New(fault.Rejected, "Cannot modify Destination partition/namespace/name for an intention once it exists.")
)

func (s *Server) intentionGet(ctx context.Context, az *acl.Authorizer, req *ops.IntentionGetRequest) (*ops.IntentionGetReply, error) {
	if req.ID != "" && len(req.ID) != kernel.UUIDLen {
		return nil, errIntentionID
	}
	rep := &ops.IntentionGetReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, err error) {
		if req.ID != "" {
			index, rep.Intention = tx.LegacyIntention(ws, req.ID)
		} else {
			index, rep.Intention = tx.Intention(ws, req.Peer, req.Source, req.Destination)
		}
		if rep.Intention == nil {
			return index, errIntentionUnknown
		}
		if _, ok, _ := intentions.See(az, rep.Intention); !ok {
			return index, acl.ErrDenied
		}
		return index, nil
	})
}

// maxMatches bounds the answer to a question about many names: each of them lists
// all that is about any service.
const maxMatches = 1 << 17

func (s *Server) intentionMatch(ctx context.Context, az *acl.Authorizer, req *ops.IntentionMatchRequest) (*ops.IntentionMatchReply, error) {
	for _, name := range req.Names {
		if err := az.Check(acl.Intention.Read(name)); err != nil {
			return nil, err
		}
	}
	match := (*catalog.Tx).IntentionsTo
	if req.BySource {
		match = (*catalog.Tx).IntentionsFrom
	}
	rep := &ops.IntentionMatchReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (index uint64, _ error) {
		rep.Matches = make([][]*mesh.Intention, len(req.Names))
		total := 0
		for i, name := range req.Names {
			index, rep.Matches[i] = match(tx, ws, name)
			if total += len(rep.Matches[i]); total > maxMatches && i > 0 {
				return index, fault.New(fault.Invalid, "more than %d intentions match: ask for fewer names at once", maxMatches)
			}
		}
		rep.Absent = total == 0
		return index, nil
	})
}

func (s *Server) intentionCheck(ctx context.Context, _ *acl.Authorizer, req *ops.IntentionCheckRequest) (*ops.IntentionCheckReply, error) {
	rep := &ops.IntentionCheckReply{}
	return rep, s.kernel.Read(ctx, &req.ReadOptions, &rep.ReadMeta, func(tx *catalog.Tx, ws catalog.WatchSet) (uint64, error) {
		index, list := tx.IntentionsTo(ws, req.Destination)
		rep.Allowed = mesh.Evaluate(list, req.Source, req.Destination, s.allowsByDefault()).Allowed
		return index, nil
	})
}

// allowsByDefault is what access rules say of connections that no intention is about
// (conformance mesh/default-intention-deny: default_intention_policy does not count here).
func (s *Server) allowsByDefault() bool { return !s.opts.ACLs.Enabled || s.opts.ACLs.AllowByDefault }

// intentionApply edits an entry and writes it if it is still the one that was read,
// until it is: an edit that came between is never lost, and whoever has to begin anew
// does so because another edit was done.
//
// The primary datacenter keeps intentions for all.
func (s *Server) intentionApply(ctx context.Context, az *acl.Authorizer, req *ops.IntentionApplyRequest) (*ops.IntentionApplyReply, error) {
	if s.kernel.Secondary() {
		return ops.IntentionApply.CallIn(ctx, s.Router(), req, s.kernel.Primary)
	}
	rep := &ops.IntentionApplyReply{ID: req.Intention.Source.LegacyID}
	if req.Verb == ops.LegacyIntentionCreate {
		var err error
		if rep.ID, err = uuid.GenerateUUID(); err != nil {
			return nil, err
		}
	}
	for {
		if err := s.kernel.Current(ctx); err != nil {
			return nil, err
		}
		edit := intentionEdit{az: az, tx: s.kernel.Store.Read(), id: rep.ID, req: req}
		write, err := edit.plan()
		if err != nil || write == nil {
			return rep, err
		}
		result, _, err := s.kernel.Apply(ctx, catalog.ConfigCommand, write)
		if done, _ := result.(bool); done || err != nil {
			return rep, err
		}
	}
}

// intentionEdit is one attempt to change one source of an entry.
type intentionEdit struct {
	az  *acl.Authorizer
	tx  *catalog.Tx
	id  string // of a legacy intention
	req *ops.IntentionApplyRequest
}

// plan returns the write that makes the change, nil if there is nothing to be done.
func (d *intentionEdit) plan() (*catalog.ConfigWrite, error) {
	destination, err := d.destination()
	if err != nil {
		return nil, err
	}
	_, row := d.tx.ConfigEntry(nil, configentry.KindServiceIntentions, destination)
	entry, err := editable(row, destination)
	if err != nil {
		return nil, err
	}
	if changed, err := d.change(entry); !changed || err != nil {
		return nil, err
	}
	if len(entry.Sources) == 0 {
		return &catalog.ConfigWrite{Verb: catalog.ConfigDeleteCAS, Entry: catalog.ConfigEntry{Kind: row.Kind, Name: row.Name, ModifyIndex: row.ModifyIndex}}, nil
	}
	if err := configentry.Prepare(entry); err != nil {
		return nil, err
	}
	edited, err := catalog.NewConfigEntry(entry)
	if err != nil {
		return nil, err
	}
	if row != nil {
		edited.ModifyIndex = row.ModifyIndex
	}
	return &catalog.ConfigWrite{Verb: catalog.ConfigEdit, Entry: *edited}, nil
}

// editable returns an entry that is nobody else's, an empty one if there is none.
func editable(row *catalog.ConfigEntry, name string) (*configentry.ServiceIntentions, error) {
	if row == nil {
		empty := &configentry.ServiceIntentions{}
		empty.Kind, empty.Name = configentry.KindServiceIntentions, name
		return empty, nil
	}
	e, err := configentry.Load(row.Kind, row.Body)
	if err != nil {
		return nil, err
	}
	return e.(*configentry.ServiceIntentions), nil
}

// destination finds whose entry is to be changed, and asks for the right to.
func (d *intentionEdit) destination() (string, error) {
	name := d.req.Intention.Destination
	switch d.req.Verb {
	case ops.LegacyIntentionUpdate, ops.LegacyIntentionDelete:
		if len(d.id) != kernel.UUIDLen {
			return "", errLegacyLookup
		}
		_, in := d.tx.LegacyIntention(nil, d.id)
		if in == nil {
			did := "modify"
			if d.req.Verb == ops.LegacyIntentionDelete {
				did = "delete"
			}
			return "", fault.New(fault.Rejected, "Cannot %s non-existent intention: '%s'", did, d.id)
		}
		name = in.Destination
	}
	if name == "" || !d.az.Allows(acl.Intention.Write(name)) {
		return "", acl.ErrDenied
	}
	return name, nil
}

// change makes the change, and reports whether there was one to make.
func (d *intentionEdit) change(e *configentry.ServiceIntentions) (bool, error) {
	src := &d.req.Intention.Source
	switch d.req.Verb {
	case ops.IntentionSet:
		return true, d.set(e, src)
	case ops.IntentionDelete:
		i := indexOfSource(e, src.Name)
		if i < 0 {
			return false, nil
		}
		e.Sources = slices.Delete(e.Sources, i, i+1)
		e.DropLegacy()
		return true, nil
	case ops.LegacyIntentionCreate, ops.LegacyIntentionUpdate, ops.LegacyIntentionDelete:
		return true, d.changeLegacy(e, src)
	}
	return false, fault.New(fault.Internal, "intention apply: unknown verb %d", d.req.Verb)
}

// set replaces a source, or adds it. The entry's metadata is not its to change.
func (d *intentionEdit) set(e *configentry.ServiceIntentions, src *configentry.SourceIntention) error {
	meta := d.req.Intention.Meta
	switch {
	case len(meta) > 0 && len(e.Sources) == 0:
		return fault.New(fault.Rejected, "Meta must not be specified")
	case len(meta) > 0 && !maps.Equal(meta, e.Meta):
		return fault.New(fault.Rejected, "Meta must not be specified, or should be unchanged during an update.")
	}
	put := &configentry.SourceIntention{Name: src.Name, Type: src.Type, Action: src.Action, Permissions: src.Permissions, Description: src.Description}
	if i := indexOfSource(e, src.Name); i >= 0 {
		e.Sources[i] = put
	} else {
		e.Sources = append(e.Sources, put)
	}
	e.DropLegacy()
	return nil
}

func indexOfSource(e *configentry.ServiceIntentions, name string) int {
	return slices.IndexFunc(e.Sources, func(src *configentry.SourceIntention) bool { return src.Peer == "" && src.Name == name })
}

// changeLegacy changes an intention by ID, as long as no other endpoint has changed
// any of the same destination.
func (d *intentionEdit) changeLegacy(e *configentry.ServiceIntentions, src *configentry.SourceIntention) error {
	switch verb := d.req.Verb; {
	case verb == ops.LegacyIntentionCreate && src.LegacyID != "":
		return errLegacyWithID
	case verb == ops.LegacyIntentionUpdate && !strings.EqualFold(d.req.Intention.Destination, e.Name):
		return errLegacyMove
	case verb != ops.LegacyIntentionDelete:
		if err := src.CheckLegacy(); err != nil {
			return err
		}
	}
	if !e.IsLegacy() {
		return fault.New(fault.Rejected, "cannot use legacy intention API to edit intentions with a destination of %q after editing them via a service-intentions config entry", e.Name)
	}
	now := time.Now().UTC()
	put := &configentry.SourceIntention{
		Name: src.Name, Type: src.Type, Action: src.Action, Description: src.Description,
		LegacyID: d.id, LegacyMeta: src.LegacyMeta, LegacyCreateTime: &now, LegacyUpdateTime: &now,
	}
	if d.req.Verb == ops.LegacyIntentionCreate {
		e.Sources = append(e.Sources, put)
		return nil
	}
	i := slices.IndexFunc(e.Sources, func(src *configentry.SourceIntention) bool { return strings.EqualFold(src.LegacyID, d.id) })
	if d.req.Verb == ops.LegacyIntentionDelete {
		e.Sources = slices.Delete(e.Sources, i, i+1)
		return nil
	}
	put.LegacyID, put.LegacyCreateTime = e.Sources[i].LegacyID, e.Sources[i].LegacyCreateTime
	e.Sources[i] = put
	return nil
}
