package httpapi

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"github.com/hashicorp/hcl"
	"github.com/hashicorp/hcl/hcl/parser"
	"go.yaml.in/yaml/v3"

	"praetor/httpapi/wire"
	"praetor/internal/acl/rules"
	"praetor/internal/ops"
	"praetor/internal/shape"
)

// uiKeySearch finds keys by a part of their names, or of their values.
func uiKeySearch(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex, opts.MaxWait = 0, 0
	skip := 0
	if x.has("skip") {
		if skip, err = strconv.Atoi(x.query.Get("skip")); err != nil || skip < 0 {
			return invalid("Invalid skip: %q is no number of keys", x.query.Get("skip"))
		}
	}
	rep, err := askUI(x, ops.UIKeySearch, &ops.UIKeySearchRequest{
		ReadOptions: opts, Prefix: x.query.Get("prefix"), Text: x.query.Get("q"), Values: x.has("values"), Skip: skip,
	})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendList(append(b, `{"Keys":`...), rep.Keys, func(b []byte, k ops.UIFoundKey) []byte {
			return append(wire.AppendText(wire.AppendText(b, `{"Key":`, k.Key), `,"Line":`, k.Line), '}')
		})
		b = wire.AppendInt(b, `,"Searched":`, int64(rep.Searched))
		return append(wire.AppendBool(b, `,"More":`, rep.More), '}')
	})
}

// uiCheckText says whether a text is what its format asks for, and where it is not.
func uiCheckText(x *exchange) error {
	if _, err := x.access(); err != nil {
		return err
	}
	text, err := io.ReadAll(x.r.Body) // bounded as all bodies are
	if err != nil {
		return err
	}
	var fault textFault
	switch format := x.query.Get("format"); format {
	case "hcl":
		fault = checkHCL(string(text))
	case "yaml":
		fault = checkYAML(text)
	case "rules":
		fault = checkRules(string(text))
	default:
		return invalid("unknown format %q: it is hcl, yaml or rules", format)
	}
	return x.reflected(fault)
}

// textFault is what is wrong with a text; Text "" is nothing. Line and Column begin at
// 1, and are 0 where the parser names none.
type textFault struct {
	Text         string
	Line, Column int
}

// maxNesting is how deep brackets may stand for a text to be looked at.
const (
	maxNesting  = 200
	textNesting = "too many brackets in each other to be checked"
)

func checkHCL(text string) textFault {
	if shape.Nesting(text) > maxNesting {
		return textFault{Text: textNesting}
	}
	_, err := hcl.Parse(text)
	if err == nil {
		return textFault{}
	}
	var at *parser.PosError
	if errors.As(err, &at) {
		return textFault{at.Err.Error(), at.Pos.Line, at.Pos.Column}
	}
	return textFault{Text: err.Error()}
}

// checkRules is of access rules, which are HCL of a few words.
func checkRules(text string) textFault {
	fault := checkHCL(text) // it says where
	if fault.Text == "" {
		if err := rules.Validate(text); err != nil {
			fault.Text = err.Error()
		}
	}
	return fault
}

// yamlFault is how the library words an error: yaml: line 3: could not find … The line is
// where what is broken begins, or the one before.
var yamlFault = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))`)

// checkYAML reads documents as nodes: what they refer to is not copied.
func checkYAML(text []byte) textFault {
	if shape.Nesting(string(text)) > maxNesting {
		return textFault{Text: textNesting}
	}
	for all := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		err := all.Decode(&document)
		if errors.Is(err, io.EOF) {
			return textFault{}
		}
		if err != nil {
			parts := yamlFault.FindStringSubmatch(err.Error())
			if parts == nil {
				return textFault{Text: err.Error()}
			}
			line, _ := strconv.Atoi(parts[1]) // 0 if it names none
			return textFault{Text: parts[2], Line: line}
		}
	}
}
