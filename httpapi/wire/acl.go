package wire

// TemplateVariables are what a templated policy is made of.
type TemplateVariables struct {
	Name string `json:"name"`
}

// ACLQuestion is a right that may be granted.
type ACLQuestion struct {
	Resource string
	Access   string
	Segment  string // the name, "" for resources without
}
