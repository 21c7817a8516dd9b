package httpapi

import "praetor/catalog"

// appendNode appends a Node (reference/http-catalog-health.md §1).
func appendNode(b []byte, n *catalog.Node) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	b = appendText(b, `{"ID":`, n.ID)
	b = appendText(b, `,"Node":`, n.Node)
	b = appendText(b, `,"Address":`, n.Address)
	b = appendText(b, `,"Datacenter":`, n.Datacenter)
	b = appendStringMap(append(b, `,"TaggedAddresses":`...), n.TaggedAddresses, "null")
	b = appendStringMap(append(b, `,"Meta":`...), n.Meta, "null")
	if n.Locality != nil {
		b = appendLocality(append(b, `,"Locality":`...), n.Locality)
	}
	b = appendUint(b, `,"CreateIndex":`, n.CreateIndex)
	b = appendUint(b, `,"ModifyIndex":`, n.ModifyIndex)
	return append(b, '}')
}

// appendLocality appends the catalog's form, which leaves out what is empty.
func appendLocality(b []byte, l *catalog.Locality) []byte {
	if l == nil {
		return append(b, "null"...)
	}
	start := len(b)
	b = appendGivenText(b, `,"Region":`, l.Region)
	b = appendGivenText(b, `,"Zone":`, l.Zone)
	return closeObject(b, start)
}
