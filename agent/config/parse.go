package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl"
	"github.com/mitchellh/mapstructure"

	"praetor/internal/definition"
	"praetor/internal/shape"
)

const (
	formatHCL  = "hcl"
	formatJSON = "json"

	// maxSourceBytes and maxNesting bound what the parsers are given: HCL's
	// recurses once per bracket.
	maxSourceBytes = 16 << 20
	maxNesting     = 500

	// maxHints bounds the searches for a similar key: a file with more unknown
	// keys is not one of ours.
	maxHints = 20
)

// parse reads one source strictly: a key it does not know is an error. The
// error does not name the source.
func parse(text, format string) (*settings, error) {
	tree, err := parseTree(text, format)
	if err != nil {
		return nil, err
	}
	var s settings
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName:    "cfg",
		Result:     &s,
		DecodeHook: mapstructure.DecodeHookFuncType(prepareValue),
	})
	if err != nil {
		return nil, err // our own types are wrong
	}
	decodeErr := decoder.Decode(tree)
	if err := parseError(decodeErr, unknownKeys(tree, reflect.TypeOf(s))); err != nil {
		return nil, err
	}
	return &s, nil
}

func parseTree(text, format string) (map[string]any, error) {
	if len(text) > maxSourceBytes {
		return nil, fmt.Errorf("larger than %d bytes", maxSourceBytes)
	}
	if shape.Nesting(text) > maxNesting {
		return nil, fmt.Errorf("nested deeper than %d levels", maxNesting)
	}
	tree := map[string]any{}
	if strings.TrimSpace(text) == "" {
		return tree, nil
	}
	if format == formatJSON {
		return tree, decodeJSON(text, &tree)
	}
	return tree, decodeHCL(text, &tree)
}

func decodeJSON(text string, tree *map[string]any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(tree); err != nil {
		return jsonError(text, decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: text after the top-level object", lineAt(text, decoder.InputOffset()))
	}
	return nil
}

// jsonError keeps encoding/json's text and adds the line.
func jsonError(text string, offset int64, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("unexpected end of JSON input")
	}
	return fmt.Errorf("line %d: %w", lineAt(text, offset), err)
}

func lineAt(text string, offset int64) int {
	end := min(max(int(offset), 0), len(text))
	return 1 + strings.Count(text[:end], "\n")
}

// decodeHCL turns a panic of the parser into an error: it is not ours, and a
// file must not end a running agent on reload.
func decodeHCL(text string, tree *map[string]any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be parsed: %v", p)
		}
	}()
	return hcl.Decode(tree, text)
}

// parseError joins type errors and unknown keys, in Consul's words: type errors
// alone as mapstructure reports them, unknown keys as a list.
func parseError(decodeErr error, unknown []string) error {
	if len(unknown) == 0 {
		return decodeErr
	}
	var faults definition.Errors
	var types *mapstructure.Error
	if errors.As(decodeErr, &types) {
		for _, text := range types.Errors {
			faults.Addf("%s", text)
		}
	} else if decodeErr != nil {
		faults.Addf("%s", decodeErr)
	}
	for i, key := range unknown {
		text := "invalid config key " + key
		if i < maxHints {
			text += didYouMean(key)
		}
		faults.Addf("%s", text)
	}
	return faults.Err()
}

var opaqueType = reflect.TypeFor[map[string]any]()

// prepareValue is called on every value before it is decoded. It takes a list of one
// for what is in it where no list belongs, as HCL's blocks are, and renames aliased keys.
func prepareValue(_, to reflect.Type, data any) (any, error) {
	for to.Kind() == reflect.Pointer {
		to = to.Elem()
	}
	if to.Kind() != reflect.Slice && to.Kind() != reflect.Interface {
		data = single(data)
	}
	tree, isMap := data.(map[string]any)
	switch {
	case to == opaqueType || to.Kind() == reflect.Interface:
		return unwrap(data), nil
	case isMap && to.Kind() == reflect.Struct:
		return renameAliases(tree, to), nil
	}
	return data, nil
}

// single is the element of a list of one, and anything else itself.
func single(v any) any {
	if list := elements(v); len(list) == 1 {
		return list[0]
	}
	return v
}

// unwrap takes HCL's lists of one block out of a value nobody interprets here.
func unwrap(v any) any {
	switch v := v.(type) {
	case []map[string]any:
		if len(v) == 1 {
			return unwrap(v[0])
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = unwrap(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = unwrap(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = unwrap(v[i])
		}
		return out
	}
	return v
}

// renameAliases gives keys of tree that are aliases of a field of t their
// proper name, unless that is there too.
func renameAliases(tree map[string]any, t reflect.Type) map[string]any {
	out := tree
	for _, field := range reflect.VisibleFields(t) {
		alias, name := field.Tag.Get("alias"), field.Tag.Get("cfg")
		if alias == "" {
			continue
		}
		for key, value := range tree {
			if !strings.EqualFold(key, alias) || hasKey(tree, name) {
				continue
			}
			if reflect.ValueOf(out).Pointer() == reflect.ValueOf(tree).Pointer() {
				out = cloneTree(tree)
			}
			delete(out, key)
			out[name] = value
		}
	}
	return out
}

func hasKey(tree map[string]any, name string) bool {
	for key := range tree {
		if strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

func cloneTree(tree map[string]any) map[string]any {
	out := make(map[string]any, len(tree))
	for k, v := range tree {
		out[k] = v
	}
	return out
}

// stripBOM drops the mark that some editors put at the start of a file.
func stripBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }
