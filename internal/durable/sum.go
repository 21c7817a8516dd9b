package durable

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"praetor/internal/regular"
)

// Some files are in a format that has no room for a checksum, and a flipped bit makes
// other content that is as good. Their checksum is in a file of its own beside them.
const (
	SumSuffix   = ".checksum"
	maxSumBytes = 64
	sumMode     = 0o600
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is CRC-32C: it finds damage; who can write the file can also write its checksum.
func sum(content []byte) string { return fmt.Sprintf("%08x\n", crc32.Checksum(content, castagnoli)) }

// WriteSum writes the checksum of what a file says.
func WriteSum(path string, content []byte) error {
	return WriteFile(path+SumSuffix, []byte(sum(content)), sumMode)
}

// SumState is what the checksum beside a file says of it.
type SumState uint8

// The states.
const (
	SumFits   SumState = iota
	SumAbsent          // there is none yet
	SumOther           // the content is not the one that was summed, or the checksum is damaged
)

// CompareSum compares what a file says with the checksum beside it.
func CompareSum(path string, content []byte) SumState {
	text, err := regular.Read(path+SumSuffix, maxSumBytes)
	switch {
	case err == nil && string(text) == sum(content):
		return SumFits
	case errors.Is(err, os.ErrNotExist):
		return SumAbsent
	}
	return SumOther
}
