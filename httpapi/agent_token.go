package httpapi

import "praetor/internal/fault"

// Tokens keeps the secrets that the agent itself uses.
type Tokens interface {
	// SetToken replaces one; "" takes it away. It returns when the change would
	// outlast a restart, if it is to.
	SetToken(kind TokenKind, secret string) error
}

// TokenKind says what a token is for.
type TokenKind string

// The kinds, under the names by which they are kept (reference/config.md §3).
const (
	TokenDefault     TokenKind = "default"
	TokenAgent       TokenKind = "agent"
	TokenRecovery    TokenKind = "agent_recovery"
	TokenReplication TokenKind = "replication"
	TokenDNS         TokenKind = "dns"
	TokenConfigFile  TokenKind = "config_file_service_registration"
)

// tokenKinds has every name that requests use (reference/http-agent.md §2).
var tokenKinds = map[string]TokenKind{
	"default": TokenDefault, "acl_token": TokenDefault,
	"agent": TokenAgent, "acl_agent_token": TokenAgent,
	"agent_recovery": TokenRecovery, "agent_master": TokenRecovery, "acl_agent_master_token": TokenRecovery,
	"replication": TokenReplication, "acl_replication_token": TokenReplication,
	"dns": TokenDNS, "dns_token": TokenDNS,
	"config_file_service_registration": TokenConfigFile,
}

func agentToken(x *exchange) error {
	if err := x.mayWriteAgent(); err != nil {
		return err
	}
	var body struct{ Token string }
	if err := x.decode(&body); err != nil {
		return err
	}
	kind, known := tokenKinds[x.name]
	if !known {
		return fault.New(fault.NotFound, "Token %q is unknown", x.name)
	}
	return x.api.opts.Tokens.SetToken(kind, body.Token)
}
