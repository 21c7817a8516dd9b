// Package memnet is described by its owner.
package memnet
