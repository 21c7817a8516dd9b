package catalog

import (
	"bytes"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// appendCanonical appends one MessagePack value to dst with the members of
// every map sorted by their encoded keys, and returns what follows the value
// in src. Go walks maps in random order; equal rows must give equal bytes.
func appendCanonical(dst, src []byte) (out, rest []byte, err error) {
	switch msgp.NextType(src) {
	case msgp.MapType:
		return appendCanonicalMap(dst, src)
	case msgp.ArrayType:
		n, rest, err := msgp.ReadArrayHeaderBytes(src)
		if err != nil {
			return dst, src, err
		}
		dst = msgp.AppendArrayHeader(dst, n)
		for range n {
			if dst, rest, err = appendCanonical(dst, rest); err != nil {
				return dst, src, err
			}
		}
		return dst, rest, nil
	}
	rest, err = msgp.Skip(src)
	if err != nil {
		return dst, src, err
	}
	return append(dst, src[:len(src)-len(rest)]...), rest, nil
}

func appendCanonicalMap(dst, src []byte) (out, rest []byte, err error) {
	n, rest, err := msgp.ReadMapHeaderBytes(src)
	if err != nil {
		return dst, src, err
	}
	type member struct{ key, value []byte } // encoded, in src
	members := make([]member, 0, min(n, 64))
	for range n {
		start := rest
		if rest, err = msgp.Skip(rest); err != nil {
			return dst, src, err
		}
		key, value := start[:len(start)-len(rest)], rest
		if rest, err = msgp.Skip(rest); err != nil {
			return dst, src, err
		}
		members = append(members, member{key, value[:len(value)-len(rest)]})
	}
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.key, b.key) })
	dst = msgp.AppendMapHeader(dst, n)
	for _, m := range members {
		dst = append(dst, m.key...)
		if dst, _, err = appendCanonical(dst, m.value); err != nil {
			return dst, src, err
		}
	}
	return dst, rest, nil
}
