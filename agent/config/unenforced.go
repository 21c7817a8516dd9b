package config

// unenforced lists the settings that ask for security which this build cannot give.
// An agent that started all the same would be open while its configuration says that
// it is not; so it does not start. Each entry goes with the change that brings what it
// asks for.
var unenforced = []struct {
	asks  string // what the operator wants
	asked func(b *builder) (key string, yes bool)
}{
	{peersShow, func(b *builder) (string, bool) {
		return b.tlsKey("tls.internal_rpc", "verify_incoming"), b.rt.TLS.InternalRPC.VerifyIncoming
	}},
	{peersShow, func(b *builder) (string, bool) {
		return b.tlsKey("tls.grpc", "verify_incoming"), b.rt.TLS.GRPC.VerifyIncoming
	}},
	{"that agents speak TLS to each other and check certificates", func(b *builder) (string, bool) {
		t := &b.s.TLS
		return b.tlsKey("tls.internal_rpc", "verify_outgoing"), either(t.InternalRPC.VerifyOutgoing, t.Defaults.VerifyOutgoing)
	}},
	{"that only certificates named server.DC.DOMAIN pass for a server's", func(b *builder) (string, bool) {
		return b.tlsKey("tls.internal_rpc", "verify_server_hostname"), b.rt.TLS.InternalRPC.VerifyServerHostname
	}},
	{"that this agent gets its certificate from the servers and speaks TLS to them", func(b *builder) (string, bool) {
		return "auto_encrypt.tls", val(b.s.AutoEncrypt.TLS)
	}},
	{"that this server gives certificates to client agents", func(b *builder) (string, bool) {
		return "auto_encrypt.allow_tls", val(b.s.AutoEncrypt.AllowTLS)
	}},
	{"that this agent gets its configuration, certificate and keys from the servers", func(b *builder) (string, bool) {
		return "auto_config.enabled", val(b.s.AutoConfig.Enabled)
	}},
	{"that this server gives configurations to those who show a token", func(b *builder) (string, bool) {
		return "auto_config.authorization.enabled", val(b.s.AutoConfig.Authorization.Enabled)
	}},
}

// peersShow is asked of two listeners, often by one key: one line tells it.
const peersShow = "that whoever connects to internal RPC (ports.server) or gRPC shows a certificate"

// refuseUnenforced keeps an agent from starting without the security that it was
// configured for. Validate, which may run before this build is rolled out, warns.
func (b *builder) refuseUnenforced() {
	const text = "%s asks %s: this build of Praetor cannot enforce that, and does not start as if it did; remove the setting to run without it, or keep this agent on Consul until there is a build that can"
	for _, u := range unenforced {
		key, yes := u.asked(b)
		if !yes || b.env.enforces {
			continue
		}
		b.refused = append(b.refused, key)
		if b.starting {
			b.refuse(key, text, key, u.asks)
		} else {
			b.warnOnce(text, key, u.asks)
		}
	}
}
