package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"praetor/internal/disk"
)

const (
	// The disk is asked to keep a block so many times; a server does that for each
	// batch of writes before it acknowledges them.
	syncProbes = 40
	syncBytes  = 4096
	syncFor    = 500 * time.Millisecond
	// A write waits for the disk of a majority. Raft's timeouts bear a tenth of a
	// second now and then, not always.
	syncWarning = 20 * time.Millisecond
	syncProblem = 100 * time.Millisecond

	// A disk with less free room than this is nearly full.
	freeWarning = 1 << 30
	freeProblem = 128 << 20

	certificateWarning = 30 * 24 * time.Hour
	certificateProblem = 7 * 24 * time.Hour
)

// examineDisk measures the disk of the data folder, if it is on this machine.
func examineDisk(_ context.Context, p *patient, c *chart) {
	if p.dataDir == "" {
		if !p.self.DebugConfig.DevMode {
			c.add(Note, "run this on the agent's machine, or give -data-dir", "the data folder is not on this machine")
		}
		return
	}
	examineDamaged(p.dataDir, c)
	took, err := measureSyncs(p.dataDir, time.Now().Add(syncFor))
	switch {
	case errors.Is(err, os.ErrPermission):
		c.add(Note, "run this as the agent's user, or as root", "the disk cannot be measured: %s", err)
		return
	case err != nil:
		c.add(Problem, "make room, or see to the disk: until it can be written nothing can be registered here, and a restart brings back what was deregistered meanwhile (the agent's log names it)", "the disk cannot be written: %s", err)
		return
	}
	judgeSyncs(c, took)
	examineRoom(p.dataDir, c)
}

// judgeSyncs says what came of measureSyncs, in whatever order.
func judgeSyncs(c *chart, took []time.Duration) {
	slices.Sort(took)
	middle, worst := took[len(took)/2].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond)
	const cure = "put data_dir on a local SSD that servers need not share; every write waits for it"
	switch {
	case middle >= syncProblem:
		c.add(Problem, cure, "the disk needs %s (median), %s at worst, to keep a write (fsync)", middle, worst)
	case middle >= syncWarning || worst >= 5*syncProblem:
		c.add(Warning, cure, "the disk needs %s (median), %s at worst, to keep a write (fsync)", middle, worst)
	default:
		c.add(OK, "", "fsync takes %s (median), %s at worst", middle, worst)
	}
}

// examineLimits looks at what the agent's process may have open: the agent tells it if
// that is little.
func examineLimits(_ context.Context, p *patient, c *chart) {
	if files := p.self.Stats["runtime"]["max_open_files"]; files != "" {
		c.add(Warning, "raise it (LimitNOFILE in the unit, ulimit -n in a shell; 65536 is usual) and start the agent again", "the agent may have %s files open, and each client, watch and log takes one", files)
	}
}

// examineBackups looks at the leader's backups, if it is to make any.
func examineBackups(ctx context.Context, p *patient, c *chart) {
	var state struct {
		Configured, Running bool
		Interval, Failure   string
		Failures            int
		Next                time.Time
		Last                *struct{ Time time.Time }
	}
	if _, err := p.cl.Raw().Query("/v1/operator/backup", &state, new(api.QueryOptions).WithContext(ctx)); err != nil || !state.Configured {
		return // no right, or none are wanted
	}
	last := "there is none yet"
	if state.Last != nil {
		last = "the last is of " + state.Last.Time.Format(time.RFC3339)
	}
	interval, err := time.ParseDuration(state.Interval)
	switch {
	case state.Failures > 0:
		c.add(Problem, "praetor operator backup now shows whether it works again; the leader tries again by itself", "%s of the cluster failed, and %s: %s", Plural(state.Failures, "backup"), last, state.Failure)
	case err == nil && !state.Running && !state.Next.IsZero() && time.Since(state.Next) > interval:
		c.add(Warning, "praetor operator backup status tells more, and the leader's log", "a backup was due at %s, and %s", state.Next.Format(time.RFC3339), last)
	case state.Last != nil:
		c.add(OK, "", "the last backup is of %s", state.Last.Time.Format(time.RFC3339))
	}
}

