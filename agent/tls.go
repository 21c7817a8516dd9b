package agent

import (
	"crypto/tls"
	"errors"
	"fmt"

	"praetor/agent/config"
	"praetor/internal/tlsconf"
)

// secured is what the agent's listeners and connections are secured with.
type secured struct {
	peers *tlsconf.Source // between agents, and of checks with enable_agent_tls_for_checks
	https *tlsconf.Source
	dns   *tlsconf.Source // over TLS, with the settings of HTTPS
	grpc  *tlsconf.Source
}

// dnsProtocol is DNS over TLS in the ALPN registry.
const dnsProtocol = "dot"

// each calls f for every source with the settings that it is to have, until one fails:
// they share most of their files.
func (s *secured) each(rt *config.Runtime, f func(source **tlsconf.Source, opts tlsconf.Options) error) error {
	peers := tlsOptions(rt, &rt.TLS.InternalRPC)
	peers.AskClients, peers.Domain = true, rt.Domain
	peers.VerifyOutgoing, peers.VerifyServerHostname = rt.TLS.InternalRPC.VerifyOutgoing, rt.TLS.InternalRPC.VerifyServerHostname
	for _, each := range []struct {
		source **tlsconf.Source
		opts   tlsconf.Options
	}{
		{&s.peers, peers},
		{&s.https, tlsOptions(rt, &rt.TLS.HTTPS, "h2", "http/1.1")},
		{&s.dns, tlsOptions(rt, &rt.TLS.HTTPS, dnsProtocol)},
		{&s.grpc, tlsOptions(rt, &rt.TLS.GRPC, "h2")},
	} {
		if err := f(each.source, each.opts); err != nil {
			return err
		}
	}
	return nil
}

// CheckTLS reports whether an agent could be opened, as far as certificates and
// authorities go.
func CheckTLS(rt *config.Runtime) error { return new(secured).open(rt) }

func (s *secured) open(rt *config.Runtime) error {
	return s.each(rt, func(source **tlsconf.Source, opts tlsconf.Options) (err error) {
		*source, err = tlsconf.Open(opts)
		return err
	})
}

func tlsOptions(rt *config.Runtime, t *config.TLSStanza, protocols ...string) tlsconf.Options {
	return tlsconf.Options{
		CAFile: t.CAFile, CAPath: t.CAPath, CertFile: t.CertFile, KeyFile: t.KeyFile,
		MinVersion: t.MinVersion, CipherSuites: t.CipherSuites, Curves: t.Curves, VerifyIncoming: t.VerifyIncoming,
		NextProtos: protocols, Awaits: rt.AutoEncrypt.TLS,
	}
}

// openTLS reads all certificates and authorities.
func (a *Agent) openTLS(rt *config.Runtime) error {
	if err := a.tls.open(rt); err != nil {
		return err
	}
	if len(rt.HTTPSAddrs) > 0 && !a.tls.https.Serves() && !rt.AutoEncrypt.TLS {
		a.logger.Warn("HTTPS is not served: it has a port but no certificate; set tls.https.cert_file and tls.https.key_file")
	}
	a.warnCertificate(rt)
	return nil
}

// httpsAddrs are where HTTPS is really served.
func (a *Agent) httpsAddrs(rt *config.Runtime) []config.Addr {
	if !a.tls.https.Serves() {
		return nil
	}
	return rt.HTTPSAddrs
}

// prepareTLS reads certificates and authorities again; use puts them in force. It
// cannot turn a listener on or off (reference/config.md §4).
func (a *Agent) prepareTLS(rt *config.Runtime) (use func(), err error) {
	var uses []func() bool
	err = a.tls.each(rt, func(source **tlsconf.Source, opts tlsconf.Options) error {
		use, err := (*source).Prepare(opts)
		uses = append(uses, use)
		return err
	})
	if err == nil && len(a.bound.https) > 0 && rt.TLS.HTTPS.CertFile == "" && !rt.AutoEncrypt.TLS {
		err = errors.New("HTTPS is served, and has no certificate any more: a restart without ports.https ends it")
	}
	if err != nil {
		return nil, fmt.Errorf("Failed reloading tls configuration: %w", err)
	}
	return func() {
		changed := uses[0]()
		for _, use := range uses[1:] {
			use()
		}
		if changed {
			a.redial(rt)
		}
	}, nil
}

// redial makes new connections to servers, as the settings of TLS want them now.
func (a *Agent) redial(rt *config.Runtime) {
	a.warnCertificate(rt)
	if a.server == nil {
		a.router.Redial()
		return
	}
	a.server.Redial()
	said := *a.runtime.Load()
	if said.TLS.InternalRPC.VerifyOutgoing == rt.TLS.InternalRPC.VerifyOutgoing {
		return
	}
	said.TLS = rt.TLS
	err := a.lan.SetTags(a.tags(&said, true))
	if a.wan != nil {
		err = errors.Join(err, a.wan.SetTags(a.tags(&said, false)))
	}
	if err != nil {
		a.logger.Warn("Other members are not told that this server speaks TLS", "error", err)
	}
}

// warnCertificate says what will keep others from talking to this server.
func (a *Agent) warnCertificate(rt *config.Runtime) {
	if cert := a.tls.peers.Certificate(); rt.Server && cert != nil && !a.tls.peers.IsServer(cert, rt.Datacenter) {
		a.logger.Warn("the certificate of tls.internal_rpc is not that of a server: others that verify names refuse this one",
			"names", cert.DNSNames, "needed", tlsconf.ServerName(rt.Datacenter, rt.Domain))
	}
}

// checkTLS is what checks over TLS start from.
func (a *Agent) checkTLS(rt *config.Runtime) func() *tls.Config {
	if !rt.Checks.UseAgentTLS {
		return nil
	}
	return func() *tls.Config {
		conf := a.tls.peers.Client()
		conf.ServerName = rt.ServerName
		return conf
	}
}
