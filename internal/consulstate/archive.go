package consulstate

import (
	"fmt"
	"io"

	"praetor/catalog"
	"praetor/internal/archive"
)

// ReadArchive reads a whole archive and passes the records of its state to each as
// they come. They count only if it returns without an error.
func ReadArchive(r io.Reader, each func(catalog.Record) error) (*archive.Meta, error) {
	state, to := io.Pipe()
	read := make(chan error, 1)
	go func() { // waited for below
		_, err := Records(state, each)
		state.CloseWithError(err)
		read <- err
	}()
	meta, err := archive.Read(r, to)
	to.CloseWithError(err)
	if rerr := <-read; err == nil && rerr != nil {
		err = fmt.Errorf("failed to read snapshot file: %w", rerr)
	}
	return meta, err
}

// Verify reads an archive to its end, and says what is wrong with it.
func Verify(r io.Reader) error {
	_, err := ReadArchive(r, PassOver)
	return err
}

// PassOver drops a record: for callers that only check an archive.
func PassOver(catalog.Record) error { return nil }