// examineRoom looks at what is free on a disk.
func examineRoom(dir string, c *chart) {
	if free, err := disk.Free(dir); err == nil {
		judgeRoom(c, dir, free)
	}
}

func judgeRoom(c *chart, dir string, free uint64) {
	switch {
	case free < freeProblem:
		c.add(Problem, "make room: a server stops when its log cannot grow", "%d MB are free at %s", free>>20, dir)
	case free < freeWarning:
		c.add(Warning, "make room before the log cannot grow", "%d MB are free at %s", free>>20, dir)
	}
}

// examineDamaged looks for files that the agent found damaged at a start and kept.
func examineDamaged(dir string, c *chart) {
	snapshots, _ := filepath.Glob(filepath.Join(dir, "raft", "snapshots", "*.damaged")) // the patterns are fine
	if len(snapshots) > 0 {
		c.add(Warning, "keep a snapshot of good data elsewhere (praetor snapshot save FILE), look at the disk's health, then remove these folders",
			"a snapshot of this server was damaged; the server goes on with another one and its log: %s", few(snapshots))
	}
	kept, _ := filepath.Glob(filepath.Join(dir, "*.damaged-*"))
	if len(kept) == 0 {
		return
	}
	c.add(Warning, "compare /v1/agent/services with what runs on this machine, and register again what is missing; the agent's log at its start names what was dropped; then remove these files, and look at the disk's health",
		"files of the agent were damaged: %s", few(kept))
}

// measureSyncs appends to a file of its own, which it removes: once at least, and no
// more after end.
func measureSyncs(dir string, end time.Time) ([]time.Duration, error) {
	file, err := os.CreateTemp(dir, ".doctor")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, syncBytes)
	var took []time.Duration
	for len(took) == 0 || len(took) < syncProbes && time.Now().Before(end) {
		begin := time.Now()
		if _, err := file.Write(block); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// examineCertificate looks at what the HTTPS port shows.
func examineCertificate(ctx context.Context, p *patient, c *chart) {
	examineRPCCertificate(p, c)
	port := p.self.DebugConfig.HTTPSPort
	if port <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	addr := net.JoinHostPort(p.host, strconv.Itoa(port))
	// It is only looked at: whether it is to be trusted is for clients to say.
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		c.add(Problem, "has the agent a certificate (tls.https.cert_file)? See its log", "HTTPS does not answer at %s: %s", addr, err)
		return
	}
	defer conn.Close()
	for i, cert := range conn.(*tls.Conn).ConnectionState().PeerCertificates {
		if err := cert.VerifyHostname(p.host); i == 0 && err != nil {
			c.add(Warning, "make one with that name or address (praetor tls cert create -additional-dnsname or -additional-ipaddress), or have clients give -tls-server-name", "clients that verify do not accept the certificate at %s: %s", addr, err)
		}
		c.age(cert.Subject.CommonName, cert.NotAfter, "make another (praetor tls cert create) and reload the agent")
	}
}

// examineRPCCertificate reads the certificate that servers show each other, on their own
// machine.
func examineRPCCertificate(p *patient, c *chart) {
	conf := &p.self.DebugConfig.TLS.InternalRPC
	if p.dataDir == "" || conf.CertFile == "" {
		return
	}
	text, err := os.ReadFile(conf.CertFile)
	if err != nil {
		c.add(Note, "run this as the agent's user, or as root", "the certificate for port 8300 cannot be read: %s", err)
		return
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return // the agent would not have started with it
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return
	}
	c.age(cert.Subject.CommonName+" for port 8300", cert.NotAfter, "make another (praetor tls cert create) and reload the agent")
	name := "server." + p.self.Config.Datacenter + "." + strings.Trim(p.self.DebugConfig.DNSDomain, ".")
	if err := cert.VerifyHostname(name); p.self.Config.Server && conf.VerifyServerHostname && err != nil {
		c.add(Problem, "make one with praetor tls cert create -server -dc="+p.self.Config.Datacenter+", and reload the agent", "this server's certificate has not the name that verify_server_hostname asks for: %s", err)
	}
}

