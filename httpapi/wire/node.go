package wire

import "praetor/catalog"

// AppendNode appends a Node (reference/http-catalog-health.md §1).
func AppendNode(b []byte, n *catalog.Node) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	b = AppendText(b, `{"ID":`, n.ID)
	b = AppendText(b, `,"Node":`, n.Node)
	b = AppendText(b, `,"Address":`, n.Address)
	b = AppendText(b, `,"Datacenter":`, n.Datacenter)
	b = AppendStringMap(append(b, `,"TaggedAddresses":`...), n.TaggedAddresses, "null")
	b = AppendStringMap(append(b, `,"Meta":`...), n.Meta, "null")
	if n.Locality != nil {
		b = appendLocality(append(b, `,"Locality":`...), n.Locality)
	}
	b = AppendUint(b, `,"CreateIndex":`, n.CreateIndex)
	b = AppendUint(b, `,"ModifyIndex":`, n.ModifyIndex)
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
