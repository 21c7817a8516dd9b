package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"praetor/agent/config"
)

// agentFacts are what an agent says of itself.
type agentFacts struct {
	Config struct {
		NodeName, NodeID, Datacenter, Version string
		Server                                bool
	}
	DebugConfig struct {
		DataDir, DNSDomain           string
		DNSPort, HTTPPort, HTTPSPort int
		DevMode                      bool
		EncryptKey                   string

		RetryJoinLAN, RetryJoinWAN               []string
		SerfAllowedCIDRsLAN, SerfAllowedCIDRsWAN []string
	}
	Stats map[string]map[string]string
}

// meet asks the agent who it is; nil if it does not answer, or not with that.
func meet(opts doctorOptions) (*patient, *chart) {
	c := &chart{about: "agent"}
	cl, err := opts.client.open()
	if err != nil {
		c.add(problem, "", "%s", err)
		return nil, c
	}
	p := &patient{cl: cl}
	if _, err := cl.Raw().Query("/v1/agent/self", &p.self, nil); err != nil {
		c.add(problem, cureForSilence(err), "the agent does not answer: %s", shortError(err))
		return nil, c
	}
	if p.members, err = cl.Agent().Members(false); err != nil {
		c.add(problem, cureForSilence(err), "the agent does not say who its members are: %s", shortError(err))
		return nil, c
	}
	p.host = agentHost(opts.client.httpAddr)
	p.dataDir = opts.dataDir
	if ip := net.ParseIP(p.host); p.dataDir == "" && (p.host == "localhost" || ip != nil && ip.IsLoopback()) {
		p.dataDir = p.self.DebugConfig.DataDir
	}
	mode := "client"
	if p.self.Config.Server {
		mode = "server"
	}
	c.add(fine, "", "%s answers: a %s of %s, version %s", p.self.Config.NodeName, mode, p.self.Config.Datacenter, p.self.Config.Version)
	return p, c
}

// agentHost is where the agent is asked, without scheme and port.
func agentHost(flag string) string {
	addr := flag
	if addr == "" {
		addr = os.Getenv("CONSUL_HTTP_ADDR")
	}
	if addr == "" || strings.HasPrefix(addr, "unix://") {
		return "127.0.0.1"
	}
	if u, err := url.Parse(addr); err == nil && u.Host != "" {
		addr = u.Host
	}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// cureForSilence says what to do about an agent that does not answer.
func cureForSilence(err error) string {
	text := err.Error()
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: start the agent, or name it with -http-addr or CONSUL_HTTP_ADDR; praetor doctor -config-dir=FOLDER finds out why it does not start"
	case strings.Contains(text, "HTTP response to HTTPS client"):
		return "it speaks plain HTTP: use http:// in -http-addr, and unset CONSUL_HTTP_SSL"
	case strings.Contains(text, "HTTP request to an HTTPS server"), strings.Contains(text, "malformed HTTP response"):
		return "it speaks HTTPS: use https:// in -http-addr, with -ca-file"
	case strings.Contains(text, "certificate"):
		return "its certificate is not trusted, or has another name: give -ca-file, and -tls-server-name"
	case strings.Contains(text, "403"):
		return "the token may not look at it: give one with agent:read with -token"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer in time: is it the right address, and does a firewall let port 8500 through?"
	}
	return "is it the right address? See the agent's log"
}

// shortError is an error without the URL that the library puts before it.
func shortError(err error) string {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err.Error()
	}
	return err.Error()
}

// examineFiles looks at what an agent on this machine would start with.
func examineFiles(opts doctorOptions, running bool) []*chart {
	conf := &chart{about: "config"}
	charts := []*chart{conf}
	dataDir := opts.dataDir
	if len(opts.files) > 0 {
		flags := &config.Flags{Files: opts.files}
		if dataDir != "" {
			flags.HCL = []string{fmt.Sprintf("data_dir = %q", dataDir)}
		}
		rt, warnings, err := config.Load(flags)
		if err != nil {
			conf.add(problem, "mend it, and see what praetor validate says of it", "it does not load: %s", err)
			return charts
		}
		for _, w := range warnings {
			conf.add(note, "", "%s", w)
		}
		conf.add(fine, "", "%s loads", strings.Join(opts.files, ", "))
		dataDir = rt.DataDir
		if !running {
			ports := &chart{about: "ports"}
			examineOwnPorts(rt, ports)
			charts = append(charts, ports)
		}
	}
	if dataDir != "" {
		folder := &chart{about: "data folder"}
		examineFolder(dataDir, folder)
		if !running {
			examineDamaged(dataDir, folder)
			examineStoppedLog(dataDir, folder)
		}
		charts = append(charts, folder)
	}
	return charts
}

// examineOwnPorts finds out whether an agent could bind its addresses.
func examineOwnPorts(rt *config.Runtime, c *chart) {
	var addrs []string
	for _, list := range [][]config.Addr{rt.HTTPAddrs, rt.HTTPSAddrs, rt.DNSAddrs} {
		for _, a := range list {
			if a.Path == "" {
				addrs = append(addrs, a.String())
			}
		}
	}
	addrs = append(addrs, rt.SerfBindLAN.String())
	if rt.Server {
		addrs = append(addrs, rt.RPCBind.String())
	}
	before := len(c.list)
	for _, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		switch {
		case err == nil:
			l.Close()
		case errors.Is(err, syscall.EADDRINUSE):
			c.add(problem, "stop that process (sudo ss -ltnp shows it), or choose another port", "another process listens on %s", addr)
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			c.add(problem, "set bind_addr and client_addr to addresses of this machine (ip addr shows them)", "this machine has no address %s", addr)
		case errors.Is(err, syscall.EACCES):
			c.add(problem, "choose a port from 1024 on, or give the program the right (setcap cap_net_bind_service=+ep)", "this user may not listen on %s", addr)
		default:
			c.add(problem, "", "cannot listen on %s: %s", addr, err)
		}
	}
	if len(c.list) == before {
		c.add(fine, "", "%s are free", fmt.Sprintf("%d addresses", len(addrs)))
	}
}

// examineStoppedLog says who finds out whether a stopped server's log is whole: opening
// it would change it.
func examineStoppedLog(dir string, c *chart) {
	if _, err := os.Stat(filepath.Join(dir, "raft")); err != nil {
		return
	}
	c.add(note, "start the agent: if the log is damaged it ends, and its last line names the file and the place; docs/troubleshooting.md, \"A server says that its data is damaged\", says how to bring it back",
		"%s holds a server's log, which is examined whenever the agent starts", dir)
}

// examineFolder finds out whether this user could use a data folder.
func examineFolder(dir string, c *chart) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.add(note, "", "%s does not exist; the agent makes it when it starts", dir)
		return
	case err != nil:
		c.add(problem, "give the agent's user the right to read and write it", "%s", err)
		return
	case !info.IsDir():
		c.add(problem, "choose another -data-dir", "%s is a file, not a folder", dir)
		return
	}
	probe, err := os.CreateTemp(dir, ".doctor")
	if err != nil {
		c.add(problem, "give the agent's user the right to write there (chown), or run this as that user", "cannot write to %s: %s", dir, err)
		return
	}
	probe.Close()
	os.Remove(probe.Name())
	for _, name := range []string{"local.journal", filepath.Join("raft", "stable.db")} {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err == nil {
			file.Close()
		} else if !errors.Is(err, os.ErrNotExist) {
			c.add(problem, "give the agent's user its files back: chown -R USER "+dir, "%s", err)
		}
	}
	c.add(fine, "", "%s can be written", dir)
}
