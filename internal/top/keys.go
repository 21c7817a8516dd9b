package top

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/consul/api"
)

const (
	separator = "/"
	// maxValue is how many bytes of a value are shown.
	maxValue = 16 << 10
)

func (s *source) askKeys(ctx context.Context, a *answer, folder string, index uint64) error {
	list, meta, err := s.client.KV().Keys(folder, separator, s.blocking(ctx, index))
	if err != nil {
		return err
	}
	a.known(meta)
	a.body = keysBody(folder, list)
	return nil
}

var keysColumns = []column{{title: "KIND"}, {title: "NAME"}}

// keysBody has the folders before the keys, by name.
func keysBody(folder string, list []string) *body {
	var folders, keys []row
	slices.Sort(list)
	for _, name := range list {
		short := strings.TrimPrefix(name, folder)
		switch {
		case short == "": // a key that is named as the folder is
			keys = append(keys, row{cells: []span{{text: "key"}, {text: name}}, opens: target{kindKey, name}})
		case strings.HasSuffix(short, separator):
			folders = append(folders, row{cells: []span{{text: "folder"}, {text: short}}, opens: target{kindKeys, name}})
		default:
			keys = append(keys, row{cells: []span{{text: "key"}, {text: short}}, opens: target{kindKey, name}})
		}
	}
	return table(keysColumns, append(folders, keys...), "There is no key, or the token may see none.")
}

func (s *source) askKey(ctx context.Context, a *answer, key string, index uint64) error {
	pair, meta, err := s.client.KV().Get(key, s.blocking(ctx, index))
	if err != nil {
		return err
	}
	a.known(meta)
	a.body = keyBody(pair)
	return nil
}

func keyBody(pair *api.KVPair) *body {
	if pair == nil {
		return &body{empty: "There is no such key."}
	}
	facts := fmt.Sprintf("%s, changed at index %d, flags %d", count(len(pair.Value), "byte"), pair.ModifyIndex, pair.Flags)
	if pair.Session != "" {
		facts += ", locked by session " + pair.Session
	}
	value := pair.Value[:min(len(pair.Value), maxValue)]
	b := &body{empty: "The value is empty."}
	b.head = []line{{{facts, faint}}}
	shown := string(value)
	if !isText(value, len(value) < len(pair.Value)) {
		shown = hex.Dump(value)
	}
	if shown == "" {
		return b
	}
	for t := range strings.Lines(shown) {
		b.blocks = append(b.blocks, block{{text: t, exact: true}})
	}
	if left := len(pair.Value) - len(value); left > 0 {
		b.blocks = append(b.blocks, block{{text: fmt.Sprintf("… and %s more", count(left, "byte")), style: faint}})
	}
	return b
}

// isText reports whether a value is one that people wrote: UTF-8 without control
// characters. The last letter of one that was cut may be broken.
func isText(value []byte, cut bool) bool {
	for len(value) > 0 {
		r, n := utf8.DecodeRune(value)
		if r == utf8.RuneError && n == 1 {
			return cut && len(value) < utf8.UTFMax
		}
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
		value = value[n:]
	}
	return true
}
