package builtin

import "strings"

// IDs of the policies that are stored in every primary datacenter.
const (
	GlobalManagementID = idPrefix + "1"
	GlobalReadOnlyID   = idPrefix + "2"
)

// allRules are the rules of the built-in policies, in Consul's order: what ends
// in _prefix has names.
var allRules = []string{
	"acl", "agent_prefix", "event_prefix", "key_prefix", "keyring", "node_prefix", "operator", "mesh", "peering",
	"query_prefix", "service_prefix", "session_prefix",
}

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
	for _, rule := range allRules {
		if !strings.HasSuffix(rule, "_prefix") {
			b.WriteString("\n" + rule + ` = "` + access + `"`)
			continue
		}
		b.WriteString("\n" + rule + " \"\" {\n\tpolicy = \"" + access + "\"\n")
		if rule == "service_prefix" {
			b.WriteString("\tintentions = \"" + access + "\"\n")
		}
		b.WriteString("}")
	}
	return b.String()
}
