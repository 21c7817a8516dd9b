package query

import "praetor/catalog"

// Render renders a query for a name.
func Render(q *catalog.Query, name string) (*catalog.Query, error) { return renderQuery(q, name) }

// LeadWith puts a node first.
var LeadWith = leadWith
