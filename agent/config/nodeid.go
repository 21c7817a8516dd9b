package config

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-uuid"

	"praetor/internal/durable"
	"praetor/internal/regular"
)

const (
	nodeIDFile     = "node-id"
	nodeIDMode     = 0o600
	dataDirMode    = 0o755
	nodeIDBytes    = 16
	maxNodeIDBytes = 1 << 10 // a longer file is no node ID
)

// hostIDFiles hold an identity of the machine, the most lasting one first.
var hostIDFiles = []string{"/sys/class/dmi/id/product_uuid", "/etc/machine-id"}

// NodeID returns the ID of this node: the configured one, else the one kept in
// the data folder, else a new one, which it keeps there. It is for the agent's
// start; nothing else in this package writes. notice, if it is not empty, is what an
// operator should know of the file.
func NodeID(rt *Runtime) (id, notice string, err error) {
	if rt.NodeID != "" {
		return rt.NodeID, "", nil
	}
	if rt.DataDir == "" {
		id, err = newNodeID(rt.DisableHostNodeID, hostID)
		return id, "", err
	}
	path := filepath.Join(rt.DataDir, nodeIDFile)
	if id, err = readNodeID(path); err != nil {
		return "", "", err
	}
	found := id != ""
	if !found {
		if id, err = newNodeID(rt.DisableHostNodeID, hostID); err != nil {
			return "", "", fmt.Errorf("make a node ID: %w", err)
		}
		if err := os.MkdirAll(rt.DataDir, dataDirMode); err != nil {
			return "", "", fmt.Errorf("make data folder: %w", err)
		}
		if err := durable.WriteFile(path, []byte(id), nodeIDMode); err != nil {
			return "", "", fmt.Errorf("write node ID: %w", err)
		}
	}
	notice, err = compareNodeID(path, id, found)
	return id, notice, err
}

// compareNodeID says once that an ID is not the one that was there last, and then
// takes it for what is meant: operators write IDs into the file, and a flipped bit
// makes another one. found is whether it was in the file.
func compareNodeID(path, id string, found bool) (notice string, err error) {
	switch state := durable.CompareSum(path, []byte(id)); {
	case state == durable.SumFits:
		return "", nil
	case state == durable.SumAbsent:
	case !found:
		notice = fmt.Sprintf("%s is missing though this node had an ID: it has a new one, %s. "+
			"If nobody removed the file, stop the agent and write the old ID into it (the catalog has it)", path, id)
	default:
		notice = fmt.Sprintf("%s or its checksum was changed since this agent wrote it: using the ID %s. "+
			"If nobody edited it, it is damaged: stop the agent and write the old ID into it (the catalog has it)", path, id)
	}
	if err := durable.WriteSum(path, []byte(id)); err != nil {
		return "", fmt.Errorf("write the checksum of the node ID: %w", err)
	}
	return notice, nil
}

// readNodeID returns "" when there is no file.
func readNodeID(path string) (string, error) {
	data, err := regular.Read(path, maxNodeIDBytes)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read node ID: %w", err)
	}
	id := strings.ToLower(strings.TrimSpace(string(data)))
	if _, err := uuid.ParseUUID(id); err != nil {
		return "", fmt.Errorf("%s does not hold a node ID (36 characters like adf4238a-882b-9ddc-4a9d-5b6758e4159e): write this node's ID into it "+
			"(on a server, its raft folder belongs to that ID), or, if it shall be a new node, remove the file and, on a server, the raft folder: %w", path, err)
	}
	return id, nil
}

// newNodeID draws an ID, or derives it from the machine's when asked to and
// the machine has one.
func newNodeID(random bool, hostID func() string) (string, error) {
	if !random {
		if id := hostID(); id != "" {
			sum := sha512.Sum512([]byte(strings.ToLower(id)))
			return uuid.FormatUUID(sum[:nodeIDBytes])
		}
	}
	return uuid.GenerateUUID()
}

func hostID() string {
	for _, path := range hostIDFiles {
		if data, err := os.ReadFile(path); err == nil && len(strings.TrimSpace(string(data))) > 0 {
			return strings.TrimSpace(string(data))
		}
	}
	return ""
}
