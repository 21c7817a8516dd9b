// Package licenses holds the licences of all modules that are linked into the
// program, as `praetor version -licenses` prints them and every package ships them.
//
// # Use
//
//	fmt.Print(licenses.Text)
//
// # Concurrency
//
// A text that nothing changes.
//
// # Invariants
//
// Every module that is linked on any system we release for stands in the text, with a
// licence of the allow list, its own text and its notices (TestTextIsUpToDate). Made by
// `go test ./internal/licenses -update`, or `go generate`.
//
// # Decisions
//
// The text holds no versions: a module's upgrade changes it only where a licence
// changed. Licences are recognised by their own sentences, one that occurs in no other;
// a text in which none occurs is refused, and somebody has to read it. Equal texts stand once.
package licenses
