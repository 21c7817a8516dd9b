package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/consul/api"

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
		EncryptVerifyIncoming        bool
		EncryptVerifyOutgoing        bool
		ACLsEnabled                  bool
		ACLDefaultPolicy             string
		PrimaryDatacenter            string
		RaftSnapshotThreshold        int
		DNSAddrs, HTTPAddrs          []string
		DNSRecursors                 []string
		TLS                          struct{ HTTPS, InternalRPC tlsFacts }
		EnableRemoteScriptChecks     bool
		AllowWriteHTTPFrom           []string

		RetryJoinLAN, RetryJoinWAN               []string
		SerfAllowedCIDRsLAN, SerfAllowedCIDRsWAN []string
	}
	Stats map[string]map[string]string
}

type tlsFacts struct {
	CertFile                             string
	VerifyIncoming, VerifyServerHostname bool
}

// meet asks the agent who it is; nil if it does not answer, or not with that.
func meet(ctx context.Context, opts Options) (*patient, *chart) {
	c := &chart{about: "agent", topic: "start"}
	p := &patient{cl: opts.Client, host: Host(opts.Address), dataDir: opts.DataDir}
	question := new(api.QueryOptions).WithContext(ctx)
	if _, err := p.cl.Raw().Query("/v1/agent/self", &p.self, question); err != nil {
		c.add(Problem, cureForSilence(err), "the agent does not answer: %s", shortError(err))
		return nil, c
	}
	if _, err := p.cl.Raw().Query("/v1/agent/members", &p.members, question); err != nil {
		c.add(Problem, cureForSilence(err), "the agent does not say who its members are: %s", shortError(err))
		return nil, c
	}
	p.leader = leaderOf(ctx, p.cl)
	if p.dataDir == "" && isLoopback(p.host) {
		p.dataDir = p.self.DebugConfig.DataDir
	}
	mode := "client"
	if p.self.Config.Server {
		mode = "server"
	}
	c.add(OK, "", "%s answers: a %s of %s, version %s", p.self.Config.NodeName, mode, p.self.Config.Datacenter, p.self.Config.Version)
	return p, c
}

// leaderOf is where the leader is as an agent has it, "" if it knows of none.
func leaderOf(ctx context.Context, cl *api.Client) string {
	ctx, cancel := context.WithTimeout(ctx, leaderWithin)
	defer cancel()
	leader, err := cl.Status().LeaderWithQueryOptions(new(api.QueryOptions).WithContext(ctx))
	if err != nil {
		return ""
	}
	return leader
}

// Host is where the agent is asked, without scheme and port.
func Host(addr string) string {
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
	case isPage(text):
		return "something else listens there, such as a web server: name the agent's HTTP port (8500 by default) with -http-addr; if that is its port, stop the other program (sudo ss -ltnp shows it) or choose another with ports.http"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: start the agent, or name it with -http-addr or CONSUL_HTTP_ADDR; praetor doctor -config-dir=FOLDER finds out why it does not start"
	case strings.Contains(text, "HTTP response to HTTPS client"):
		return "it speaks plain HTTP: use http:// in -http-addr, and unset CONSUL_HTTP_SSL"
	case strings.Contains(text, "HTTP request to an HTTPS server"), strings.Contains(text, "malformed HTTP response"):
		return "it speaks HTTPS: use https:// in -http-addr, with -ca-file"
	case strings.Contains(text, "certificate"):
		return "its certificate is not trusted, or has another name: give -ca-file, and -tls-server-name"
	case isForbidden(text):
		return "the token may not look at it: give one with agent:read with -token (if there is none yet: praetor acl bootstrap)"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer in time: is it the right address, and does a firewall let port 8500 through?"
	}
	return "is it the right address? See the agent's log"
}

// isPage reports whether an error carries a web page in place of an answer.
func isPage(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "<html") || strings.Contains(text, "<!doctype") || strings.Contains(text, "invalid character '<'")
}

// statusOf finds the status in the library's text for an answer that is none.
var statusOf = regexp.MustCompile(`response code: (\d{3})`)

// isForbidden reports whether an error carries an answer of status 403. The number alone
// may be of an address.
func isForbidden(text string) bool {
	found := statusOf.FindStringSubmatch(text)
	return found != nil && found[1] == "403"
}

