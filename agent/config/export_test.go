package config

import (
	"errors"
	"net/netip"
)

// Host is the machine that a test pretends to run on.
type Host struct {
	Name     string
	Eth      []string // addresses of an interface that is up
	Down     []string // of one that is not
	Loopback []string
	MaxFiles uint64 // 0: unknown
	Broken   bool   // interfaces cannot be listed
	Enforces bool   // what this build cannot enforce passes
}

func (h Host) environment() environment {
	interfaces := func() ([]netInterface, error) {
		if h.Broken {
			return nil, errors.New("no netlink")
		}
		return []netInterface{
			{up: true, loopback: true, addrs: parseIPs(h.Loopback)},
			{up: true, addrs: parseIPs(h.Eth)},
			{up: false, addrs: parseIPs(h.Down)},
		}, nil
	}
	return environment{
		hostname:   func() (string, error) { return h.Name, nil },
		interfaces: interfaces,
		maxFiles:   func() (uint64, bool) { return h.MaxFiles, h.MaxFiles > 0 },
		enforces:   h.Enforces,
	}
}

func parseIPs(texts []string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// LoadOn and ValidateOn are Load and Validate on a given machine.
func LoadOn(h Host, f *Flags) (*Runtime, []string, error) { return load(f, h.environment(), "") }
func ValidateOn(h Host, files []string, format string) ([]string, error) {
	return validateFiles(files, format, h.environment())
}
func ReloadOn(h Host, r *Runtime) (*Runtime, []string, error) {
	return load(r.flags, h.environment(), r.Log.Level)
}

// ParseText parses one source and says whether it was accepted.
func ParseText(text, format string) error {
	_, err := parse(text, format)
	return err
}

// NewNodeID derives or draws an ID on a machine with a host ID.
func NewNodeID(random bool, host string) (string, error) {
	return newNodeID(random, func() string { return host })
}

// LoopbackOfThisMachine is what a start learns of the machine's loopback interface, and
// whether that is up.
func LoopbackOfThisMachine() (addresses []string, up bool, err error) {
	all, err := hostInterfaces()
	for _, i := range all {
		if i.loopback {
			addresses, up = append(addresses, texts(i.addrs)...), up || i.up
		}
	}
	return addresses, up, err
}

// HostIDFrom has the machine's identity read from other files until the test ends.
func HostIDFrom(files ...string) (restore func()) {
	old := hostIDFiles
	hostIDFiles = files
	return func() { hostIDFiles = old }
}
