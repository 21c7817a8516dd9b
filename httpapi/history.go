package httpapi

import (
	"strconv"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

// How many changes are shown to who does not say.
const (
	usualKeyChanges     = 100
	usualCatalogChanges = 1000
)

// kvHistory lists the changes of a key. Consul has nothing like it.
func kvHistory(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing key name")
	}
	limit, err := x.limit(usualKeyChanges)
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.KVHistory, &ops.KVHistoryRequest{ReadOptions: opts, Key: x.name, Limit: limit})
	if err != nil {
		return err
	}
	return x.reflected(changes(rep.Changes, wire.NewKeyChange))
}

// kvAt answers as kvGet would have at a moment of the past.
func kvAt(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing key name")
	}
	at, err := x.moment("at")
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.KVAt, &ops.KVAtRequest{ReadOptions: opts, Key: x.name, Index: at.Index, Time: at.Time})
	if err != nil {
		return err
	}
	return x.replyEntry(rep.Entry)
}

// catalogHistory lists what happened to the catalog. Consul has nothing like it.
func catalogHistory(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	req := &ops.CatalogHistoryRequest{ReadOptions: opts, Service: x.query.Get("service"), Node: x.query.Get("node"), Kind: x.query.Get("kind")}
	if req.Limit, err = x.limit(usualCatalogChanges); err != nil {
		return err
	}
	if x.has("since") {
		at, err := x.moment("since")
		if err != nil {
			return err
		}
		if at.Index != 0 {
			return invalid("Invalid since: a time or a duration is wanted")
		}
		req.Since = at.Time
	}
	rep, err := ask(x, ops.CatalogHistory, req)
	if err != nil {
		return err
	}
	return x.reflected(changes(rep.Changes, wire.NewCatalogChange))
}

func changes[Row, Shown any](rows []Row, show func(Row) Shown) []Shown {
	list := make([]Shown, len(rows))
	for i, row := range rows {
		list[i] = show(row)
	}
	return list
}

// limit reads ?limit.
func (x *exchange) limit(usual int) (int, error) {
	if !x.has("limit") {
		return usual, nil
	}
	n, err := strconv.Atoi(x.query.Get("limit"))
	if err != nil || n < 1 {
		return 0, invalid("Invalid limit: %q is no number above 0", x.query.Get("limit"))
	}
	return n, nil
}

// moment reads a parameter that is an index, a time (RFC 3339), or how long ago.
func (x *exchange) moment(name string) (catalog.Moment, error) {
	text := x.query.Get(name)
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && n > 0 {
		return catalog.Moment{Index: n}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return catalog.Moment{Time: t.UnixNano()}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return catalog.Moment{Time: time.Now().Add(-ago).UnixNano()}, nil
	}
	return catalog.Moment{}, invalid("Invalid %s: %q is no index, no time as 2006-01-02T15:04:05Z and no duration as 90m", name, text)
}
