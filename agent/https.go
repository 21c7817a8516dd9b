package agent

import (
	"fmt"

	"praetor/agent/config"
	"praetor/internal/tlsconf"
)

// openTLS reads the certificates of the HTTPS listener, if there are any.
func (a *Agent) openTLS(rt *config.Runtime) error {
	if len(rt.HTTPSAddrs) == 0 {
		return nil
	}
	if t := &rt.TLS.HTTPS; t.CertFile == "" && t.KeyFile == "" {
		a.logger.Warn("HTTPS is not served: it has a port but no certificate; set tls.https.cert_file and tls.https.key_file")
		return nil
	}
	var err error
	if a.certs, err = tlsconf.Open(httpsOptions(rt)); err != nil {
		return fmt.Errorf("read certificates of HTTPS: %w", err)
	}
	return nil
}

// httpsAddrs are where HTTPS is really served.
func (a *Agent) httpsAddrs(rt *config.Runtime) []config.Addr {
	if a.certs == nil {
		return nil
	}
	return rt.HTTPSAddrs
}

// reloadTLS reads certificates again; it cannot turn TLS on or off
// (reference/config.md §4).
func (a *Agent) reloadTLS(rt *config.Runtime) error {
	if a.certs != nil {
		if err := a.certs.Load(httpsOptions(rt)); err != nil {
			return fmt.Errorf("reload certificates of HTTPS: %w", err)
		}
	}
	if a.ours != nil {
		if err := a.ours.Load(checkTLSOptions(rt)); err != nil {
			return fmt.Errorf("reload certificate of checks: %w", err)
		}
	}
	return nil
}

func httpsOptions(rt *config.Runtime) tlsconf.Options {
	t := &rt.TLS.HTTPS
	return tlsconf.Options{
		Name: "tls.https", CAFile: t.CAFile, CAPath: t.CAPath, CertFile: t.CertFile, KeyFile: t.KeyFile,
		MinVersion: t.MinVersion, CipherSuites: t.CipherSuites, VerifyIncoming: t.VerifyIncoming,
		NextProtos: []string{"h2", "http/1.1"},
	}
}
