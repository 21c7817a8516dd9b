package acls

import (
	"regexp"
	"strings"

	"praetor/catalog"
	"praetor/internal/acl/builtin"
	"praetor/internal/fault"
)

// Refusals that clients know (reference/http-operator-acl.md §3).
var (
	errNotFound = fault.New(fault.Denied, "ACL not found")
	// errNotBootstrapped is errNotFound of a token where there is none yet.
	errNotBootstrapped = fault.New(fault.Denied,
		"ACL system must be bootstrapped before making any requests that require authorization: ACL not found")
	errNoToken        = fault.New(fault.Denied, "token does not exist: ACL not found")
	errNoPolicy       = fault.New(fault.NotFound, "Requested policy does not exist: ACL not found")
	errNoRole         = fault.New(fault.NotFound, "Requested role does not exist: ACL not found")
	errNothingDeleted = fault.New(fault.NotFound, "Cannot find token to delete")
)

func rejected(format string, args ...any) error { return fault.New(fault.Rejected, format, args...) }

const (
	uuidLen        = 36
	reservedPrefix = "00000000-0000-0000-0000-0000000000"
)

var validUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

func isUUID(id string) bool { return validUUID.MatchString(id) }

// checkLookup refuses what cannot be an ID, in the words of a failed look-up.
func checkLookup(what, id string) error {
	if len(id) != uuidLen {
		return rejected("failed acl %s lookup: index error: UUID must be %d characters", what, uuidLen)
	}
	return nil
}

// checkNewID refuses an ID that a caller must not choose for a token.
func checkNewID(field, id string) error {
	switch {
	case !isUUID(id):
		return rejected("Invalid Token: %s - not a valid UUID", field)
	case strings.HasPrefix(id, reservedPrefix):
		return rejected("Invalid Token: %s - UUIDs with the prefix %q are reserved", field, reservedPrefix)
	}
	return nil
}

const (
	maxPolicyName = 128
	maxRoleName   = 256
)

var (
	validPolicyName = regexp.MustCompile(`^[A-Za-z0-9\-_]+(/[A-Za-z0-9\-_]*)?$`)
	validRoleName   = regexp.MustCompile(`^[A-Za-z0-9\-_]+$`)
)

func checkPolicyName(name string) error {
	switch {
	case name == "":
		return rejected("Invalid Policy: no Name is set")
	case len(name) > maxPolicyName:
		return rejected("Invalid Policy: invalid Name. Length must be greater than 0 and less than %d", maxPolicyName)
	case strings.HasPrefix(name, "/"), strings.HasPrefix(name, "builtin/"):
		return rejected("Invalid Policy: invalid Name. Names cannot be prefixed with '/' or 'builtin/'")
	case !validPolicyName.MatchString(name):
		return rejected("Invalid Policy: invalid Name. Only alphanumeric characters, a single '/', '-' and '_' are allowed")
	}
	return nil
}

func checkRoleName(name string) error {
	switch {
	case name == "":
		return rejected("Invalid Role: no Name is set")
	case len(name) > maxRoleName || !validRoleName.MatchString(name):
		return rejected("Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed")
	}
	return nil
}

// identities are what tokens and roles have beside links; on is "token" or "role".
type identities struct {
	on        string
	local     bool // it is a local token
	services  []catalog.ACLServiceIdentity
	nodes     []catalog.ACLNodeIdentity
	templates []catalog.ACLTemplatedPolicy
}

// check refuses identities that name nothing, and fills in the IDs of templates.
func (i *identities) check() error {
	for _, s := range i.services {
		switch {
		case s.ServiceName == "":
			return rejected("Service identity is missing the service name field on this %s", i.on)
		case i.local && len(s.Datacenters) > 0:
			return rejected("Service identity %q cannot specify a list of datacenters on a local token", s.ServiceName)
		case !builtin.ValidName(s.ServiceName) && i.on == "role":
			return rejected("Service identity has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed")
		case !builtin.ValidName(s.ServiceName):
			return rejected("Service identity %q has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed", s.ServiceName)
		}
	}
	for _, n := range i.nodes {
		switch {
		case n.NodeName == "":
			return rejected("Node identity is missing the node name field on this %s", i.on)
		case n.Datacenter == "":
			return rejected("Node identity is missing the datacenter field on this %s", i.on)
		case !builtin.ValidName(n.NodeName):
			return rejected("Node identity has an invalid name. Only lowercase alphanumeric characters, '-' and '_' are allowed")
		}
	}
	return i.checkTemplates()
}

func (i *identities) checkTemplates() error {
	for n := range i.templates {
		t := &i.templates[n]
		if t.TemplateName == "" && t.TemplateID == "" {
			return rejected("templated policy is missing the template name field on this %s", i.on)
		}
		template, found := builtin.TemplateNamed(t.TemplateName)
		if t.TemplateName == "" {
			template, found = builtin.TemplateWithID(t.TemplateID)
		}
		switch {
		case !found && i.on == "role":
			return rejected("templated policy with an invalid templated name: %s for this role", t.TemplateName)
		case !found && t.TemplateName != "":
			return rejected("no such ACL templated policy with Name %q", t.TemplateName)
		case !found:
			return rejected("no such ACL templated policy with ID %q", t.TemplateID)
		case t.TemplateID != "" && t.TemplateID != template.ID:
			return rejected("templated policy %q has another ID than %q", template.Name, t.TemplateID)
		}
		if t.Name == "" && template.HasVariable() { // as Consul's schema has it of none at all
			return rejected("validation error for templated policy %q: 1 error occurred:\n\t* Invalid type. Expected: object, given: null\n\n", template.Name)
		}
		if err := template.Check(t.Name); err != nil {
			return rejected("validation error for templated policy %q: %w", template.Name, err)
		}
		t.TemplateID, t.TemplateName = template.ID, template.Name
	}
	return nil
}
