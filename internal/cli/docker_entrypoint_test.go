package cli

import (
	"errors"
	"strings"
	"testing"
)

func TestContainersRunWhatThePublicImageRuns(t *testing.T) {
	folders := "-data-dir=/consul/data -config-dir=/consul/config"
	for _, c := range []struct{ env, words, want string }{
		{"", "agent -dev -client 0.0.0.0", "agent " + folders + " -dev -client 0.0.0.0"},
		{"", "consul agent -server", "agent " + folders + " -server"},
		{"", "praetor agent", "agent " + folders},
		{"", "-server -bootstrap-expect=3", "agent " + folders + " -server -bootstrap-expect=3"},
		{"", "", "agent " + folders},
		{"CONSUL_BIND_INTERFACE=eth0", "agent -dev", "agent " + folders + " -bind=10.0.0.7 -dev"},
		{"CONSUL_BIND_INTERFACE=eth0 CONSUL_CLIENT_INTERFACE=eth1", "agent -bind=1.2.3.4", "agent " + folders + " -bind=10.0.0.7 -client=fd00::1 -bind=1.2.3.4"},
		{"CONSUL_CLIENT_INTERFACE=eth9", "agent", "CONSUL_CLIENT_INTERFACE: no eth9"},
		{"CONSUL_CLIENT_INTERFACE=eth9", "members", "members"},
		{"CONSUL_DATA_DIR=/data CONSUL_CONFIG_DIR=/conf", "agent", "agent -data-dir=/data -config-dir=/conf"},
		{"", "version", "version"},
		{"", "consul kv get a", "kv get a"},
		{"", "consul", "--help"},
		{"", "--version", "--version"},
		{"", "-h", "-h"},
		{"", "sh -c date", "other: sh -c date"},
		{"", "consul sh", "other: sh"},
	} {
		env := func(name string) string {
			for _, pair := range strings.Fields(c.env) {
				if value, found := strings.CutPrefix(pair, name+"="); found {
					return value
				}
			}
			return ""
		}
		address := func(name string) (string, error) {
			ip := map[string]string{"eth0": "10.0.0.7", "eth1": "fd00::1"}[name]
			if ip == "" {
				return "", errors.New("no " + name)
			}
			return ip, nil
		}
		args, own, err := containerCommand(newRootCommand("consul"), strings.Fields(c.words), env, address)
		got := strings.Join(args, " ")
		switch {
		case err != nil:
			got = err.Error()
		case !own:
			got = "other: " + got
		}
		if got != c.want {
			t.Errorf("%s %q:\n got %s\nwant %s", c.env, c.words, got, c.want)
		}
	}
}

func TestInterfacesAreFoundByName(t *testing.T) {
	names := interfaceNames()
	lo := ""
	for _, name := range strings.Split(names, ", ") {
		if strings.HasPrefix(name, "lo") {
			lo = name
		}
	}
	if ip, err := interfaceAddress(lo); err != nil || ip != "127.0.0.1" {
		t.Errorf("%s has %s, %v", lo, ip, err)
	}
	if _, err := interfaceAddress("absent0"); err == nil || !strings.Contains(err.Error(), names) {
		t.Errorf("an interface that is not there: %v", err)
	}
}
