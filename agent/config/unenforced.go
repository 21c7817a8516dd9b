package config

import "os"

// unenforced lists the settings that ask for security which this build cannot give.
// An agent that started all the same would be open while its configuration says that
// it is not; so it does not start. Each entry goes with the change that brings what it
// asks for.
var unenforced = []struct {
	asks  string // what the operator wants
	asked func(b *builder) (key string, yes bool)
}{
	{"that this agent gets its configuration, certificate and keys from the servers", func(b *builder) (string, bool) {
		return "auto_config.enabled", val(b.s.AutoConfig.Enabled)
	}},
	{"that this server gives configurations to those who show a token", func(b *builder) (string, bool) {
		return "auto_config.authorization.enabled", val(b.s.AutoConfig.Authorization.Enabled)
	}},
}

// validateAutoConfig holds what Consul asks of who gets its configuration from servers,
// and of who gives it.
func (b *builder) validateAutoConfig() {
	c := &b.s.AutoConfig
	token := val(c.IntroToken) != "" || val(c.IntroTokenFile) != "" || os.Getenv("CONSUL_INTRO_TOKEN") != ""
	switch {
	case val(c.Authorization.Enabled) && !b.rt.Server:
		b.refuse("auto_config.authorization.enabled", "auto_config.authorization.enabled can only be used on a server")
	case !val(c.Enabled):
	case b.rt.Server:
		b.refuse("auto_config.enabled", "auto_config.enabled can only be used on a client")
	case !b.rt.TLS.InternalRPC.VerifyOutgoing:
		b.refuse("auto_config.enabled", "auto_config.enabled needs tls.internal_rpc.verify_outgoing: the token is for nobody else")
	case !token:
		b.refuse("auto_config.enabled", "auto_config.enabled needs an intro_token, an intro_token_file or CONSUL_INTRO_TOKEN")
	case len(c.ServerAddresses) == 0:
		b.refuse("auto_config.enabled", "auto_config.enabled needs server_addresses")
	}
}

// refuseUnenforced keeps an agent from starting without the security that it was
// configured for. Validate, which may run before this build is rolled out, warns.
func (b *builder) refuseUnenforced() {
	b.validateAutoConfig()
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
