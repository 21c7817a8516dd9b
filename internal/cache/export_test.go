package cache

// EntryBytes is what an entry takes besides its value.
func EntryBytes[K comparable, V any]() int { return entryBytes[K, V]() }
