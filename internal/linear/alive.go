package linear

import "fmt"

// NodeChecks is what /v1/health/node answers, of each check what tells whether the node lives.
type NodeChecks []struct {
	CheckID, Status string
	ModifyIndex     uint64
}

// Alive is the index at which gossip last took the node for alive, an error while it does not.
func (checks NodeChecks) Alive() (since uint64, err error) {
	for _, check := range checks {
		if check.CheckID == "serfHealth" && check.Status == "passing" {
			return check.ModifyIndex, nil
		}
	}
	return 0, fmt.Errorf("gossip does not take it for alive: %+v", checks)
}
