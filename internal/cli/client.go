package cli

import (
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/hashicorp/consul/api"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// clientAnnotation marks the flags that help lists under HTTP API Options.
const clientAnnotation = "http-api-option"

// defaultAddress is where commands look for an agent that nothing else is said of.
const defaultAddress = "127.0.0.1:8500"

// client is the flags of commands that talk to an agent (reference/cli.md §1.4).
type client struct {
	httpAddr, token, tokenFile       string
	caFile, caPath, tlsServerName    string
	clientCert, clientKey            string
	datacenter, namespace, partition string
	stale                            boolean
	answered                         func(http.Header) // is told the headers of each answer, if it is set
	anonymous                        bool              // no token is sent, whatever flags and environment say
}

// register adds the flags every such command has.
func (c *client) register(cmd *cobra.Command) {
	fs := clientFlags(cmd)
	fs.StringVar(&c.httpAddr, "http-addr", "", "The address and port of the agent's HTTP API: an IP address, a DNS name, or unix:///path. Also CONSUL_HTTP_ADDR; the default is http://127.0.0.1:8500, or https:// with CONSUL_HTTP_SSL=true.")
	fs.StringVar(&c.token, "token", "", "ACL token to use in the request. Also CONSUL_HTTP_TOKEN. If unspecified, the agent's own token is used.")
	fs.StringVar(&c.tokenFile, "token-file", "", "File with the ACL token, instead of -token. Also CONSUL_HTTP_TOKEN_FILE.")
	fs.StringVar(&c.caFile, "ca-file", "", "Path to a CA file to verify the agent with. Also CONSUL_CACERT.")
	fs.StringVar(&c.caPath, "ca-path", "", "Path to a directory of CA certificates to verify the agent with. Also CONSUL_CAPATH.")
	fs.StringVar(&c.clientCert, "client-cert", "", "Path to a client certificate, for agents that verify incoming connections. Also CONSUL_CLIENT_CERT.")
	fs.StringVar(&c.clientKey, "client-key", "", "Path to the client certificate's key. Also CONSUL_CLIENT_KEY.")
	fs.StringVar(&c.tlsServerName, "tls-server-name", "", "The server name to use as the SNI host over TLS. Also CONSUL_TLS_SERVER_NAME.")
	adoptClientFlags(cmd, fs)
}

// registerServer adds the flags of commands that servers answer.
func (c *client) registerServer(cmd *cobra.Command) {
	fs := clientFlags(cmd)
	fs.StringVar(&c.datacenter, "datacenter", "", "Name of the datacenter to query; the agent's own if unspecified.")
	boolVar(fs, &c.stale, "stale", "Permit any server (non-leader) to answer.")
	adoptClientFlags(cmd, fs)
}

// registerNamespace and registerPartition add flags that other editions use.
func (c *client) registerNamespace(cmd *cobra.Command) {
	fs := clientFlags(cmd)
	fs.StringVar(&c.namespace, "namespace", "", "Namespace to use. Also CONSUL_NAMESPACE.")
	adoptClientFlags(cmd, fs)
}

func (c *client) registerPartition(cmd *cobra.Command) {
	fs := clientFlags(cmd)
	fs.StringVar(&c.partition, "partition", "", "Admin partition to use. Also CONSUL_PARTITION.")
	adoptClientFlags(cmd, fs)
}

func clientFlags(cmd *cobra.Command) *pflag.FlagSet {
	return pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
}

func adoptClientFlags(cmd *cobra.Command, fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) {
		f.Annotations = map[string][]string{clientAnnotation: {"true"}}
		cmd.Flags().AddFlag(f)
	})
}

func isClientFlag(f *pflag.Flag) bool { return f.Annotations[clientAnnotation] != nil }

