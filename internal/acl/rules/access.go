package rules

import (
	"strings"

	"praetor/internal/acl"
)

// Access is how much of a resource a rule grants. The order is that of merging:
// of two rules for one name the higher one holds.
type Access uint8

const (
	Unset Access = 0 // no rule: the default policy decides
	Read         = Access(acl.Read)
	List         = Access(acl.List) // of keys only; includes Read
	Write        = Access(acl.Write)
	Deny         = Write + 1
)

var accessNames = [...]string{Unset: "", Read: "read", List: "list", Write: "write", Deny: "deny"}

func (a Access) String() string { return accessNames[a] }

// Allows reports whether a rule of this access grants want.
func (a Access) Allows(want acl.Access) bool { return a != Deny && a >= Access(want) }

// ParseAccess reads a value in any case; Unset stands for an unknown one.
func ParseAccess(text string) Access {
	for a := Read; a <= Deny; a++ {
		if strings.EqualFold(text, accessNames[a]) {
			return a
		}
	}
	return Unset
}
