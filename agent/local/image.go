package local

import (
	"fmt"

	"praetor/internal/definition"

	"github.com/tinylib/msgp/msgp"
)

// image is what a journal says is registered, while it is being read.
type image struct {
	services map[string]*kept[serviceRecord]
	checks   map[string]*kept[checkRecord]
	statuses map[string]*kept[statusRecord] // also of checks that files define
	of       map[string]map[string]struct{} // check IDs by service ID
}

// kept is a record in force and how many bytes of the file it takes.
type kept[T any] struct {
	rec  T
	size int64
}

func newImage() *image {
	return &image{
		services: map[string]*kept[serviceRecord]{},
		checks:   map[string]*kept[checkRecord]{},
		statuses: map[string]*kept[statusRecord]{},
		of:       map[string]map[string]struct{}{},
	}
}

// apply takes the next record of a journal.
func (m *image) apply(k kind, body []byte, size int64) error {
	switch k {
	case kindService:
		return read(body, new(serviceRecord), func(r *serviceRecord) error { return m.putService(r, size) })
	case kindCheck:
		return read(body, new(checkRecord), func(r *checkRecord) error { return m.putCheck(r, size) })
	case kindRemoveService:
		return read(body, new(removal), func(r *removal) error { m.removeService(r.ID); return nil })
	case kindRemoveCheck:
		return read(body, new(removal), func(r *removal) error { m.removeCheck(r.ID); return nil })
	case kindClosed:
		return nil
	case kindForgetService:
		return read(body, new(removal), func(r *removal) error { delete(m.services, r.ID); return nil })
	case kindForgetCheck:
		return read(body, new(removal), func(r *removal) error { m.forgetCheck(r.ID); return nil })
	case kindStatus:
		return read(body, new(statusRecord), func(r *statusRecord) error {
			m.statuses[r.CheckID] = &kept[statusRecord]{*r, size}
			return nil
		})
	}
	return fmt.Errorf("a record of unknown kind %d, written by a newer version", k)
}

func read[T msgp.Unmarshaler](body []byte, into T, use func(T) error) error {
	rest, err := into.UnmarshalMsg(body)
	if err != nil {
		return fmt.Errorf("a record that cannot be decoded: %w", err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("a record with %d bytes too many", len(rest))
	}
	return use(into)
}

func (m *image) putService(r *serviceRecord, size int64) error {
	if r.Service == nil || r.Service.ID == "" {
		return fmt.Errorf("a service without ID")
	}
	id := r.Service.ID
	given := make(map[string]bool, len(r.Checks))
	for _, c := range r.Checks {
		if c == nil || c.CheckID == "" {
			return fmt.Errorf("a check without ID")
		}
		given[c.CheckID] = true
	}
	m.services[id] = &kept[serviceRecord]{serviceRecord{Service: r.Service, Token: r.Token, Parent: r.Parent}, size}
	if r.Replace {
		for old := range m.of[id] {
			if !given[old] {
				m.removeCheck(old)
			}
		}
	}
	for _, c := range r.Checks {
		// Its bytes are those of the service's record.
		if err := m.putCheck(&checkRecord{Check: c, Token: r.Token}, 0); err != nil {
			return err
		}
	}
	return nil
}

func (m *image) putCheck(r *checkRecord, size int64) error {
	if r.Check == nil || r.Check.CheckID == "" {
		return fmt.Errorf("a check without ID")
	}
	id := r.Check.CheckID
	m.forgetCheck(id)
	m.checks[id] = &kept[checkRecord]{*r, size}
	if of := m.of[r.Check.ServiceID]; of != nil {
		of[id] = struct{}{}
	} else {
		m.of[r.Check.ServiceID] = map[string]struct{}{id: {}}
	}
	return nil
}

func (m *image) removeService(id string) {
	if id == "" {
		return // the node's own checks are of no service
	}
	delete(m.services, id)
	for check := range m.of[id] {
		m.removeCheck(check)
	}
	if sidecar := definition.SidecarID(id); m.services[sidecar] != nil && m.services[sidecar].rec.Parent == id {
		m.removeService(sidecar)
	}
}

func (m *image) removeCheck(id string) {
	m.forgetCheck(id)
	delete(m.statuses, id)
}

// forgetCheck removes a check but not what it was last told.
func (m *image) forgetCheck(id string) {
	c := m.checks[id]
	if c == nil {
		return
	}
	delete(m.checks, id)
	service := c.rec.Check.ServiceID
	delete(m.of[service], id)
	if len(m.of[service]) == 0 {
		delete(m.of, service)
	}
}
