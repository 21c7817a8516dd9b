package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// signedFor is the namespace of the signature: what it is good for (ssh-keygen(1), -n).
const signedFor = "praetor-release"

// sums writes SHA256SUMS of a folder's files, and SHA256SUMS.sig if there is a key.
func sums(folder, key string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var list bytes.Buffer
	for _, f := range files {
		sum, err := sumOf(filepath.Join(folder, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sum, f.Name())
	}
	name := filepath.Join(folder, "SHA256SUMS")
	if err := os.WriteFile(name, list.Bytes(), 0o644); err != nil {
		return err
	}
	if key == "" {
		fmt.Println("SHA256SUMS is not signed: no RELEASE_KEY")
		return nil
	}
	if out, err := exec.Command("ssh-keygen", "-Y", "sign", "-n", signedFor, "-f", key, name).CombinedOutput(); err != nil {
		return fmt.Errorf("signing SHA256SUMS: %w\n%s", err, out)
	}
	return nil
}

func sumOf(file string) (sum []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hash.Sum(nil), errors.Join(err, f.Close())
}
