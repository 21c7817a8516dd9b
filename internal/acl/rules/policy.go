package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl"
	"github.com/hashicorp/hcl/hcl/ast"

	"praetor/internal/acl"
	"praetor/internal/shape"
)

// Resources that rules treat in a way of their own.
const (
	intention = acl.Resource(acl.Intention)
	key       = acl.Resource(acl.Key)
	mesh      = acl.Resource(acl.Mesh)
	operator  = acl.Resource(acl.Operator)
	peering   = acl.Resource(acl.Peering)
	service   = acl.Resource(acl.Service)
)

const (
	// maxBytes and maxNesting bound what the parser is given: it recurses once per
	// bracket.
	maxBytes   = 1 << 20
	maxNesting = 100
)

// Policy is the parsed text of one policy.
type Policy struct {
	scalars [acl.Resources]Access
	exact   byName
	prefix  byName
}

// byName has the rules of each resource with names.
type byName [acl.Resources]map[string]Access

// text is the shape of rules in HCL and JSON. Other keys are ignored, as Consul
// does: policies that were stored may hold them.
type text struct {
	ACL      string `hcl:"acl"`
	Keyring  string `hcl:"keyring"`
	Mesh     string `hcl:"mesh"`
	Operator string `hcl:"operator"`
	Peering  string `hcl:"peering"`

	Agent         []rule `hcl:"agent,expand"`
	AgentPrefix   []rule `hcl:"agent_prefix,expand"`
	Event         []rule `hcl:"event,expand"`
	EventPrefix   []rule `hcl:"event_prefix,expand"`
	Key           []rule `hcl:"key,expand"`
	KeyPrefix     []rule `hcl:"key_prefix,expand"`
	Node          []rule `hcl:"node,expand"`
	NodePrefix    []rule `hcl:"node_prefix,expand"`
	Query         []rule `hcl:"query,expand"`
	QueryPrefix   []rule `hcl:"query_prefix,expand"`
	Service       []rule `hcl:"service,expand"`
	ServicePrefix []rule `hcl:"service_prefix,expand"`
	Session       []rule `hcl:"session,expand"`
	SessionPrefix []rule `hcl:"session_prefix,expand"`
}

type rule struct {
	Name       string `hcl:",key"`
	Policy     string
	Intentions string
}

// Parse reads rules in HCL 1 or JSON. Empty text grants nothing. Errors have
// Consul's texts (reference/security.md §3).
func Parse(source string) (*Policy, error) {
	var t text
	if err := decode(source, &t); err != nil {
		return nil, fmt.Errorf("Failed to parse ACL rules: %w", err)
	}
	p := new(Policy)
	if err := p.addScalars(&t); err != nil {
		return nil, err
	}
	if err := p.addNamed(&t); err != nil {
		return nil, err
	}
	return p, nil
}

// Validate reports what is wrong with rules that are about to be stored: what Parse
// refuses, JSON that is cut off at its end, which HCL's parser lets pass
// (reference/security.md §12, U14), and Sentinel code, without which a rule would
// grant more than whoever wrote it meant.
func Validate(source string) error {
	if _, err := Parse(source); err != nil {
		return err
	}
	if at := sentinel(source); at != "" {
		return fmt.Errorf("Failed to parse ACL rules: sentinel at %s: Sentinel code is not enforced, and without it the rule grants more than it says; remove the block, or narrow the rule", at)
	}
	text := strings.TrimSpace(source)
	if strings.HasPrefix(text, "{") && !json.Valid([]byte(text)) {
		return errors.New("Failed to parse ACL rules: unexpected end of JSON input, or something that is no JSON")
	}
	return nil
}

// sentinel returns where rules that can be parsed hold a block of Sentinel code, "" if
// they hold none. A rule may be for something of that name: it has no code.
func sentinel(source string) string {
	file, err := hcl.Parse(source)
	if err != nil {
		return ""
	}
	block := findKey(file, "sentinel", func(item *ast.ObjectItem) bool { return findKey(item.Val, "code", anyItem) != nil })
	if block == nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", block.Pos().Line, block.Pos().Column)
}

func anyItem(*ast.ObjectItem) bool { return true }

// findKey returns the first argument or block below n that is called so and fits.
func findKey(n ast.Node, name string, fits func(*ast.ObjectItem) bool) (found *ast.ObjectItem) {
	ast.Walk(n, func(n ast.Node) (ast.Node, bool) {
		if item, is := n.(*ast.ObjectItem); is && found == nil && len(item.Keys) > 0 {
			if key, _ := item.Keys[0].Token.Value().(string); strings.EqualFold(key, name) && fits(item) {
				found = item
			}
		}
		return n, found == nil
	})
	return found
}

