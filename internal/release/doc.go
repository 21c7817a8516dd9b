// Command release makes what people download: archives and packages for every
// system, their sums and lists of parts.
//
// # Use
//
//	make release VERSION=0.1.0
//	go run ./internal/release -version 0.1.0 -out dist
//
// # Concurrency
//
// One step after the other; the compiler uses all processors.
//
// # Invariants
//
// The same commit and version give the same bytes, in whichever folder and whenever: no
// path, clock or order of a map gets into a file. Times are the commit's
// (SOURCE_DATE_EPOCH, if it is set). scripts/package-test compares two releases.
//
// # Decisions
//
// The program itself writes its man pages and completions, so packages say what it
// does. nfpm makes deb and rpm, run as a tool with a module file of its own
// (packaging/tools.mod). The lists of parts are CycloneDX, made from what the compiler
// left in each binary (`go version -m`) and internal/licenses: no scanner guesses.
// Sums are signed with ssh-keygen, which is there wherever git is; without a key they
// are not signed.
package main
