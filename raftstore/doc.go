// Package raftstore is described by its owner.
package raftstore
