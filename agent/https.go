package agent

import (
	"fmt"

	"praetor/agent/config"
	"praetor/internal/tlsconf"
)

// openTLS reads the certificates of HTTPS and DNS over TLS, if there are any.
func (a *Agent) openTLS(rt *config.Runtime) error {
	var err error
	if len(rt.DNSTLSAddrs) > 0 {
		if a.dnsCerts, err = tlsconf.Open(httpsOptions(rt, dnsProtocol)); err != nil {
			return fmt.Errorf("read certificates of DNS over TLS: %w", err)
		}
	}
	if len(rt.HTTPSAddrs) == 0 {
		return nil
	}
	if t := &rt.TLS.HTTPS; t.CertFile == "" && t.KeyFile == "" {
		a.logger.Warn("HTTPS is not served: it has a port but no certificate; set tls.https.cert_file and tls.https.key_file")
		return nil
	}
	if a.certs, err = tlsconf.Open(httpsOptions(rt, "h2", "http/1.1")); err != nil {
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

// prepareTLS reads certificates again; use puts them in force. It cannot turn
// TLS on or off (reference/config.md §4).
func (a *Agent) prepareTLS(rt *config.Runtime) (use func(), err error) {
	ofHTTPS, ofDNS, ofChecks := func() {}, func() {}, func() {}
	if a.certs != nil {
		if ofHTTPS, err = a.certs.Prepare(httpsOptions(rt, "h2", "http/1.1")); err != nil {
			return nil, fmt.Errorf("reload certificates of HTTPS: %w", err)
		}
	}
	if a.dnsCerts != nil {
		if ofDNS, err = a.dnsCerts.Prepare(httpsOptions(rt, dnsProtocol)); err != nil {
			return nil, fmt.Errorf("reload certificates of DNS over TLS: %w", err)
		}
	}
	if a.ours != nil {
		if ofChecks, err = a.ours.Prepare(checkTLSOptions(rt)); err != nil {
			return nil, fmt.Errorf("reload certificate of checks: %w", err)
		}
	}
	return func() { ofHTTPS(); ofDNS(); ofChecks() }, nil
}

// dnsProtocol is DNS over TLS in the ALPN registry.
const dnsProtocol = "dot"

func httpsOptions(rt *config.Runtime, protocols ...string) tlsconf.Options {
	t := &rt.TLS.HTTPS
	return tlsconf.Options{
		Name: "tls.https", CAFile: t.CAFile, CAPath: t.CAPath, CertFile: t.CertFile, KeyFile: t.KeyFile,
		MinVersion: t.MinVersion, CipherSuites: t.CipherSuites, VerifyIncoming: t.VerifyIncoming,
		NextProtos: protocols,
	}
}
