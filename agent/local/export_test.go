package local

// Names of the parts that tests look into.
const (
	JournalName = journalName
	HeadBytes   = headBytes
)

// Scale is the stretch of a cluster of n members.
func Scale(n int) int { return scale(n) }

// JournalSize is how long the journal is.
func (s *State) JournalSize() int64 { return s.journal.size }

// LiveBytes is how much of it counts.
func (s *State) LiveBytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// ReadJournal walks the records of a journal as a start does, without a file. It
// returns how many there are and where there are none.
func ReadJournal(data []byte) (records int, holes [][2]int64) {
	m := newImage()
	found := scan(data, func(k kind, body []byte, size int64) error {
		records++
		return m.apply(k, body, size)
	})
	for _, h := range found.holes {
		holes = append(holes, [2]int64{h.from, h.to})
	}
	return records, holes
}

// Recovered is what a start finds in a journal: the ports of the services, and whether it
// says that something acknowledged is lost.
func Recovered(data []byte) (ports map[string]int, holes int, lost bool) {
	m := newImage()
	found := scan(data, m.apply)
	for _, h := range found.holes {
		lost = lost || h.certain
	}
	ports = map[string]int{}
	for id, s := range m.services {
		ports[id] = s.rec.Service.Port
	}
	return ports, len(found.holes), lost
}

// ImportFile takes one file of a Consul agent.
func ImportFile(what string, data []byte) error {
	m := newImage()
	switch what {
	case "service":
		return importService(m, data)
	case "check":
		return importCheck(m, data)
	}
	return importStatus(m, data)
}

// SaveStatuses saves what TTL checks were told, now.
func (s *State) SaveStatuses() error { return s.saveOnce() }

// ReadRecord takes one record as if its checksum were right.
func ReadRecord(k uint8, body []byte) error {
	return newImage().apply(kind(k), body, int64(len(body)))
}

// CloseAsCrash lets go of the file without writing anything.
func (s *State) CloseAsCrash() error {
	s.closing.Do(func() { s.closeErr = s.journal.file.Close() })
	return s.closeErr
}
