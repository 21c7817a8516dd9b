package wire

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// The encoders append JSON as encoding/json would write it, HTML escapes
// included, without reflection.

const hexDigits = "0123456789abcdef"

// plainByte holds which bytes stand for themselves inside a JSON string.
var plainByte = func() (plain [utf8.RuneSelf]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return plain
}()

// AppendString appends s in quotes.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !plainByte[c] {
				b = appendEscape(append(b, s[start:i]...), c)
				start = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + n
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xf])
			start = i + n
		}
		i += n
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// The field functions append a member with its comma before: key is `,"Name":`.

// AppendText appends a text.
func AppendText(b []byte, key, value string) []byte {
	return AppendString(append(b, key...), value)
}

// appendBytes appends a value in base64; an empty one is null.
func appendBytes(b []byte, key string, value []byte) []byte {
	b = append(b, key...)
	if len(value) == 0 {
		return append(b, "null"...)
	}
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), value), '"')
}

// AppendInt appends a number.
func AppendInt(b []byte, key string, value int64) []byte {
	return strconv.AppendInt(append(b, key...), value, 10)
}

// AppendUint appends a number.
func AppendUint(b []byte, key string, value uint64) []byte {
	return strconv.AppendUint(append(b, key...), value, 10)
}

// AppendBool appends true or false.
func AppendBool(b []byte, key string, value bool) []byte {
	return strconv.AppendBool(append(b, key...), value)
}

// The given functions leave a member out when it is zero.

func appendGivenText(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return AppendText(b, key, value)
}

func appendGivenInt(b []byte, key string, value int) []byte {
	if value == 0 {
		return b
	}
	return AppendInt(b, key, int64(value))
}

func appendGivenBool(b []byte, key string, value bool) []byte {
	if !value {
		return b
	}
	return AppendBool(b, key, value)
}

func appendGivenDuration(b []byte, key string, value time.Duration) []byte {
	if value == 0 {
		return b
	}
	return AppendText(b, key, value.String())
}

// AppendStrings appends a list; nil is [].
func AppendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}

// AppendStringMap appends a map by sorted keys; an empty one as empty says.
func AppendStringMap(b []byte, m map[string]string, empty string) []byte {
	if len(m) == 0 {
		return append(b, empty...)
	}
	return AppendMap(b, m, AppendString)
}

// AppendMap appends a map by sorted keys.
func AppendMap[V any](b []byte, m map[string]V, appendValue func([]byte, V) []byte) []byte {
	var few [8]string
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendString(b, k), ':')
		b = appendValue(b, m[k])
	}
	return append(b, '}')
}

// AppendList appends a list; nil is [].
func AppendList[E any](b []byte, list []E, appendElement func([]byte, E) []byte) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendElement(b, e)
	}
	return append(b, ']')
}

// appendNullableList appends a list; nil is null.
func appendNullableList[E any](b []byte, list []E, appendElement func([]byte, E) []byte) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	return AppendList(b, list, appendElement)
}

// AppendNullableStrings appends a list; nil is null.
func AppendNullableStrings(b []byte, list []string) []byte {
	return appendNullableList(b, list, AppendString)
}

// appendFreeForm appends what has no fixed shape. What JSON cannot say (NaN)
// becomes null.
func appendFreeForm(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

// closeObject ends an object whose members all brought a comma before: the
// first comma, at start, becomes the brace.
func closeObject(b []byte, start int) []byte {
	if len(b) == start {
		return append(b, '{', '}')
	}
	b[start] = '{'
	return append(b, '}')
}