// age says for how long a certificate is valid.
func (c *chart) age(name string, end time.Time, cure string) {
	switch left := time.Until(end); {
	case left <= 0:
		c.add(Problem, cure, "the certificate %s has expired, on %s", name, end.Format(time.DateOnly))
	case left < certificateProblem:
		c.add(Problem, cure, "the certificate %s expires in %d hours", name, int(left.Hours()))
	case left < certificateWarning:
		c.add(Warning, cure, "the certificate %s expires in %d days", name, int(left.Hours())/24)
	default:
		c.add(OK, "", "%s is valid until %s", name, end.Format(time.DateOnly))
	}
}

// examineMesh looks at the roots of the mesh: with the one that signs ends every
// certificate of a service.
func examineMesh(_ context.Context, p *patient, c *chart) {
	roots, _, err := p.cl.Connect().CARoots(nil)
	if err != nil {
		return // the mesh is off, or this token may not see it
	}
	for _, root := range roots.Roots {
		if root.Active && root.NotAfter != nil {
			c.age(root.Name+" of the mesh", *root.NotAfter, "make another root: praetor connect ca set-config, with another PrivateKey or provider")
		}
	}
}

// examineAccess looks for settings that ask for security which is not there.
func examineAccess(_ context.Context, p *patient, c *chart) {
	conf := &p.self.DebugConfig
	switch {
	case conf.ACLDefaultPolicy == "deny" && !conf.ACLsEnabled:
		c.add(Problem, "set acl.enabled = true on all servers, then on all agents, and start them again; praetor acl bootstrap makes the first token",
			"acl.default_policy is deny, but acl.enabled is false: nothing is denied to anybody")
	case conf.ACLDefaultPolicy == "allow" && conf.ACLsEnabled:
		c.add(Warning, "give tokens to all who ask, then set acl.default_policy = \"deny\"", "access rules are on, but acl.default_policy is allow: whoever has no token may do everything")
	}
	if conf.EncryptKey != "" && !(conf.EncryptVerifyIncoming && conf.EncryptVerifyOutgoing) {
		c.add(Warning, "remove encrypt_verify_incoming and encrypt_verify_outgoing (true is the default) once all agents have the key, and start them again",
			"encrypt is set, but gossip without the key is still sent or believed: encrypt_verify_incoming is %t, encrypt_verify_outgoing %t", conf.EncryptVerifyIncoming, conf.EncryptVerifyOutgoing)
	}
	if conf.TLS.HTTPS.VerifyIncoming {
		if open := reachable(conf.HTTPAddrs); len(open) > 0 {
			c.add(Warning, "set ports.http = -1, or addresses.http = \"127.0.0.1\"", "tls.https.verify_incoming guards HTTPS alone: without a certificate the API answers at %s", few(open))
		}
	}
}

// reachable are those addresses of listeners that other machines may reach.
func reachable(addrs []string) []string {
	var open []string
	for _, a := range addrs {
		_, hostport, _ := strings.Cut(a, "://")
		host, _, err := net.SplitHostPort(hostport)
		if ip := net.ParseIP(host); err == nil && ip != nil && !ip.IsLoopback() {
			open = append(open, hostport)
		}
	}
	return open
}

// examineScripts looks for agents that run programs for whoever asks.
func examineScripts(_ context.Context, p *patient, c *chart) {
	conf := &p.self.DebugConfig
	if conf.EnableRemoteScriptChecks && !conf.ACLsEnabled && len(conf.AllowWriteHTTPFrom) == 0 {
		c.add(Warning, "set enable_local_script_checks instead of enable_script_checks, or acl.enabled, or http_config.allow_write_http_from",
			"whoever reaches the HTTP API can run programs on this machine: enable_script_checks stands without access rules")
	}
}
