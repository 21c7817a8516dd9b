package agent

import (
	"crypto/tls"
	"fmt"

	"praetor/agent/config"
	"praetor/internal/tlsconf"
)

// openCheckTLS reads what checks present and trust with
// enable_agent_tls_for_checks.
func (a *Agent) openCheckTLS(rt *config.Runtime) error {
	if !rt.Checks.UseAgentTLS {
		return nil
	}
	var err error
	if a.ours, err = tlsconf.Open(checkTLSOptions(rt)); err != nil {
		return fmt.Errorf("read certificate of checks: %w", err)
	}
	return nil
}

// checkTLS is what checks over TLS start from, nil for nothing.
func (a *Agent) checkTLS(rt *config.Runtime) *tls.Config {
	if a.ours == nil {
		return nil
	}
	conf := a.ours.Client()
	conf.ServerName = rt.ServerName
	return conf
}

func checkTLSOptions(rt *config.Runtime) tlsconf.Options {
	t := &rt.TLS.InternalRPC
	return tlsconf.Options{
		Name: "tls.internal_rpc", CAFile: t.CAFile, CAPath: t.CAPath, CertFile: t.CertFile, KeyFile: t.KeyFile,
		MinVersion: t.MinVersion, CipherSuites: t.CipherSuites, Anonymous: true,
	}
}
