package config

import (
	"cmp"
	"net"
	"slices"
	"strings"

	"praetor/internal/tlsconf"
)

const defaultMinVersion = "TLSv1_2"

var tlsVersions = []string{"TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"}

// tlsSuites are the suites that may be chosen; those of TLS 1.3 are fixed.
var tlsSuites = []string{
	"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
	"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
	"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
}

func (b *builder) tls() {
	t := &b.s.TLS
	b.tlsMisplaced()
	b.rt.TLS = TLS{
		InternalRPC: b.tlsStanza("tls.internal_rpc", &t.InternalRPC),
		HTTPS:       b.tlsStanza("tls.https", &t.HTTPS),
		GRPC:        b.tlsStanza("tls.grpc", &t.GRPC),
	}
	b.rt.TLS.HTTPS.VerifyServerHostname = false
	b.rt.TLS.GRPC.VerifyServerHostname = false
	b.rt.TLS.GRPC.VerifyOutgoing = false
	rpc := &b.rt.TLS.InternalRPC
	rpc.VerifyOutgoing = rpc.VerifyOutgoing || rpc.VerifyServerHostname
	b.autoEncrypt()
	if b.rt.TLS.GRPC.CertFile != "" && b.s.Ports.GRPCTLS == nil && b.rt.Ports.GRPC > 0 && !b.rt.Server {
		b.refuse("tls.grpc.cert_file", "the `ports.grpc` listener no longer supports TLS. Use `ports.grpc_tls` instead. This message is appearing because GRPC is configured to use TLS, but `ports.grpc_tls` is not defined")
	}
}

// autoEncrypt reads who gives and gets certificates. Who gets one speaks TLS to servers, and
// knows them by a CA file: the token that he shows them is for nobody else.
func (b *builder) autoEncrypt() {
	e := &b.s.AutoEncrypt
	b.rt.AutoEncrypt = AutoEncrypt{TLS: val(e.TLS), AllowTLS: val(e.AllowTLS) && b.rt.Server, DNSSAN: e.DNSSAN}
	for _, text := range e.IPSAN {
		ip := net.ParseIP(text)
		if ip == nil {
			b.refuse("auto_encrypt.ip_san", "auto_encrypt.ip_san: %q is no IP address", text)
			continue
		}
		b.rt.AutoEncrypt.IPSAN = append(b.rt.AutoEncrypt.IPSAN, ip)
	}
	if b.rt.Server && b.rt.AutoEncrypt.TLS {
		b.refuse("", "auto_encrypt.tls can only be used on a client.")
	}
	if b.rt.AutoEncrypt.TLS {
		b.rt.TLS.InternalRPC.VerifyOutgoing = true
	}
}

// tlsMisplaced refuses keys in stanzas where they mean nothing. Its texts are Consul's,
// whole.
func (b *builder) tlsMisplaced() {
	t := &b.s.TLS
	if t.GRPC.VerifyOutgoing != nil {
		b.refuse("", "verify_outgoing is not valid in the tls.grpc stanza")
	}
	for _, set := range []*bool{t.HTTPS.VerifyServerHostname, t.GRPC.VerifyServerHostname} {
		if set != nil {
			b.refuse("", "verify_server_hostname is only valid in the tls.defaults and tls.internal_rpc stanzas")
		}
	}
	for _, set := range []*bool{t.Defaults.UseAutoCert, t.InternalRPC.UseAutoCert, t.HTTPS.UseAutoCert} {
		if set != nil {
			b.refuse("", "use_auto_cert is only valid in the tls.grpc stanza")
		}
	}
}

// tlsStanza fills a listener's settings from tls.defaults, key by key.
func (b *builder) tlsStanza(name string, own *tlsStanza) TLSStanza {
	d := &b.s.TLS.Defaults
	out := TLSStanza{
		CAFile:               either(own.CAFile, d.CAFile),
		CAPath:               either(own.CAPath, d.CAPath),
		CertFile:             either(own.CertFile, d.CertFile),
		KeyFile:              either(own.KeyFile, d.KeyFile),
		MinVersion:           cmp.Or(val(own.MinVersion), val(d.MinVersion), defaultMinVersion),
		VerifyIncoming:       either(own.VerifyIncoming, d.VerifyIncoming),
		VerifyOutgoing:       either(own.VerifyOutgoing, d.VerifyOutgoing),
		VerifyServerHostname: either(own.VerifyServerHostname, d.VerifyServerHostname),
		UseAutoCert:          val(own.UseAutoCert),
	}
	if !slices.Contains(tlsVersions, out.MinVersion) {
		key := b.tlsKey(name, "tls_min_version")
		b.fail("", "%s: invalid TLS version: no matching TLS version found for %s, please specify one of [%s]", key, out.MinVersion, strings.Join(tlsVersions, ", "))
	}
	out.CipherSuites = b.cipherSuites(b.tlsKey(name, "tls_cipher_suites"), either(own.CipherSuites, d.CipherSuites), out.MinVersion)
	key := b.tlsKey(name, "tls_ecdh_curves")
	for curve := range strings.SplitSeq(either(own.Curves, d.Curves), ",") {
		if curve = strings.TrimSpace(curve); curve == "" {
			continue
		}
		if _, err := tlsconf.Curve(curve); err != nil {
			b.fail("", "%s: %s", key, err)
		}
		out.Curves = append(out.Curves, curve)
	}
	return out
}

// tlsKey names the key that decides for a stanza: its own, or the default's.
func (b *builder) tlsKey(stanza, leaf string) string {
	if key := stanza + "." + leaf; b.origins[key] != "" {
		return key
	}
	return "tls.defaults." + leaf
}

func (b *builder) cipherSuites(key, text, minVersion string) []string {
	var out []string
	for _, suite := range strings.Split(text, ",") {
		suite = strings.TrimSpace(suite)
		if suite == "" {
			continue
		}
		if !slices.Contains(tlsSuites, suite) {
			b.fail("", "%s: invalid TLS cipher suites: no matching Consul Agent TLS cipher suite found for %s", key, suite)
			continue
		}
		out = append(out, suite)
	}
	if len(out) > 0 && minVersion == "TLSv1_3" {
		b.fail("", "%s: TLS 1.3 cipher suites are not configurable", key)
	}
	return out
}

// either returns what own points to, else what otherwise points to, else zero.
func either[T any](own, otherwise *T) T {
	if own != nil {
		return *own
	}
	return val(otherwise)
}
