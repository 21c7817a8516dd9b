package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Store is where backups are kept.
type Store interface {
	// Put keeps what fill writes under a name: whole, and read back, or not at all.
	Put(ctx context.Context, name string, fill func(io.Writer) error) error
	// List returns the names that begin with prefix, and perhaps others.
	List(ctx context.Context, prefix string) ([]string, error)
	Remove(ctx context.Context, name string) error
	// String says where it is, without secrets.
	String() string
}

// Target says where backups go, and for whom they are encrypted.
type Target struct {
	LocalPath string // a folder, unless S3 has a bucket
	S3        S3
	EncryptTo []string // public keys of age; nobody else can read the backups then
	Scratch   string   // folder for what is on its way to S3; "" for the system's
}

// Open makes ready what t says. It asks nobody yet.
func Open(t Target) (Store, error) {
	if t.S3.Bucket != "" {
		return openS3(t.S3, t.Scratch)
	}
	if t.LocalPath == "" {
		return nil, errors.New("neither a folder nor a bucket for the backups is named")
	}
	return folder(t.LocalPath), nil
}

// Job is what is done at each backup.
type Job struct {
	Store  Store
	Prefix string // of the names
	// Static is the name of every backup: the store keeps versions itself.
	Static     string
	Retain     int // how many are kept; 0 for all
	Recipients Recipients
	// Save returns the archive, and the index up to which it goes.
	Save func(ctx context.Context) (archive io.ReadCloser, index uint64, err error)
	// Verify reads an archive to its end, and says what is wrong with it.
	Verify func(io.Reader) error
}

// Saved is a backup that was taken.
type Saved struct {
	ID      int64 // the time, in nanoseconds
	Name    string
	Index   uint64 // of the state; 0 if it was taken before this process looked
	Bytes   int64  // as it is kept; 0 likewise
	Took    time.Duration
	Removed int   // older ones that went
	Left    error // why older ones are still there that should have gone
}

// At is when the backup was taken.
func (s *Saved) At() time.Time { return time.Unix(0, s.ID) }

// runLimit bounds a backup: what hangs so long will not end, and the next is due.
const runLimit = 6 * time.Hour

// Run takes a backup.
func (j *Job) Run(ctx context.Context) (*Saved, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	start := time.Now()
	archive, index, err := j.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("save the state: %w", err)
	}
	defer archive.Close()
	s := &Saved{ID: start.UnixNano(), Index: index}
	s.Name = cmp.Or(j.Static, fmt.Sprintf("%s-%d%s", j.Prefix, s.ID, suffix))
	if len(j.Recipients) > 0 && j.Static == "" {
		s.Name += suffixEncrypted
	}
	err = j.Store.Put(ctx, s.Name, func(w io.Writer) error {
		kept := &counting{to: w}
		err := j.copy(kept, archive)
		s.Bytes = kept.bytes
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keep the backup in %s: %w", j.Store, err)
	}
	if j.Retain > 0 && j.Static == "" {
		s.Removed, s.Left = j.removeOldest(ctx)
	}
	s.Took = time.Since(start)
	return s, nil
}

// copy checks an archive and encrypts it, as it goes by.
func (j *Job) copy(to io.Writer, archive io.Reader) error {
	sealed, err := j.Recipients.encrypt(to)
	if err != nil {
		return err
	}
	reading, check := io.Pipe()
	checked := make(chan error, 1)
	go func() { // waited for below
		err := j.Verify(reading)
		reading.CloseWithError(err) // nil: what is behind an archive is refused by Verify
		checked <- err
	}()
	_, err = io.Copy(sealed, io.TeeReader(archive, check))
	check.CloseWithError(err) // nil: the end
	if verr := <-checked; verr != nil && (err == nil || errors.Is(err, verr)) {
		return fmt.Errorf("the archive is not whole: %w", verr)
	}
	if err != nil {
		return err
	}
	return sealed.Close()
}

// counting counts what is written to another.
type counting struct {
	to    io.Writer
	bytes int64
}

// Write implements io.Writer.
func (c *counting) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Newest is the last backup that is there, nil if there is none.
func (j *Job) Newest(ctx context.Context) (*Saved, error) {
	list, err := j.list(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[len(list)-1], nil
}

// The ends of names.
const (
	suffix          = ".snap"
	suffixEncrypted = ".age"
)

// list returns this job's backups, the oldest first.
func (j *Job) list(ctx context.Context) ([]Saved, error) {
	names, err := j.Store.List(ctx, j.Prefix+"-")
	if err != nil {
		return nil, fmt.Errorf("list the backups in %s: %w", j.Store, err)
	}
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(j.Prefix) + `-(\d{1,19})` + regexp.QuoteMeta(suffix) + `(?:` + regexp.QuoteMeta(suffixEncrypted) + `)?$`)
	var list []Saved
	for _, name := range names {
		if found := form.FindStringSubmatch(name); found != nil {
			if id, err := strconv.ParseInt(found[1], 10, 64); err == nil {
				list = append(list, Saved{ID: id, Name: name})
			}
		}
	}
	slices.SortFunc(list, func(a, b Saved) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

func (j *Job) removeOldest(ctx context.Context) (removed int, err error) {
	list, err := j.list(ctx)
	if err != nil {
		return 0, err
	}
	for _, old := range list[:max(len(list)-j.Retain, 0)] {
		if err := j.Store.Remove(ctx, old.Name); err != nil {
			return removed, fmt.Errorf("remove %s from %s: %w", old.Name, j.Store, err)
		}
		removed++
	}
	return removed, nil
}
