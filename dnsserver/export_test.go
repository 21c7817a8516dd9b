package dnsserver

// Kept returns how many record sets s keeps, and the bytes of those and of its kept
// answers, with the replies of the catalog they were made of.
func (s *Server) Kept() (sets, setBytes, answerBytes int) {
	s.sets.mu.Lock()
	defer s.sets.mu.Unlock()
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	for _, generation := range []map[setKey]*recordSet{s.sets.young, s.sets.old} {
		for _, set := range generation {
			sets, setBytes = sets+1, setBytes+set.bytes
		}
	}
	return sets, setBytes, s.kept.bytes + s.kept.basesBytes
}

// The bounds of one generation.
const (
	SetsBytes = setsBytes
	KeptBytes = keptBytes + basisBytes
)