// decode turns a panic of the parser into an error: the text is a stranger's.
func decode(source string, t *text) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be parsed: %v", p)
		}
	}()
	if len(source) > maxBytes {
		return fmt.Errorf("larger than %d bytes", maxBytes)
	}
	if shape.Nesting(source) > maxNesting {
		return fmt.Errorf("nested deeper than %d levels", maxNesting)
	}
	file, err := hcl.Parse(source)
	if err != nil {
		return err
	}
	if err := refuseDoubled(file); err != nil {
		return err
	}
	return hcl.DecodeObject(t, file)
}

// refuseDoubled finds an argument that is set twice in one block: the last would
// silently win.
func refuseDoubled(file *ast.File) (err error) {
	ast.Walk(file, func(n ast.Node) (ast.Node, bool) {
		list, is := n.(*ast.ObjectList)
		if !is || err != nil {
			return n, err == nil
		}
		seen := make(map[string]bool, len(list.Items))
		for _, item := range list.Items {
			if !item.Assign.IsValid() || len(item.Keys) != 1 {
				continue
			}
			key := item.Keys[0].Token
			name, _ := key.Value().(string)
			if seen[name] {
				err = fmt.Errorf("The argument %q at %s was already set. Each argument can only be defined once", name, key.Pos)
				return n, false
			}
			seen[name] = true
		}
		return n, true
	})
	return err
}

func (p *Policy) addScalars(t *text) error {
	for _, s := range []struct {
		resource acl.Resource
		value    string
	}{
		{acl.Resource(acl.ACL), t.ACL}, {acl.Resource(acl.Keyring), t.Keyring}, {acl.Resource(acl.Mesh), t.Mesh},
		{acl.Resource(acl.Operator), t.Operator}, {acl.Resource(acl.Peering), t.Peering},
	} {
		if s.value == "" {
			continue
		}
		access := ParseAccess(s.value)
		if access == Unset || access == List {
			return fmt.Errorf("Invalid %s policy: %q", s.resource, s.value)
		}
		p.scalars[s.resource] = access
	}
	return nil
}

func (p *Policy) addNamed(t *text) error {
	for _, list := range []struct {
		resource      acl.Resource
		exact, prefix []rule
	}{
		{acl.Resource(acl.Agent), t.Agent, t.AgentPrefix},
		{acl.Resource(acl.Key), t.Key, t.KeyPrefix},
		{acl.Resource(acl.Node), t.Node, t.NodePrefix},
		{service, t.Service, t.ServicePrefix},
		{acl.Resource(acl.Session), t.Session, t.SessionPrefix},
		{acl.Resource(acl.Event), t.Event, t.EventPrefix},
		{acl.Resource(acl.Query), t.Query, t.QueryPrefix},
	} {
		if err := p.addRules(&p.exact, list.resource, "", list.exact); err != nil {
			return err
		}
		if err := p.addRules(&p.prefix, list.resource, "_prefix", list.prefix); err != nil {
			return err
		}
	}
	return nil
}

func (p *Policy) addRules(into *byName, r acl.Resource, suffix string, list []rule) error {
	for _, rule := range list {
		access := ParseAccess(rule.Policy)
		if access == Unset || access == List && r != key {
			return invalidRule(r.String()+suffix, rule.Name, rule.Policy)
		}
		add(into, r, rule.Name, access)
		if r != service || rule.Intentions == "" {
			continue
		}
		intentions := ParseAccess(rule.Intentions)
		if intentions == Unset || intentions == List {
			return invalidRule(r.String()+suffix+" intentions", rule.Name, rule.Intentions)
		}
		add(into, intention, rule.Name, intentions)
	}
	return nil
}

// invalidRule keeps Consul's beginning, which clients parse, and says what would
// be right.
func invalidRule(kind, name, value string) error {
	return fmt.Errorf("Invalid %s policy: &acl.Rule{Name:%[3]q, Policy:%[2]q}: use \"read\", \"write\" or \"deny\"; for keys also \"list\"", kind, value, name)
}

// add keeps the higher of two values for one name.
func add(into *byName, r acl.Resource, name string, access Access) {
	if into[r] == nil {
		into[r] = make(map[string]Access)
	}
	into[r][name] = max(into[r][name], access)
}
