package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"praetor/agent/local"
	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/version"
	"praetor/raftstore"
)

// Form is how one part of a data folder is written.
type Form struct {
	Part, Is string
	Since    string // the oldest version that reads it
	Newer    error  // why this version does not; nil if it does
}

// firstVersion is the version that brought all forms that there are so far.
const firstVersion = "0.1.0"

// ReadForms says how the parts of the data folder of an agent that does not run are
// written, and whether this version reads them: it tries, as a start would, in memory. It
// changes nothing. fault.Conflict if an agent runs on the folder.
func ReadForms(folder string) ([]Form, error) {
	release, err := holdUnchanged(folder)
	if err != nil {
		return nil, err
	}
	defer release()
	var forms []Form
	raft, err := readRaft(filepath.Join(folder, raftFolder))
	if err != nil {
		return nil, err
	}
	forms = append(forms, raft...)
	switch head, err := local.Head(folder); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		f := Form{Part: "services and checks", Is: "journal " + head, Since: firstVersion}
		if head != local.JournalForm {
			f.Newer = fmt.Errorf("local.journal begins with %q, not %q: it is damaged, or a newer version wrote it", head, local.JournalForm)
		}
		forms = append(forms, f)
	}
	if len(forms) == 0 {
		return nil, fault.New(fault.Invalid, "%q holds no data of an agent", folder)
	}
	return forms, nil
}

// holdUnchanged takes the lock of a data folder, if an agent ever made one.
func holdUnchanged(folder string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(folder, lockName), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, dirFault(folder, err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, &fault.Error{Kind: fault.Conflict, Text: fmt.Sprintf("an agent runs on %q;", folder), Hint: "stop it, or look at a copy of the folder", Err: err}
	}
	return func() { f.Close() }, nil
}

// readRaft tries a server's log and snapshots; a client agent has none.
func readRaft(dir string) ([]Form, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	store := catalog.New()
	var newer struct{ snapshot, command error }
	restore := func(r io.Reader) error {
		if newer.snapshot = store.Restore(r); newer.snapshot != nil {
			store = catalog.New()
		}
		return nil
	}
	apply := func(e raftstore.Entry) error {
		if newer.snapshot != nil || newer.command != nil {
			return nil // behind what is missing nothing means what it did
		}
		results := store.Apply([]catalog.Entry{{Index: e.Index, Data: e.Data}})
		if err := catalog.Unknown(results[0]); err != nil {
			newer.command = fmt.Errorf("entry %d: %w", e.Index, err)
		}
		return nil
	}
	c, err := raftstore.Read(dir, restore, apply)
	if err != nil {
		return nil, err
	}
	forms := []Form{{Part: "log", Is: fmt.Sprintf("%s, %s", c.Backend, raftstore.Form()), Since: firstVersion}}
	if c.Snapshot > 0 {
		forms = append(forms, Form{Part: "snapshot", Is: fmt.Sprintf("state up to index %d", c.Snapshot), Since: firstVersion, Newer: newer.snapshot})
	}
	return append(forms, Form{Part: "commands", Is: fmt.Sprintf("%d entries up to index %d", c.Entries, c.Last), Since: firstVersion, Newer: newer.command}), nil
}

// ThisVersion is how this program names itself beside Form.Since.
func ThisVersion() string { return version.Praetor }
