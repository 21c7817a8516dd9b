// Package rules reads the text of access rules and answers what they grant
// (reference/security.md §2, §3).
//
// # Use
//
//	policy, err := rules.Parse(`key_prefix "app/" { policy = "write" }`)
//	set := rules.Merge(policy, another)
//	if set.Allows(acl.Key.Write("app/x"), false) { … }
//	why := rules.Explain([]*rules.Policy{policy, another}, need, false)
//
// # Concurrency
//
// A Policy and a Set never change after they were made; any goroutine may ask.
//
// # Invariants
//
// Merge does not change what it merges: one Policy is part of many tokens.
// A Set knows nothing of default policies: who asks says what holds where no rule is.
//
// Allows and Explain go by the same rule: Set.decide finds it for both.
//
// # Decisions
//
// HCL's AST is decoded into one struct, because the library's texts for wrong
// shapes are what Consul's users see. A prefix is found by one map look-up per
// distinct length of prefix, longest first: policies have few lengths, and there
// is no tree to keep.
package rules
