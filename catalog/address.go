package catalog

import "net/netip"

// addressKey finds what has an IP address; nil for names.
func (in *keyspace) addressKey(address string) []byte {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	bytes := ip.As16()
	return append([]byte(in.begin()), bytes[:]...)
}

func nodeByAddress(n *Node) []byte { return home.addressKey(n.Address) }

func serviceByAddress(s *Service) []byte { return home.addressKey(s.Address) }

// AtAddress lists the nodes with an IP address, and the instances with it as
// their own, by their IDs.
func (tx *Tx) AtAddress(ws WatchSet, address string) (index uint64, nodes []*Node, services []*Service) {
	key := tx.in.addressKey(address)
	if key == nil {
		return tx.index(indexNodes), nil, nil
	}
	for n := range rows[*Node](tx.txn, ws, tableNode, byAddress, key) {
		nodes = append(nodes, n)
	}
	for s := range rows[*Service](tx.txn, ws, tableService, byAddress, key) {
		services = append(services, s)
	}
	return max(tx.index(indexNodes), tx.index(indexServices)), nodes, services
}
