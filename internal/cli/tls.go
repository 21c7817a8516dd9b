package cli

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"praetor/internal/pki"
)

func newTLSCommand() *cobra.Command {
	return newGroup("tls", "Builtin helpers for creating CAs and certificates",
		`Makes a certificate authority, and certificates for servers, clients and the
command line, as files in the current folder. Nothing is overwritten.

  praetor tls ca create
  praetor tls cert create -server -dc=dc1`,
		addParseLine(newGroup("ca", "Helpers for CAs",
			"Makes certificate authorities.\n\n  praetor tls ca create", newTLSCACreateCommand())),
		addParseLine(newGroup("cert", "Helpers for certificates",
			"Makes certificates of an authority.\n\n  praetor tls cert create -server\n  praetor tls cert create -client", newTLSCertCreateCommand())))
}

type tlsCAOptions struct {
	days                          int
	domain, commonName, clusterID string
	constrained                   bool
	permitted                     list
}

func newTLSCACreateCommand() *cobra.Command {
	var opts tlsCAOptions
	cmd := &cobra.Command{
		Use:     "create [options]",
		Short:   "Create a new consul CA",
		Long:    "Makes a certificate authority: DOMAIN-agent-ca.pem, which every agent needs, and\nDOMAIN-agent-ca-key.pem, which is to be kept secret.",
		Example: "praetor tls ca create\npraetor tls ca create -domain=example -days=365 -name-constraint",
		RunE:    func(cmd *cobra.Command, args []string) error { return runTLSCACreate(cmd, opts) },
	}
	fs := cmd.Flags()
	fs.IntVar(&opts.days, "days", 1825, "For how many days the authority is valid.")
	fs.StringVar(&opts.domain, "domain", "consul", "DNS domain of the cluster; the files are named after it.")
	fs.StringVar(&opts.commonName, "common-name", "", "Common name of the authority. Default: Consul Agent CA and its serial number.")
	fs.StringVar(&opts.clusterID, "cluster-id", "", "Cluster ID: adds the name spiffe://ID.DOMAIN.")
	fs.BoolVar(&opts.constrained, "name-constraint", false, "The authority may vouch for names below the domain and localhost only.")
	fs.Var(&opts.permitted, "additional-name-constraint", "With -name-constraint: another domain it may vouch for. May be given several times.")
	return cmd
}

func runTLSCACreate(cmd *cobra.Command, opts tlsCAOptions) error {
	subject := pki.Subject{CommonName: opts.commonName}
	if opts.constrained {
		subject.DNSNames = append(slices.Clone(opts.permitted), opts.domain, "localhost")
	}
	if opts.clusterID != "" {
		subject.URI = &url.URL{Scheme: "spiffe", Host: opts.clusterID + "." + opts.domain}
	}
	valid, err := validDays(opts.days)
	if err != nil {
		return err
	}
	ca, err := pki.NewAuthority(subject, pki.Days(valid))
	if err != nil {
		return fail("Error creating CA: %s", err)
	}
	return savePair(cmd, opts.domain+"-agent-ca", ca.Pair)
}

func validDays(days int) (int, error) {
	const most = 100 * 365
	if days < 1 || days > most {
		return 0, fail("Invalid -days %d: a certificate is valid for 1 to %d days", days, most)
	}
	return days, nil
}

type tlsCertOptions struct {
	server, client, cli bool
	days                int
	ca, key             string
	datacenter, domain  string
	node                string
	names, addresses    list
}

func newTLSCertCreateCommand() *cobra.Command {
	var opts tlsCertOptions
	cmd := &cobra.Command{
		Use:   "create [options]",
		Short: "Create a new certificate",
		Long: `Makes a certificate for a server, a client agent or the command line, and its
key: DC-KIND-DOMAIN-N.pem and DC-KIND-DOMAIN-N-key.pem, N being the first free
number.`,
		Example: "praetor tls cert create -server -dc=dc1\npraetor tls cert create -client -additional-ipaddress=10.0.0.9\npraetor tls cert create -cli",
		RunE:    func(cmd *cobra.Command, args []string) error { return runTLSCertCreate(cmd, opts) },
	}
	fs := cmd.Flags()
	fs.BoolVar(&opts.server, "server", false, "For a server: whoever has it can become one.")
	fs.BoolVar(&opts.client, "client", false, "For a client agent.")
	fs.BoolVar(&opts.cli, "cli", false, "For people and programs that talk to agents over HTTPS.")
	fs.IntVar(&opts.days, "days", 365, "For how many days the certificate is valid.")
	fs.StringVar(&opts.ca, "ca", "#DOMAIN#-agent-ca.pem", "File of the authority's certificate.")
	fs.StringVar(&opts.key, "key", "#DOMAIN#-agent-ca-key.pem", "File of the authority's key.")
	fs.StringVar(&opts.datacenter, "dc", "dc1", "Datacenter of the agent.")
	fs.StringVar(&opts.domain, "domain", "consul", "DNS domain of the cluster.")
	fs.StringVar(&opts.node, "node", "", "With -server: also name this very server, NODE.server.DC.DOMAIN.")
	fs.Var(&opts.names, "additional-dnsname", "Another DNS name. May be given several times.")
	fs.Var(&opts.addresses, "additional-ipaddress", "Another IP address. May be given several times.")
	return cmd
}

