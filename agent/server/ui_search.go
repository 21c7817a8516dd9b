package server

import (
	"context"
	"strings"
	"unicode/utf8"

	"praetor/agent/server/kernel"
	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/fault"
	"praetor/internal/ops"
)

const (
	// One search finds so many keys, looks at so many and into so many bytes of their
	// values. Measured, of a core: 16 ms for the keys, 60 to 150 ms for values in ASCII,
	// 400 ms for others.
	mostFound          = 200
	mostKeysSearched   = 500_000
	mostValuesSearched = 32 << 20
	maxSearchText      = 256 // bytes
	// lookUp is after how many keys a search looks whether it is still wanted.
	lookUp = 4096
	// excerptBytes is what is shown of a value before and after what was found.
	excerptBytes = 40
)

func (s *Server) uiKeySearch(ctx context.Context, az *acl.Authorizer, req *ops.UIKeySearchRequest) (*ops.UIKeySearchReply, error) {
	if need := s.keyList(req.Prefix); need != (acl.Need{}) {
		if err := az.Check(need); err != nil {
			return nil, err
		}
	}
	if req.Text == "" || len(req.Text) > maxSearchText {
		return nil, fault.New(fault.Invalid, "Give 1 to %d bytes to search for", maxSearchText)
	}
	opts := req.ReadOptions
	opts.MinIndex = 0
	rep := &ops.UIKeySearchReply{}
	return rep, s.kernel.Read(ctx, &opts, &rep.ReadMeta, func(tx *catalog.Tx, _ catalog.WatchSet) (uint64, error) {
		found := keySearch{text: strings.ToLower(req.Text), values: req.Values, rep: rep}
		passed := 0
		for e := range tx.KVEach(req.Prefix) {
			if (passed+rep.Searched)%lookUp == 0 && ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if passed < req.Skip {
				passed++
				continue
			}
			if rep.More = found.isOver(); rep.More {
				break
			}
			found.look(az, e)
		}
		return tx.LastIndex(), nil
	})
}

// keySearch is one search under way.
type keySearch struct {
	text   string // in lower case
	values bool
	read   int // bytes of values
	rep    *ops.UIKeySearchReply
}

func (k *keySearch) isOver() bool {
	return len(k.rep.Keys) >= mostFound || k.rep.Searched >= mostKeysSearched || k.read >= mostValuesSearched
}

// look notes an entry if it has the text and the caller may read it.
func (k *keySearch) look(az *acl.Authorizer, e *catalog.KVEntry) {
	k.rep.Searched++
	found := ops.UIFoundKey{Key: e.Key}
	if indexFold(e.Key, k.text) < 0 {
		if !k.values {
			return
		}
		k.read += len(e.Value)
		value := string(e.Value)
		at := indexFold(value, k.text)
		if at < 0 {
			return
		}
		found.Line = excerpt(value, at, len(k.text))
	}
	if _, visible, _ := kernel.Entries.See(az, e); !visible {
		k.rep.Filtered = true
		return
	}
	k.rep.Keys = append(k.rep.Keys, found)
}

// indexFold is where text has part, which is in lower case, whatever the case of
// text; -1 if nowhere.
func indexFold(text, part string) int {
	lower, upper := part[0], part[0]
	if 'a' <= lower && lower <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(part) <= len(text); i++ {
		if c := text[i]; (c == lower || c == upper || c >= utf8.RuneSelf) && strings.EqualFold(text[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// excerpt is the line of a value in which something was found, cut to what stands near
// it; a value that is no text has none.
func excerpt(value string, at, length int) string {
	if !utf8.ValidString(value) {
		return ""
	}
	from := max(0, at-excerptBytes, strings.LastIndexByte(value[:at], '\n')+1)
	to := min(len(value), at+length+excerptBytes)
	if end := strings.IndexByte(value[at:to], '\n'); end >= length {
		to = at + end
	}
	for from < at && !utf8.RuneStart(value[from]) {
		from++
	}
	for to < len(value) && !utf8.RuneStart(value[to]) {
		to++
	}
	return strings.TrimSpace(value[from:to])
}
