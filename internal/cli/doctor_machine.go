package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"praetor/internal/disk"
)

const (
	// The disk is asked to keep a block so many times; a server does that for each
	// batch of writes before it acknowledges them.
	syncProbes = 40
	syncBytes  = 4096
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
func examineDisk(ctx context.Context, p *patient, c *chart) {
	if p.dataDir == "" {
		if !p.self.DebugConfig.DevMode {
			c.add(note, "run this on the agent's machine, or give -data-dir", "the data folder is not on this machine")
		}
		return
	}
	examineDamaged(p.dataDir, c)
	took, err := measureSyncs(ctx, p.dataDir)
	switch {
	case errors.Is(err, os.ErrPermission):
		c.add(note, "run this as the agent's user, or as root", "the disk cannot be measured: %s", err)
		return
	case err != nil:
		c.add(problem, "make room, or see to the disk: until it can be written nothing can be registered here, and a restart brings back what was deregistered meanwhile (the agent's log names it)", "the disk cannot be written: %s", err)
		return
	}
	slices.Sort(took)
	middle, worst := took[len(took)/2].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond)
	const cure = "put data_dir on a local SSD that servers need not share; every write waits for it"
	switch {
	case middle >= syncProblem:
		c.add(problem, cure, "the disk needs %s in the middle, %s at worst, to keep a write (fsync)", middle, worst)
	case middle >= syncWarning || worst >= 5*syncProblem:
		c.add(warning, cure, "the disk needs %s in the middle, %s at worst, to keep a write (fsync)", middle, worst)
	default:
		c.add(fine, "", "fsync takes %s in the middle, %s at worst", middle, worst)
	}
	if free, err := disk.Free(p.dataDir); err == nil {
		switch {
		case free < freeProblem:
			c.add(problem, "make room: a server stops when its log cannot grow", "%d MB are free at %s", free>>20, p.dataDir)
		case free < freeWarning:
			c.add(warning, "make room before the log cannot grow", "%d MB are free at %s", free>>20, p.dataDir)
		}
	}
}

// examineDamaged looks for files that the agent found damaged at a start and kept.
func examineDamaged(dir string, c *chart) {
	snapshots, _ := filepath.Glob(filepath.Join(dir, "raft", "snapshots", "*.damaged")) // the patterns are fine
	if len(snapshots) > 0 {
		c.add(warning, "keep a snapshot of good data elsewhere (praetor snapshot save FILE), look at the disk's health, then remove these folders",
			"a snapshot of this server was damaged; the server goes on with another one and its log: %s", few(snapshots))
	}
	kept, _ := filepath.Glob(filepath.Join(dir, "*.damaged-*"))
	if len(kept) == 0 {
		return
	}
	c.add(warning, "compare /v1/agent/services with what runs on this machine, and register again what is missing; the agent's log at its start names what was dropped; then remove these files, and look at the disk's health",
		"files of the agent were damaged: %s", few(kept))
}

// measureSyncs appends to a file of its own, which it removes.
func measureSyncs(ctx context.Context, dir string) ([]time.Duration, error) {
	file, err := os.CreateTemp(dir, ".doctor")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, syncBytes)
	var took []time.Duration
	for len(took) == 0 || len(took) < syncProbes && ctx.Err() == nil {
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
		c.add(problem, "has the agent a certificate (tls.https.cert_file)? See its log", "HTTPS does not answer at %s: %s", addr, err)
		return
	}
	defer conn.Close()
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates
	for _, cert := range shown {
		left := time.Until(cert.NotAfter)
		const cure = "make another (praetor tls cert create) and reload the agent"
		switch name := cert.Subject.CommonName; {
		case left <= 0:
			c.add(problem, cure, "the certificate %s has expired, on %s", name, cert.NotAfter.Format(time.DateOnly))
		case left < certificateProblem:
			c.add(problem, cure, "the certificate %s expires in %d hours", name, int(left.Hours()))
		case left < certificateWarning:
			c.add(warning, cure, "the certificate %s expires in %d days", name, int(left.Hours())/24)
		default:
			c.add(fine, "", "%s is valid until %s", name, cert.NotAfter.Format(time.DateOnly))
		}
	}
}
