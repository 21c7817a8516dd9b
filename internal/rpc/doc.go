// Package rpc is described by its owner.
package rpc
