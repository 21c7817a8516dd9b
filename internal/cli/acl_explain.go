package cli

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

type aclExplainOptions struct {
	client  client
	output  outputFormat
	token   string // accessor
	recurse bool
}

func newACLExplainCommand() *cobra.Command {
	var opts aclExplainOptions
	cmd := &cobra.Command{
		Use:   "explain [options] RESOURCE:ACCESS [NAME]",
		Short: "Say why a token may do something, or may not",
		Long: `Says whether a token may do something, which rule decides, which policy has that
rule, and how the token came by the policy; then the rules that do not count. Without
-accessor-id it is about the token that the request brings, for which no right is
needed; about others it takes acl:read. Instead of RESOURCE:ACCESS and NAME the
refusal that a request got may be given, in quotes, as it is.

RESOURCE is acl, agent, event, intention, key, keyring, mesh, node, operator,
peering, query, service or session; ACCESS is read, write, or list for keys.`,
		Example: `praetor acl explain -accessor-id=986193b5 key:write app/config
praetor acl explain -recurse key:write app/
praetor acl explain "Permission denied: token with AccessorID '986193b5-...' lacks permission 'node:write' on \"n1\""`,
		RunE: func(cmd *cobra.Command, args []string) error { return runACLExplain(cmd, args, opts) },
	}
	registerACL(cmd, &opts.client)
	fs := cmd.Flags()
	opts.output.register(cmd)
	fs.StringVar(&opts.token, "accessor-id", "", "Accessor ID of the token, or its beginning if no other one begins so; \"anonymous\" is the token of those who bring none.")
	fs.BoolVar(&opts.recurse, "recurse", false, "Ask about every key that begins with NAME.")
	return cmd
}

// explanation is what an agent answers.
type explanation struct {
	AccessorID    string
	Description   string
	Resource      string
	Access        string
	Segment       string
	Recurse       bool
	Allow         bool
	Refusal       string `json:",omitempty"`
	Decided       *statedRule
	Overridden    []statedRule
	More          int `json:",omitempty"`
	DefaultPolicy string
}

type statedRule struct {
	Rule string
	Why  string
	By   []ruleGrant
}

type ruleGrant struct {
	Kind string
	ID   string `json:",omitempty"`
	Name string
	Role string `json:",omitempty"`
}

// question is what somebody wants to do.
type question struct{ accessor, resource, access, name string }

var permission = regexp.MustCompile(`^([a-z]+):([A-Za-z]+)$`)

// refusal is how servers refuse (reference/security.md §2): an accessor, a permission,
// and what it is missing on.
var refusal = regexp.MustCompile(`(?:token with AccessorID '([^']*)'|anonymous token) lacks permission '([a-z]+):([a-z]+)'(?: on ("(?:[^"\\]|\\.)*"))?`)

// parseQuestion reads RESOURCE:ACCESS and NAME, or a refusal.
func parseQuestion(args []string) (question, error) {
	switch len(args) {
	case 0:
		return question{}, misused("Missing RESOURCE:ACCESS, such as key:read")
	case 1, 2:
	default:
		return question{}, misused("Too many arguments (expected 2, got %d)", len(args))
	}
	if m := refusal.FindStringSubmatch(args[0]); m != nil {
		q := question{m[1], m[2], m[3], ""}
		if q.accessor == "" {
			q.accessor = "anonymous"
		}
		if m[4] == "" {
			return q, nil
		}
		var err error
		if q.name, err = strconv.Unquote(m[4]); err != nil {
			return q, fail("The refusal names something that cannot be read: %s", m[4])
		}
		if q.name == "all "+q.resource+"s" {
			return q, fail("The refusal is about %s: ask about one of them, with %s:%s NAME", q.name, q.resource, q.access)
		}
		return q, nil
	}
	m := permission.FindStringSubmatch(args[0])
	if m == nil {
		return question{}, fail("%q is neither of the form RESOURCE:ACCESS, such as key:read, nor a refusal that names a permission", args[0])
	}
	q := question{resource: m[1], access: m[2]}
	if len(args) == 2 {
		q.name = args[1]
	}
	return q, nil
}

func runACLExplain(cmd *cobra.Command, args []string, opts aclExplainOptions) error {
	q, err := parseQuestion(args)
	if err != nil {
		return err
	}
	override(&q.accessor, opts.token)
	if q.accessor != "" {
		cl, err := opts.client.open()
		if err != nil {
			return err
		}
		if q.accessor, err = wholeAccessor(cl, &opts.client, q.accessor); err != nil {
			return err
		}
	}
	cl, err := opts.client.openWith(opts.parameters(q))
	if err != nil {
		return err
	}
	var e explanation
	if _, err := cl.Raw().Query("/v1/acl/explain", &e, opts.client.query()); err != nil {
		return fail("Error explaining: %s", err)
	}
	return opts.output.print(cmd, &e, func() { fmt.Fprintln(cmd.OutOrStdout(), e.String()) })
}

func (o *aclExplainOptions) parameters(q question) url.Values {
	all := url.Values{"resource": {q.resource}, "access": {q.access}}
	if q.name != "" {
		all.Set("segment", q.name)
	}
	if q.accessor != "" {
		all.Set("accessor", q.accessor)
	}
	if o.recurse {
		all.Set("recurse", "")
	}
	return all
}

// String is an explanation for people.
func (e *explanation) String() string {
	var b strings.Builder
	verdict, has := "Allowed", "has"
	if !e.Allow {
		verdict, has = "Denied", "lacks"
	}
	fmt.Fprintf(&b, "%s: token %s", verdict, e.AccessorID)
	if e.Description != "" {
		fmt.Fprintf(&b, " (%s)", e.Description)
	}
	fmt.Fprintf(&b, " %s %s\n\n", has, e.what())
	if e.Decided != nil {
		fmt.Fprintf(&b, "Decided by:\n%s", e.Decided)
	} else {
		fmt.Fprintf(&b, "Decided by the default policy, %q: %s\n", e.DefaultPolicy, e.whyDefault())
	}
	if len(e.Overridden) > 0 {
		b.WriteString("\nDoes not count:\n")
	}
	for i := range e.Overridden {
		b.WriteString(e.Overridden[i].String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "   and %d rules more\n", e.More)
	}
	if e.Refusal != "" {
		fmt.Fprintf(&b, "\nRequests are told:\n   %s\n", e.Refusal)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// what is what was asked about.
func (e *explanation) what() string {
	need := e.Resource + ":" + e.Access
	switch {
	case e.Recurse:
		return fmt.Sprintf("%s on all that begins with %q", need, e.Segment)
	case e.Segment != "":
		return fmt.Sprintf("%s on %q", need, e.Segment)
	}
	return need
}

func (e *explanation) whyDefault() string {
	if e.Resource == "acl" && e.DefaultPolicy == "allow" {
		return "no rule is about it, and the default policy never grants acl"
	}
	return "no rule that the token has decides"
}

func (s *statedRule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "   %s\n      %s\n", s.Rule, s.Why)
	for _, by := range s.By {
		fmt.Fprintf(&b, "      in %s %q", by.Kind, by.Name)
		if by.Role != "" {
			fmt.Fprintf(&b, ", through role %q", by.Role)
		}
		b.WriteString("\n")
	}
	return b.String()
}
