package config

import (
	"slices"
	"strings"
)

// oldTLSVersions are names that only the old top-level key accepts.
var oldTLSVersions = map[string]string{"tls10": "TLSv1_0", "tls11": "TLSv1_1", "tls12": "TLSv1_2", "tls13": "TLSv1_3"}

// renameDeprecated moves the values of old keys to the new ones, which win
// when both are set (reference/config.md §2.9, §3, §4).
func (b *builder) renameDeprecated() {
	s, old := b.s, &b.s.deprecatedSettings
	b.renameList(&s.RetryJoinLAN, old.StartJoinLAN, "start_join", "retry_join")
	b.renameList(&s.RetryJoinWAN, old.StartJoinWAN, "start_join_wan", "retry_join_wan")
	rename(b, &s.UIConfig.Enabled, old.UI, "ui", "ui_config.enabled")
	rename(b, &s.UIConfig.Dir, old.UIDir, "ui_dir", "ui_config.dir")
	rename(b, &s.UIConfig.ContentPath, old.UIContentPath, "ui_content_path", "ui_config.content_path")
	rename(b, &s.RaftLogStore.BoltDB.NoFreelistSync, s.RaftBoltDB.NoFreelistSync, "raft_boltdb.NoFreelistSync", "raft_logstore.boltdb.no_freelist_sync")
	b.renameACL()
	b.renameTLS()
	if s.TLSPreferServerSuites != nil {
		b.warn("The 'tls_prefer_server_cipher_suites' field is deprecated and will be ignored.")
	}
	if s.ACLEnforceVersion8 != nil {
		b.warn("The 'acl_enforce_version_8' field is deprecated and will be ignored.")
	}
}

// rename moves the value of an old key, unless a source set the new one.
func rename[T any](b *builder, to **T, from *T, oldKey, newKey string) {
	if from == nil {
		return
	}
	b.warn("The '%s' field is deprecated. Use the '%s' field instead.", oldKey, newKey)
	origin := b.origins[newKey]
	if *to == nil || origin == originDefaults || origin == originDev {
		*to = from
		b.origins[newKey] = b.origins[oldKey]
	}
}

func (b *builder) renameList(to *[]string, from []string, oldKey, newKey string) {
	if len(from) > 0 {
		b.warn("The '%s' field is deprecated. Use the '%s' field instead.", oldKey, newKey)
		*to = append(slices.Clone(*to), from...)
	}
}

func (b *builder) renameACL() {
	s, old, acl := b.s, &b.s.deprecatedSettings, &b.s.ACL
	yes := true
	if old.ACLDatacenter != nil {
		rename(b, &s.PrimaryDatacenter, old.ACLDatacenter, "acl_datacenter", "primary_datacenter")
		if o := b.origins["acl.enabled"]; o == "" || o == originDefaults {
			acl.Enabled = &yes
		}
	}
	tokens := &acl.Tokens
	rename(b, &tokens.Default, old.ACLToken, "acl_token", "acl.tokens.default")
	rename(b, &tokens.Agent, old.ACLAgentToken, "acl_agent_token", "acl.tokens.agent")
	rename(b, &tokens.AgentRecovery, old.ACLAgentMasterToken, "acl_agent_master_token", "acl.tokens.agent_recovery")
	rename(b, &tokens.AgentRecovery, tokens.AgentMaster, "acl.tokens.agent_master", "acl.tokens.agent_recovery")
	rename(b, &tokens.InitialManagement, old.ACLMasterToken, "acl_master_token", "acl.tokens.initial_management")
	rename(b, &tokens.InitialManagement, tokens.Master, "acl.tokens.master", "acl.tokens.initial_management")
	rename(b, &acl.EnableTokenReplication, old.EnableACLReplication, "enable_acl_replication", "acl.enable_token_replication")
	if old.ACLReplicationToken != nil {
		rename(b, &tokens.Replication, old.ACLReplicationToken, "acl_replication_token", "acl.tokens.replication")
		if acl.EnableTokenReplication == nil {
			acl.EnableTokenReplication = &yes
		}
	}
	rename(b, &acl.DefaultPolicy, old.ACLDefaultPolicy, "acl_default_policy", "acl.default_policy")
	rename(b, &acl.DownPolicy, old.ACLDownPolicy, "acl_down_policy", "acl.down_policy")
	rename(b, &acl.TokenTTL, old.ACLTTL, "acl_ttl", "acl.token_ttl")
	rename(b, &acl.EnableKeyListPolicy, old.ACLKeyListPolicy, "acl_enable_key_list_policy", "acl.enable_key_list_policy")
}

func (b *builder) renameTLS() {
	old, t := &b.s.deprecatedSettings, &b.s.TLS
	d := &t.Defaults
	if old.VerifyIncoming != nil && t.GRPC.VerifyIncoming == nil {
		no := false // the old key never spoke about gRPC
		t.GRPC.VerifyIncoming = &no
	}
	rename(b, &d.CAFile, old.CAFile, "ca_file", "tls.defaults.ca_file")
	rename(b, &d.CAPath, old.CAPath, "ca_path", "tls.defaults.ca_path")
	rename(b, &d.CertFile, old.CertFile, "cert_file", "tls.defaults.cert_file")
	rename(b, &d.KeyFile, old.KeyFile, "key_file", "tls.defaults.key_file")
	rename(b, &d.CipherSuites, old.TLSCipherSuites, "tls_cipher_suites", "tls.defaults.tls_cipher_suites")
	if v := old.TLSMinVersion; v != nil {
		if name, ok := oldTLSVersions[strings.ToLower(*v)]; ok {
			b.warn("'tls_min_version' value '%s' is deprecated, please specify '%s' instead", *v, name)
			v = &name
		}
		rename(b, &d.MinVersion, v, "tls_min_version", "tls.defaults.tls_min_version")
	}
	rename(b, &d.VerifyOutgoing, old.VerifyOutgoing, "verify_outgoing", "tls.defaults.verify_outgoing")
	rename(b, &d.VerifyIncoming, old.VerifyIncoming, "verify_incoming", "tls.defaults.verify_incoming")
	rename(b, &t.InternalRPC.VerifyIncoming, old.VerifyIncomingRPC, "verify_incoming_rpc", "tls.internal_rpc.verify_incoming")
	rename(b, &t.HTTPS.VerifyIncoming, old.VerifyIncomingHTTPS, "verify_incoming_https", "tls.https.verify_incoming")
	rename(b, &t.InternalRPC.VerifyServerHostname, old.VerifyServerHostname, "verify_server_hostname", "tls.internal_rpc.verify_server_hostname")
}
