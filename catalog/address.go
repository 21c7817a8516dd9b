package catalog

import "net/netip"

// addressKey is an IP address as look-ups find it, nil for names.
func addressKey(address string) []byte {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	key := ip.As16()
	return key[:]
}

func nodeByAddress(n *Node) []byte { return addressKey(n.Address) }

func serviceByAddress(s *Service) []byte { return addressKey(s.Address) }

// AtAddress lists the nodes with an IP address, and the instances with it as
// their own, by their IDs.
func (tx *Tx) AtAddress(ws WatchSet, address string) (index uint64, nodes []*Node, services []*Service) {
	key := addressKey(address)
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
