// Package archtest holds the import table of the project and the test that it
// is kept. The table is data, in table.go; a new package takes its place there.
//
// Imports go downward: a package imports only from layers below its own. A
// package's internal/ folders belong to it. A few imports have rules of their
// own, such as that only bus imports NATS. Test files are free.
package archtest
