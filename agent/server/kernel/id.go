package kernel

import (
	"strings"

	"praetor/catalog"
)

// UUIDs name the same thing in capitals: programs keep them as GUIDs. All that this
// package makes are in small letters, and so is what the log holds. An ID that names
// nothing stays as it is: error texts repeat what was asked for.

// UUIDLen is the length of a UUID in text.
const UUIDLen = 36

// SessionID returns the ID that a session has.
func SessionID(tx *catalog.Tx, id string) string {
	return FoldID(id, func(id string) bool {
		_, session := tx.Session(nil, id)
		return session != nil
	})
}

// FoldID returns a UUID in small letters if that exists.
func FoldID(id string, exists func(id string) bool) string {
	if len(id) != UUIDLen {
		return id
	}
	if folded := strings.ToLower(id); folded != id && exists(folded) {
		return folded
	}
	return id
}
