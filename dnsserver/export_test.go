package dnsserver

// Cached returns how many record sets s has cached, and the bytes of those, of its
// cached answers, and of the replies of the catalog those were made of.
func (s *Server) Cached() (sets, setBytes, answerBytes, sourceBytes int) {
	s.sets.mu.Lock()
	defer s.sets.mu.Unlock()
	s.answers.mu.Lock()
	defer s.answers.mu.Unlock()
	return s.sets.byKey.Len(), s.sets.byKey.Bytes(), s.answers.answers.Bytes(), s.answers.bytes
}

// The bounds.
const (
	SetsBytes   = setsBytes
	AnswerBytes = answerBytes
	SourceBytes = sourceBytes
)

// Bounds of what clients may hold.
const (
	MaxQuestion        = maxQuestion
	MostConnsPerClient = mostConnsPerClient
	MostPending        = mostPending
)
