package httpapi

import "praetor/internal/ops"

// explanationJSON is why a token may do something, or may not.
type explanationJSON struct {
	AccessorID    string
	Description   string
	Resource      string
	Access        string
	Segment       string
	Recurse       bool
	Allow         bool
	Refusal       string      `json:",omitempty"`
	Decided       *statedJSON // null if no rule is about it: the default policy decides
	Overridden    []statedJSON
	More          int `json:",omitempty"`
	DefaultPolicy string
}

type statedJSON struct {
	Rule string
	Why  string
	By   []grantJSON
}

type grantJSON struct {
	Kind string
	ID   string `json:",omitempty"`
	Name string
	Role string `json:",omitempty"`
}

// aclExplain is ours: Consul has nothing like it.
func aclExplain(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex = 0 // nobody waits for it
	question := ops.ACLQuestion{Resource: x.query.Get("resource"), Access: x.query.Get("access"), Segment: x.query.Get("segment")}
	rep, err := ask(x, ops.ACLExplain, &ops.ACLExplainRequest{
		ReadOptions: opts, AccessorID: x.query.Get("accessor"), Question: question, Below: x.has("recurse"),
	})
	if err != nil {
		return err
	}
	shown := explanationJSON{
		AccessorID: rep.AccessorID, Description: rep.Description, Resource: question.Resource, Access: question.Access, Segment: question.Segment, Recurse: x.has("recurse"),
		Allow: rep.Allow, Refusal: rep.Refusal, Overridden: []statedJSON{}, More: rep.More, DefaultPolicy: "deny",
	}
	if rep.AllowByDefault {
		shown.DefaultPolicy = "allow"
	}
	if rep.Decided != nil {
		decided := showStated(rep.Decided)
		shown.Decided = &decided
	}
	for i := range rep.Overridden {
		shown.Overridden = append(shown.Overridden, showStated(&rep.Overridden[i]))
	}
	return x.reflected(shown)
}

func showStated(s *ops.ACLStated) statedJSON {
	shown := statedJSON{Rule: s.Rule, Why: s.Why, By: []grantJSON{}}
	for _, g := range s.By {
		shown.By = append(shown.By, grantJSON(g))
	}
	return shown
}
