package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// entry is one file of an archive.
type entry struct {
	name string // below the archive's folder
	file string
	mode fs.FileMode
}

// archive writes the archive of a target: tar.gz, or zip for Windows.
func (r *release) archive(base string, t target, program string) error {
	entries := []entry{
		{t.program(), program, 0o755},
		{"LICENSE", "LICENSE", 0o644},
		{"LICENSES.txt", filepath.Join(r.stage, "LICENSES.txt"), 0o644},
		{"README.md", "README.md", 0o644},
	}
	folders := []string{"completions", "man"}
	if t.os == "linux" {
		for _, name := range []string{"praetor.service", "praetor.hcl"} {
			entries = append(entries, entry{"systemd/" + name, filepath.Join("packaging", name), 0o644})
		}
	}
	for _, folder := range folders {
		files, err := os.ReadDir(filepath.Join(r.stage, folder)) // in order of their names
		if err != nil {
			return err
		}
		for _, f := range files {
			entries = append(entries, entry{path.Join(folder, f.Name()), filepath.Join(r.stage, folder, f.Name()), 0o644})
		}
	}
	write, suffix := writeTar, ".tar.gz"
	if t.os == "windows" {
		write, suffix = writeZip, ".zip"
	}
	f, err := os.Create(filepath.Join(r.out, base+suffix))
	if err != nil {
		return err
	}
	return errors.Join(write(f, base, entries, r.time), f.Close())
}

func writeTar(w io.Writer, base string, entries []entry, at time.Time) error {
	packed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(packed)
	for _, e := range entries {
		content, err := os.ReadFile(e.file)
		if err != nil {
			return err
		}
		// Nothing of the machine: no owner but root, and the time of the source.
		head := &tar.Header{Name: base + "/" + e.name, Mode: int64(e.mode), Size: int64(len(content)), ModTime: at, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if err := out.WriteHeader(head); err != nil {
			return err
		}
		if _, err := out.Write(content); err != nil {
			return err
		}
	}
	return errors.Join(out.Close(), packed.Close())
}

func writeZip(w io.Writer, base string, entries []entry, at time.Time) error {
	out := zip.NewWriter(w)
	for _, e := range entries {
		content, err := os.ReadFile(e.file)
		if err != nil {
			return err
		}
		head := &zip.FileHeader{Name: base + "/" + e.name, Method: zip.Deflate, Modified: at}
		head.SetMode(e.mode)
		file, err := out.CreateHeader(head)
		if err != nil {
			return err
		}
		if _, err := file.Write(content); err != nil {
			return err
		}
	}
	return out.Close()
}

// gzipAll replaces the files of a folder by compressed ones, as packages ship man pages.
func gzipAll(folder string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".gz") {
			continue
		}
		name := filepath.Join(folder, f.Name())
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		w.Write(content) // into memory
		w.Close()
		if err := errors.Join(os.WriteFile(name+".gz", packed.Bytes(), 0o644), os.Remove(name)); err != nil {
			return err
		}
	}
	return nil
}
