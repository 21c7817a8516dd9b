package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/regular"
)

// maxHoles bounds how many places of a damaged journal are told one by one.
const maxHoles = 16

// about tells what a record is about whose checksum is wrong, "" if that cannot be
// read. Secrets are not told.
func about(k kind, body []byte) string {
	var (
		id string
		r  msgp.Unmarshaler
	)
	service, check, gone, status := new(serviceRecord), new(checkRecord), new(removal), new(statusRecord)
	switch k {
	case kindService:
		r = service
	case kindCheck:
		r = check
	case kindRemoveService, kindRemoveCheck, kindForgetService, kindForgetCheck:
		r = gone
	case kindStatus:
		r = status
	default:
		return ""
	}
	_, _ = r.UnmarshalMsg(body) // it goes as far as the bytes make sense
	id = gone.ID + status.CheckID
	if service.Service != nil {
		id += service.Service.ID
	}
	if check.Check != nil {
		id += check.Check.CheckID
	}
	if id == "" || len(id) > 256 || !utf8.ValidString(id) {
		return ""
	}
	return fmt.Sprintf("%s %q", k, id)
}

func (k kind) String() string {
	switch k {
	case kindService:
		return "service"
	case kindCheck:
		return "check"
	case kindRemoveService:
		return "removal of service"
	case kindRemoveCheck:
		return "removal of check"
	case kindStatus:
		return "status of check"
	case kindForgetService:
		return "move to a file of service"
	case kindForgetCheck:
		return "move to a file of check"
	case kindClosed:
		return "end"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// tellHoles logs what of the journal could not be read, each stretch by itself.
func (s *State) tellHoles(holes []hole) {
	for i, h := range holes {
		if i == maxHoles {
			s.logger.Error("Local journal is damaged in more places", "path", s.journal.path, "places", len(holes)-i)
			return
		}
		loss := "changes that had been acknowledged are lost"
		if !h.certain {
			loss = "its last change is lost, unless power was cut before it was acknowledged"
		}
		s.logger.Error("Local journal is damaged: "+loss+"; compare the agent's services with those that run here, and register again what is missing",
			"path", s.journal.path, "offset", h.from, "bytes", h.to-h.from, "why", h.why, "dropped", dropped(h.lost))
	}
}

func dropped(names []string) string {
	if len(names) == 0 {
		return "nothing that could be recognised"
	}
	return strings.Join(names, ", ")
}

// keepSuspect keeps a damaged file beside the journal, whose place is about to be
// taken by a new one.
func (j *journal) keepSuspect() error {
	if !j.suspect {
		return nil
	}
	kept := regular.Aside(j.path)
	if err := j.disk.keep(j.path, kept); err != nil {
		return fmt.Errorf("keep damaged %s: %w", j.path, err)
	}
	j.suspect, j.kept = false, kept
	regular.Prune(j.path)
	return nil
}

// keep gives a damaged file a second name, which takes no space and leaves the first
// in place should the new journal not come about. Where links are not known it is
// copied; what cannot be read, such as a folder, is renamed: nothing is lost with it.
func (d *disk) keep(path, kept string) error {
	if err := d.Step("damaged:keep"); err != nil {
		return err
	}
	linked := os.Link(path, kept)
	if linked == nil {
		return nil
	}
	from, err := regular.Open(path)
	if err != nil {
		return os.Rename(path, kept)
	}
	defer from.Close()
	to, err := os.OpenFile(kept, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(linked, err)
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return errors.Join(err, os.Remove(kept))
	}
	return nil
}

// sumUp logs how a start on a damaged journal went.
func (s *State) sumUp(err error) {
	if err != nil {
		s.logger.Error("Local journal cannot be written: registrations are refused until it can be", "path", s.journal.path, "error", err)
		return
	}
	s.logger.Error("Local journal was damaged: started with what could be read", "path", s.journal.path,
		"services", len(s.services), "checks", len(s.checks), "kept", s.journal.kept)
}
