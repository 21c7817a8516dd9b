package cli

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"

	"praetor/internal/durable"
)

type loginOptions struct {
	client    client
	method    string
	kind      string // -type; nobody judges it
	sink      string
	bearer    string
	meta      pairs
	fromCloud bool // -aws-auto-bearer-token
}

func newLoginCommand() *cobra.Command {
	var opts loginOptions
	cmd := &cobra.Command{
		Use:   "login [options]",
		Short: "Get a token for a proof of who one is",
		Long: `Hands a proof of who one is (a JWT, or the token of a Kubernetes service account)
to an auth method, and writes the secret of the token it makes into a file that
only its owner may read. praetor logout ends that token.`,
		Example: `praetor login -method=ci -bearer-token-file=ci.jwt -token-sink-file=token
praetor kv get -token-file=token app/config
praetor logout -token-file=token`,
		RunE: func(cmd *cobra.Command, args []string) error { return runLogin(args, opts) },
	}
	opts.client.register(cmd)
	opts.client.registerServer(cmd)
	opts.client.registerNamespace(cmd)
	opts.client.registerPartition(cmd)
	fs := cmd.Flags()
	fs.StringVar(&opts.method, "method", "", "Name of the auth method.")
	fs.StringVar(&opts.kind, "type", "", "Type of the auth method; not needed.")
	fs.StringVar(&opts.sink, "token-sink-file", "", "File to write the token's secret to.")
	fs.StringVar(&opts.bearer, "bearer-token-file", "", "File with the proof.")
	fs.Var(&opts.meta, "meta", "What to note on the token, KEY=VALUE. May be repeated.")
	fs.BoolVar(&opts.fromCloud, "aws-auto-bearer-token", false, "Not part of this version: sign a request to AWS, and give it to -bearer-token-file.")
	return cmd
}

func runLogin(args []string, opts loginOptions) error {
	switch {
	case len(args) > 0:
		return fail("Should have no non-flag arguments.")
	case opts.method == "":
		return misused("Missing required '-method' flag")
	case opts.sink == "":
		return misused("Missing required '-token-sink-file' flag")
	case opts.fromCloud:
		return fail("-aws-auto-bearer-token is not part of this version: sign the request with the tools of AWS, and give it with -bearer-token-file")
	case opts.bearer == "":
		return misused("Missing required '-bearer-token-file' flag")
	}
	proof, err := os.ReadFile(opts.bearer)
	if err != nil {
		return fail("%s", err)
	}
	if proof = bytes.TrimSpace(proof); len(proof) == 0 {
		return fail("No bearer token found in %s", opts.bearer)
	}
	opts.client.anonymous = true
	cl, err := opts.client.open()
	if err != nil {
		return err
	}
	token, _, err := cl.ACL().Login(&api.ACLLoginParams{AuthMethod: opts.method, BearerToken: string(proof), Meta: opts.meta.values}, nil)
	if err != nil {
		return fail("Error logging in: %s", err)
	}
	if err := saveSecret(opts.sink, token.SecretID); err != nil {
		return fail("Error writing token to file sink: %s", err)
	}
	return nil
}

// saveSecret writes a secret for its owner's eyes, in a folder that it makes.
func saveSecret(path, secret string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, []byte(secret), 0o600)
}

func newLogoutCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:     "logout [options]",
		Short:   "End the token of a login",
		Long:    "Ends the token that the request brings. It must be one that praetor login made.",
		Example: "praetor logout -token-file=token",
		RunE:    func(cmd *cobra.Command, args []string) error { return runLogout(args, c) },
	}
	c.register(cmd)
	c.registerServer(cmd)
	c.registerNamespace(cmd)
	c.registerPartition(cmd)
	return cmd
}

func runLogout(args []string, c client) error {
	if len(args) > 0 {
		return fail("Should have no non-flag arguments.")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	if _, err := cl.ACL().Logout(nil); err != nil {
		return fail("Error destroying token: %s", err)
	}
	return nil
}
