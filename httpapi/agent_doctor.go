package httpapi

import "praetor/internal/acl"

// agentDoctor shows what `praetor doctor` finds on the agent's own machine.
func agentDoctor(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	if err := az.Check(acl.Operator.Read()); err != nil {
		return err
	}
	findings, err := x.api.opts.Agent.Examine(x.r.Context(), x.token)
	if err != nil {
		return err
	}
	return x.reflected(findings)
}
