package httpapi

import "net/http"

// textACLDisabled is reference/http-operator-acl.md §3.
const textACLDisabled = "ACL support disabled"

// aclDisabled answers every endpoint of ACLs: none are in force in this version.
// Programs that could use ACLs (Vault, Terraform) tell by it that there are none.
func aclDisabled(x *exchange) error {
	x.refuse(http.StatusUnauthorized, textACLDisabled)
	return nil
}