// kind is the word that names and files have; "" unless exactly one was asked for.
func (o *tlsCertOptions) kind() string {
	kind := ""
	for _, k := range []struct {
		wanted bool
		name   string
	}{{o.server, "server"}, {o.client, "client"}, {o.cli, "cli"}} {
		switch {
		case k.wanted && kind != "":
			return ""
		case k.wanted:
			kind = k.name
		}
	}
	return kind
}

// subject is whom the certificate names, and what it may prove (reference/cli.md §12).
func (o *tlsCertOptions) subject() (pki.Subject, pki.Use, error) {
	s := pki.Subject{CommonName: o.kind() + "." + o.datacenter + "." + o.domain}
	if o.cli {
		s.DNSNames = []string{s.CommonName, "localhost"}
		return s, 0, nil
	}
	s.DNSNames = slices.Clone(o.names)
	if o.node != "" {
		s.DNSNames = append(s.DNSNames, o.node+"."+s.CommonName)
	}
	s.DNSNames = append(s.DNSNames, s.CommonName, "localhost")
	for _, text := range o.addresses {
		ip := net.ParseIP(text)
		if ip == nil {
			return s, 0, fail("Invalid -additional-ipaddress %q: it is no IP address", text)
		}
		s.IPs = append(s.IPs, ip)
	}
	s.IPs = append(s.IPs, net.IPv4(127, 0, 0, 1))
	return s, pki.Server | pki.Client, nil
}

const serverCertWarning = `==> WARNING: Server Certificates grants authority to become a
    server and access all state in the cluster including root keys
    and all ACL tokens. Do not distribute them to production hosts
    that are not server nodes. Store them as securely as CA keys.
`

func runTLSCertCreate(cmd *cobra.Command, opts tlsCertOptions) error {
	kind := opts.kind()
	switch {
	case kind == "":
		return fail("Please provide either -server, -client, or -cli")
	case opts.node != "" && !opts.server:
		return fail("-node requires -server")
	}
	caFile, keyFile := opts.authorityFiles(cmd)
	caPEM, keyPEM, err := readAuthority(caFile, keyFile)
	if err != nil {
		return err
	}
	subject, use, err := opts.subject()
	if err != nil {
		return err
	}
	valid, err := validDays(opts.days)
	if err != nil {
		return err
	}
	if opts.server {
		fmt.Fprint(cmd.OutOrStdout(), serverCertWarning)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "==> Using %s and %s\n", caFile, keyFile)
	ca, err := parseAuthority(caPEM, keyPEM)
	if err != nil {
		return err
	}
	pair, err := ca.Issue(subject, use, pki.Days(valid))
	if err != nil {
		return fail("Error creating certificate: %s", err)
	}
	name, err := firstFree(fmt.Sprintf("%s-%s-%s", opts.datacenter, kind, opts.domain))
	if err != nil {
		return err
	}
	return savePair(cmd, name, pair)
}

// authorityFiles are those given, else those of the domain.
func (o *tlsCertOptions) authorityFiles(cmd *cobra.Command) (cert, key string) {
	cert, key = o.domain+"-agent-ca.pem", o.domain+"-agent-ca-key.pem"
	if cmd.Flags().Changed("ca") {
		cert = o.ca
	}
	if cmd.Flags().Changed("key") {
		key = o.key
	}
	return cert, key
}

func readAuthority(certFile, keyFile string) (cert, key []byte, err error) {
	if cert, err = os.ReadFile(certFile); err != nil {
		return nil, nil, fail("Error reading CA: %s", err)
	}
	if key, err = os.ReadFile(keyFile); err != nil {
		return nil, nil, fail("Error reading CA key: %s", err)
	}
	return cert, key, nil
}

func parseAuthority(cert, key []byte) (*pki.Authority, error) {
	if block, _ := pem.Decode(cert); block == nil {
		return nil, fail("failed to parse CA: no PEM-encoded data found")
	}
	ca, err := pki.ReadAuthority(cert, key)
	if err != nil {
		return nil, fail("failed to parse CA: %s", err)
	}
	return ca, nil
}

// firstFree is a name with the first number that no file has.
func firstFree(prefix string) (string, error) {
	for n := 0; ; n++ {
		name := fmt.Sprintf("%s-%d", prefix, n)
		taken := false
		for _, file := range pairFiles(name) {
			_, err := os.Lstat(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", fail("Error finding a free name: %s", err)
			}
			taken = taken || err == nil
		}
		if !taken {
			return name, nil
		}
	}
}

func pairFiles(name string) [2]string { return [2]string{name + ".pem", name + "-key.pem"} }

// savePair writes a certificate and its key, which only its owner may read.
func savePair(cmd *cobra.Command, name string, pair pki.Pair) error {
	files := pairFiles(name)
	for _, file := range files {
		if _, err := os.Lstat(file); err == nil {
			return fail("%s already exists.", file)
		}
	}
	for i, part := range []struct {
		pem  []byte
		mode fs.FileMode
	}{{pair.Cert, 0o644}, {pair.Key, 0o600}} {
		if err := writeNew(files[i], part.pem, part.mode); err != nil {
			if i > 0 {
				err = errors.Join(err, os.Remove(files[0])) // of no use without its key
			}
			return fail("Error saving %s: %s", files[i], err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "==> Saved %s\n", files[i])
	}
	return nil
}

func writeNew(file string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