// environment holds the variables that the client library reads itself. Each
// has a PRAETOR_ twin that is looked at first.
var environment = []string{
	api.HTTPAddrEnvName, api.HTTPTokenEnvName, api.HTTPTokenFileEnvName, api.HTTPAuthEnvName,
	api.HTTPSSLEnvName, api.HTTPSSLVerifyEnvName, api.HTTPCAFile, api.HTTPCAPath,
	api.HTTPClientCert, api.HTTPClientKey, api.HTTPTLSServerName,
	api.HTTPNamespaceEnvName, api.HTTPPartitionEnvName,
}

// adoptEnvironment copies PRAETOR_X over CONSUL_X.
func adoptEnvironment() {
	for _, name := range environment {
		if v, ok := os.LookupEnv("PRAETOR_" + strings.TrimPrefix(name, "CONSUL_")); ok {
			os.Setenv(name, v)
		}
	}
}

// open returns the client library set up as flags and environment say.
func (c *client) open() (*api.Client, error) { return c.openWith(nil) }

// openWith is open for requests with parameters that the library does not know:
// they are added to each.
func (c *client) openWith(parameters url.Values) (*api.Client, error) {
	adoptEnvironment()
	if c.anonymous {
		os.Unsetenv(api.HTTPTokenEnvName) // which the library takes up by itself
		os.Unsetenv(api.HTTPTokenFileEnvName)
		c.token, c.tokenFile = "", ""
	}
	cfg := api.DefaultConfig()
	if os.Getenv(api.HTTPAddrEnvName) == "" {
		cfg.Address = defaultAddress // the library's localhost takes a hosts file
	}
	override(&cfg.Address, c.httpAddr)
	override(&cfg.Token, c.token)
	override(&cfg.TokenFile, c.tokenFile)
	override(&cfg.TLSConfig.CAFile, c.caFile)
	override(&cfg.TLSConfig.CAPath, c.caPath)
	override(&cfg.TLSConfig.CertFile, c.clientCert)
	override(&cfg.TLSConfig.KeyFile, c.clientKey)
	override(&cfg.TLSConfig.Address, c.tlsServerName)
	override(&cfg.Datacenter, c.datacenter)
	override(&cfg.Namespace, c.namespace)
	override(&cfg.Partition, c.partition)
	if c.token != "" && c.tokenFile == "" {
		// -token beats a token file from the environment.
		cfg.TokenFile = ""
	}
	cl, err := api.NewClient(cfg)
	if err != nil {
		return nil, fail("Error connecting to Consul agent: %s", err)
	}
	cfg.HttpClient.Transport = naming{cfg.HttpClient.Transport}
	if len(parameters) > 0 {
		cfg.HttpClient.Transport = adding{cfg.HttpClient.Transport, parameters}
	}
	if c.answered != nil {
		cfg.HttpClient.Transport = noting{cfg.HttpClient.Transport, c.answered}
	}
	return cl, nil
}

// adding adds parameters to the query of each request.
type adding struct {
	http.RoundTripper
	parameters url.Values
}

// RoundTrip implements http.RoundTripper, which forbids to change r itself.
func (a adding) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += a.parameters.Encode()
	return a.RoundTripper.RoundTrip(r)
}

// noting shows the headers of answers, which the library keeps to itself.
type noting struct {
	http.RoundTripper
	answered func(http.Header)
}

// RoundTrip implements http.RoundTripper.
func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := n.RoundTripper.RoundTrip(r)
	if err == nil {
		n.answered(resp.Header)
	}
	return resp, err
}

func override(field *string, flag string) {
	if flag != "" {
		*field = flag
	}
}

// askAgent asks the agent who it is: the commands that Consul lets do so need
// agent:read beside their own rights (reference/security.md §4.2).
func askAgent(cl *api.Client) (self map[string]map[string]any, err error) {
	if self, err = cl.Agent().Self(); err != nil {
		return nil, fail("Error querying Consul agent: %s", err)
	}
	return self, nil
}

func (c *client) query() *api.QueryOptions { return &api.QueryOptions{AllowStale: bool(c.stale)} }
