package server

import (
	"strings"

	"praetor/catalog"
)

// UUIDs name the same thing in capitals: programs keep them as GUIDs. All that this
// package makes are in small letters, and so is what the log holds. An ID that names
// nothing stays as it is: error texts repeat what was asked for.

func sessionID(tx *catalog.Tx, id string) string {
	return foldID(id, func(id string) bool {
		_, session := tx.Session(nil, id)
		return session != nil
	})
}

func queryID(tx *catalog.Tx, id string) string {
	return foldID(id, func(id string) bool {
		_, query := tx.Query(nil, id)
		return query != nil
	})
}

// foldID returns a UUID in small letters if that exists.
func foldID(id string, exists func(id string) bool) string {
	if len(id) != uuidLen {
		return id
	}
	if folded := strings.ToLower(id); folded != id && exists(folded) {
		return folded
	}
	return id
}
