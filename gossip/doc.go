// Package gossip is described by its owner.
package gossip
