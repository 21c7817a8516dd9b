package builtin

import "strings"

// IDs of the policies that are stored in every primary datacenter.
const (
	GlobalManagementID = idPrefix + "1"
	GlobalReadOnlyID   = idPrefix + "2"
)

// kinds are the resources with names, scalars those without.
var (
	kinds   = []string{"agent", "event", "key", "node", "query", "service", "session"}
	scalars = []string{"acl", "keyring", "operator", "mesh", "peering"}
)

// GlobalManagement grants everything.
func GlobalManagement() Policy {
	return Policy{
		ID: GlobalManagementID, Name: "global-management", Rules: everything("write"),
		Description: "A built-in policy that grants read and write access to all Consul features",
	}
}

// GlobalReadOnly shows everything, and changes nothing. Keys can be read, not
// listed where enable_key_list_policy is on.
func GlobalReadOnly() Policy {
	return Policy{
		ID: GlobalReadOnlyID, Name: "builtin/global-read-only", Rules: everything("read"),
		Description: "A built-in policy that grants read-only access to all Consul features",
	}
}

func everything(access string) string {
	var b strings.Builder
	for _, scalar := range scalars {
		b.WriteString(scalar + ` = "` + access + "\"\n")
	}
	for _, kind := range kinds {
		b.WriteString(kind + "_prefix \"\" {\n\tpolicy = \"" + access + "\"\n")
		if kind == "service" {
			b.WriteString("\tintentions = \"" + access + "\"\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}