// shortError is an error without the URL that the library puts before it, and
// without a page that came as the answer.
func shortError(err error) string {
	text := err.Error()
	if isPage(text) {
		if found := statusOf.FindStringSubmatch(text); found != nil {
			code, _ := strconv.Atoi(found[1]) // three digits
			return strings.TrimSpace(fmt.Sprintf("it sends a web page with HTTP status %d %s", code, http.StatusText(code)))
		}
		return "it sends a web page with HTTP status 200 OK"
	}
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err.Error()
	}
	return text
}

// examineFiles looks at what an agent on this machine would start with.
func examineFiles(opts Options, running bool) []*chart {
	conf := &chart{about: "config", topic: "start"}
	charts := []*chart{conf}
	dataDir := opts.DataDir
	if len(opts.Files) > 0 {
		flags := &config.Flags{Files: opts.Files}
		if dataDir != "" {
			flags.HCL = []string{fmt.Sprintf("data_dir = %q", dataDir)}
		}
		rt, warnings, err := config.Load(flags)
		if err != nil {
			conf.add(Problem, "fix it, and see what praetor validate says of it", "it does not load: %s", err)
			return charts
		}
		for _, w := range warnings {
			conf.add(Note, "", "%s", w)
		}
		if opts.CheckTLS != nil {
			if err := opts.CheckTLS(rt); err != nil {
				conf.add(Problem, "the agent does not start with these settings of TLS: give the files that they need, or take the settings out", "%s", err)
			}
		}
		if len(conf.list) == len(warnings) {
			conf.add(OK, "", "%s loads", strings.Join(opts.Files, ", "))
		}
		dataDir = rt.DataDir
		if !running {
			ports := &chart{about: "ports", topic: "start"}
			examineOwnPorts(rt, ports)
			charts = append(charts, ports)
		}
	}
	if dataDir != "" {
		folder := &chart{about: "data folder", topic: "start"}
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
			c.add(Problem, "stop that process (sudo ss -ltnp shows it), or choose another port", "another process listens on %s", addr)
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			c.add(Problem, "set bind_addr and client_addr to addresses of this machine (ip addr shows them)", "this machine has no address %s", addr)
		case errors.Is(err, syscall.EACCES):
			c.add(Problem, "choose a port from 1024 on, or give the program the right (setcap cap_net_bind_service=+ep)", "this user may not listen on %s", addr)
		default:
			c.add(Problem, "", "cannot listen on %s: %s", addr, err)
		}
	}
	if len(c.list) == before {
		c.add(OK, "", "%s are free", fmt.Sprintf("%d addresses", len(addrs)))
	}
}

// examineStoppedLog says who finds out whether a stopped server's log is whole: opening
// it would change it.
func examineStoppedLog(dir string, c *chart) {
	if _, err := os.Stat(filepath.Join(dir, "raft")); err != nil {
		return
	}
	c.add(Note, "start the agent: if the log is damaged it ends, and its last line names the file and the place; praetor help damage says how to bring it back",
		"%s holds a server's log, which is examined whenever the agent starts", dir)
}

// examineFolder finds out whether this user could use a data folder.
func examineFolder(dir string, c *chart) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.add(Note, "", "%s does not exist; the agent makes it when it starts", dir)
		return
	case err != nil:
		c.add(Problem, "give the agent's user the right to read and write it", "%s", err)
		return
	case !info.IsDir():
		c.add(Problem, "choose another -data-dir", "%s is a file, not a folder", dir)
		return
	}
	switch _, err := measureSyncs(dir, time.Now()); {
	case errors.Is(err, syscall.ENOSPC):
		c.add(Problem, "make room: the agent does not start, or registers nothing, until there is some", "the disk of %s is full: %s", dir, err)
		return
	case err != nil:
		c.add(Problem, "give the agent's user the right to write there (chown), or run this as that user", "cannot write to %s: %s", dir, err)
		return
	}
	examineRoom(dir, c)
	before := len(c.list)
	owner, known := ownerOf(dir)
	for _, name := range []string{"local.journal", filepath.Join("raft", "stable.db")} {
		path := filepath.Join(dir, name)
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			c.add(Problem, "give the agent's user its files back: chown -R USER "+dir, "%s", err)
			continue
		}
		file.Close()
		if of, ok := ownerOf(path); ok && known && of != owner {
			c.add(Problem, "give the agent's user all of them: chown -R USER "+dir, "%s belongs to user %d, and %s to user %d: an agent of one cannot use what the other has", path, of, dir, owner)
		}
	}
	if len(c.list) == before {
		c.add(OK, "", "%s can be written", dir)
	}
}
