package ca

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"praetor/catalog"
	"praetor/internal/fault"
	"praetor/internal/pki"
)

// vaultSettings are what the provider "vault" needs to know.
type vaultSettings struct {
	Address             string
	Token               string
	AuthMethod          *vaultAuth
	RootPKIPath         string
	RootPKINamespace    string
	IntermediatePKIPath string

	IntermediatePKINamespace string
	VaultNamespace           string `mapstructure:"Namespace"`

	CAFile, CAPath    string // read on the servers: the agent's own configuration alone may name them
	CertFile, KeyFile string
	TLSServerName     string
	TLSSkipVerify     bool
}

// vaultAuth is a login that gives a token.
type vaultAuth struct {
	Type      string
	MountPath string
	Params    map[string]any
}

// loginPaths are the methods that can log in with what Params hold: the path below the
// method's mount, where it is not login.
var loginPaths = map[string]func(params map[string]any) string{
	"approle": nil, "kubernetes": nil, "jwt": nil, "aws": nil, "azure": nil, "gcp": nil, "cert": nil, "alicloud": nil,
	"userpass": userPath, "ldap": userPath, "okta": userPath, "radius": userPath,
	"github": nil, "app-id": nil,
}

// signed are the methods whose logins are signed with keys of a cloud, which is not done
// here: what is signed must be given, and does not last.
var signed = map[string]string{"aws": "iam_request_headers", "alicloud": "identity_request_headers", "azure": "jwt", "gcp": "jwt"}

// userPath is where a user of a name logs in.
func userPath(params map[string]any) string {
	name, _ := params["username"].(string)
	return "login/" + url.PathEscape(name)
}

func (v *vaultSettings) check(primary bool) error {
	switch {
	case v.Token == "" && v.AuthMethod == nil:
		return errors.New("must provide a Vault token or configure a Vault auth method")
	case v.Token != "" && v.AuthMethod != nil:
		return errors.New("only one of Vault token or Vault auth method can be provided, but not both")
	case v.RootPKIPath == "" && v.IntermediatePKIPath != "" && primary:
		return errors.New("must provide a valid path to a root PKI backend")
	case v.IntermediatePKIPath == "":
		return errors.New("must provide a valid path for the intermediate PKI backend")
	case v.CAFile+v.CAPath+v.CertFile+v.KeyFile != "":
		return errors.New("CAFile, CAPath, CertFile and KeyFile are not read: let the servers' system trust Vault's authority")
	}
	if a := v.AuthMethod; a != nil {
		if _, known := loginPaths[a.Type]; !known {
			return fmt.Errorf("auth method %q is not supported", a.Type)
		}
		if param := signed[a.Type]; param != "" && a.Params[param] == nil {
			return fmt.Errorf("auth method %q: logins are not signed here, and Params have no %q: use approle, kubernetes or jwt", a.Type, param)
		}
	}
	u, err := url.Parse(v.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("the address of Vault must begin with https:// or http://, not %q", v.Address)
	}
	return nil
}

// vaults keeps the connection to Vault that is in use.
type vaults struct {
	mu     sync.Mutex
	of     string // the settings that it was made for
	client *vaultClient
}

// provider speaks to the Vault that the settings name.
func (v *vaults) provider(primary bool, config *catalog.CAConfig, set *settings) *vault {
	v.mu.Lock()
	defer v.mu.Unlock()
	if of := string(config.Config); v.client == nil || v.of != of {
		v.of, v.client = of, newVaultClient(&set.vaultSettings)
	}
	return &vault{primary, config, set, v.client}
}

// vault is the provider "vault": all keys are there.
type vault struct {
	primary bool
	config  *catalog.CAConfig
	set     *settings
	client  *vaultClient
}

// leafRole is what leaves are signed by.
const leafRole = "leaf-cert"

func (v *vault) root(path string) string { return strings.Trim(v.set.RootPKIPath, "/") + "/" + path }
func (v *vault) between(path string) string {
	return strings.Trim(v.set.IntermediatePKIPath, "/") + "/" + path
}

func configured(err error) error {
	return fault.New(fault.Rejected, "error configuring provider: %w", err)
}

func (v *vault) signerID() string {
	return pki.SPIFFE{Identity: pki.Signer, TrustDomain: v.config.TrustDomain()}.String()
}

// makeRoot finds the root in its mount, or makes mount and root, and an intermediate
// below it that signs leaves.
func (v *vault) makeRoot(ctx context.Context, _ func() (uint64, error)) (*made, error) {
	if err := v.mount(ctx, v.set.RootPKIPath, v.set.RootCertTTL); err != nil {
		return nil, configured(err)
	}
	root, err := v.client.text(ctx, v.root("ca/pem"))
	if err != nil {
		return nil, configured(err)
	}
	if strings.TrimSpace(root) == "" {
		name, err := commonName("pri", v.config)
		if err != nil {
			return nil, err
		}
		rep, err := v.client.write(ctx, v.root("root/generate/internal"), map[string]any{
			"common_name": name, "uri_sans": v.signerID(), "key_type": v.set.PrivateKeyType, "key_bits": v.set.PrivateKeyBits,
			"ttl": v.set.RootCertTTL.String(),
		})
		if err != nil {
			return nil, fault.New(fault.Rejected, "error generating CA root certificate: %w", err)
		}
		root = rep.text("certificate")
	}
	root = strings.TrimSpace(root) + "\n"
	csr, _, err := v.request(ctx)
	if err != nil {
		return nil, err
	}
	cert, err := v.signBelow(ctx, csr)
	if err != nil {
		return nil, err
	}
	if err := v.install(ctx, cert, root); err != nil {
		return nil, err
	}
	return &made{root: root, between: []string{cert}, signing: cert}, nil
}

// mount makes a PKI mount unless it is there.
func (v *vault) mount(ctx context.Context, path string, longest time.Duration) error {
	path = strings.Trim(path, "/")
	err := v.client.do(ctx, http.MethodGet, "sys/mounts/"+path+"/tune", nil, nil)
	var refused *vaultError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		return err
	case refused.status == http.StatusForbidden: // it may be there, and mounts not be this token's business
		return nil
	}
	_, err = v.client.write(ctx, "sys/mounts/"+path, map[string]any{
		"type": "pki", "description": "certificate authority of the Consul service mesh", "config": map[string]any{"max_lease_ttl": longest.String()},
	})
	return err
}

// request has Vault make the key of an intermediate.
func (v *vault) request(ctx context.Context) (csr, key string, err error) {
	if err := v.mount(ctx, v.set.IntermediatePKIPath, v.set.IntermediateCertTTL); err != nil {
		return "", "", configured(err)
	}
	if _, err := v.client.write(ctx, v.between("roles/"+leafRole), map[string]any{
		"allow_any_name": true, "allowed_uri_sans": "spiffe://*", "key_type": "any", "max_ttl": v.set.LeafCertTTL.String(),
		"no_store": true, "require_cn": false, "enforce_hostnames": false,
	}); err != nil {
		return "", "", configured(err)
	}
	name, err := commonName("sec", v.config)
	if err != nil {
		return "", "", err
	}
	rep, err := v.client.write(ctx, v.between("intermediate/generate/internal"), map[string]any{
		"common_name": name, "uri_sans": v.signerID(), "key_type": v.set.PrivateKeyType, "key_bits": v.set.PrivateKeyBits,
	})
	if err != nil {
		return "", "", configured(err)
	}
	return rep.text("csr"), "", nil
}

func (v *vault) install(ctx context.Context, cert, root string) error {
	if _, err := v.client.write(ctx, v.between("intermediate/set-signed"), map[string]any{"certificate": cert + root}); err != nil {
		return configured(err)
	}
	return nil
}

func (v *vault) signBelow(ctx context.Context, csr string) (string, error) {
	rep, err := v.client.write(ctx, v.root("root/sign-intermediate"), map[string]any{
		"csr": csr, "use_csr_values": true, "format": "pem", "max_path_length": 0, "ttl": v.set.IntermediateCertTTL.String(),
	})
	if err != nil {
		return "", fault.New(fault.Rejected, "error signing intermediate certificate: %w", err)
	}
	return strings.TrimSpace(rep.text("certificate")) + "\n", nil
}

func (v *vault) signLeaf(ctx context.Context, _ *pki.CSR, text string, _ uint64, valid time.Duration) (string, error) {
	rep, err := v.client.write(ctx, v.between("sign/"+leafRole), map[string]any{"csr": text, "ttl": valid.String()})
	if err != nil {
		return "", fault.New(fault.Rejected, "error issuing cert: %w", err)
	}
	return strings.TrimSpace(rep.text("certificate")) + "\n", nil
}

func (v *vault) signIntermediate(ctx context.Context, _ *pki.CSR, text string, _ uint64, _ time.Duration) (string, error) {
	return v.signBelow(ctx, text)
}

func (v *vault) crossSign(ctx context.Context, other string, _ uint64) (string, error) {
	rep, err := v.client.write(ctx, v.root("root/sign-self-issued"), map[string]any{"certificate": other})
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(rep.text("certificate")) + "\n", nil
}

// vaultClient asks one Vault. It logs in when it must, and again when its token is over.
type vaultClient struct {
	set  vaultSettings
	http *http.Client

	mu    sync.Mutex
	token string
}

const (
	// vaultPatience bounds one request; vaultMost what an answer may have.
	vaultPatience = 30 * time.Second
	vaultMost     = 1 << 20
)

func newVaultClient(set *vaultSettings) *vaultClient {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: set.TLSServerName, InsecureSkipVerify: set.TLSSkipVerify}, // as its operator wants
	}
	return &vaultClient{set: *set, token: set.Token, http: &http.Client{
		Transport: transport, Timeout: vaultPatience,
		CheckRedirect: func(req *http.Request, via []*http.Request) error { // the token is for that host
			if req.URL.Host != via[0].URL.Host {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

// vaultError is a refusal. Its text is Vault's.
type vaultError struct {
	status int
	text   string
}

func (e *vaultError) Error() string { return fmt.Sprintf("Vault answers %d: %s", e.status, e.text) }

// vaultReply is an answer.
type vaultReply struct {
	Data map[string]any
	Auth *struct {
		ClientToken string `json:"client_token"`
	}
	Errors []string
}

func (r *vaultReply) text(name string) string {
	s, _ := r.Data[name].(string)
	return s
}

func (c *vaultClient) write(ctx context.Context, path string, body any) (*vaultReply, error) {
	rep := &vaultReply{}
	return rep, c.do(ctx, http.MethodPost, path, body, rep)
}

// text reads what is no JSON; "" if there is nothing.
func (c *vaultClient) text(ctx context.Context, path string) (string, error) {
	var b []byte
	err := c.do(ctx, http.MethodGet, path, nil, &b)
	var refused *vaultError
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		return "", nil
	}
	return string(b), err
}

// do asks, logged in.
func (c *vaultClient) do(ctx context.Context, method, path string, body, into any) error {
	token, err := c.login(ctx, "")
	if err != nil {
		return err
	}
	err = c.once(ctx, method, path, token, body, into)
	var refused *vaultError
	if c.set.AuthMethod == nil || !errors.As(err, &refused) || refused.status != http.StatusForbidden {
		return err
	}
	if token, err = c.login(ctx, token); err != nil { // it may be over
		return err
	}
	return c.once(ctx, method, path, token, body, into)
}

// login returns the token in use, another one than not.
func (c *vaultClient) login(ctx context.Context, not string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.set.AuthMethod
	if a == nil || c.token != "" && c.token != not {
		return c.token, nil
	}
	params, err := a.params()
	if err != nil {
		return "", err
	}
	path := "login"
	if own := loginPaths[a.Type]; own != nil {
		path = own(params)
	}
	rep := &vaultReply{}
	if err := c.once(ctx, http.MethodPost, "auth/"+strings.Trim(cmp.Or(a.MountPath, a.Type), "/")+"/"+path, "", params, rep); err != nil {
		return "", fmt.Errorf("log in to Vault: %w", err)
	}
	if rep.Auth == nil || rep.Auth.ClientToken == "" {
		return "", errors.New("log in to Vault: it gives no token")
	}
	c.token = rep.Auth.ClientToken
	return c.token, nil
}

// kubernetesJWT is where a pod finds the token of its service account.
const kubernetesJWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// params are what a method logs in with. No file that a configuration names is read: who
// may change it over the API would read the servers' files by it.
func (a *vaultAuth) params() (map[string]any, error) {
	params := map[string]any{}
	for name, value := range a.Params {
		if strings.HasSuffix(name, "_path") || name == "path" {
			return nil, fmt.Errorf("auth method %s: %s is not read: give the value itself", a.Type, name)
		}
		params[name] = value
	}
	if _, given := params["jwt"]; a.Type == "kubernetes" && !given {
		jwt, err := os.ReadFile(kubernetesJWT)
		if err != nil {
			return nil, fmt.Errorf("auth method kubernetes: no jwt is given, and there is none of a service account: %w", err)
		}
		params["jwt"] = strings.TrimSpace(string(jwt))
	}
	return params, nil
}

// once asks once.
func (c *vaultClient) once(ctx context.Context, method, path, token string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.set.Address, "/")+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("X-Vault-Request", "true")
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	if ns := c.namespace(path); ns != "" {
		req.Header.Set("X-Vault-Namespace", ns)
	}
	rep, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer rep.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(rep.Body, vaultMost+1))
	switch {
	case err != nil:
		return err
	case len(answer) > vaultMost:
		return fmt.Errorf("Vault answers with more than %d bytes", vaultMost)
	case rep.StatusCode/100 != 2:
		return refusal(rep.StatusCode, answer)
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = answer
		return nil
	default:
		if len(answer) == 0 {
			return nil
		}
		return json.Unmarshal(answer, into)
	}
}

// maxRefusal is how much of Vault's words an error has.
const maxRefusal = 500

func refusal(status int, answer []byte) error {
	var rep vaultReply
	text := http.StatusText(status)
	if json.Unmarshal(answer, &rep) == nil && len(rep.Errors) > 0 {
		text = strings.Join(rep.Errors, ", ")
	}
	return &vaultError{status, fmt.Sprintf("%.*s", maxRefusal, text)}
}

// namespace is where a path lies.
func (c *vaultClient) namespace(path string) string {
	switch root, between := strings.Trim(c.set.RootPKIPath, "/"), strings.Trim(c.set.IntermediatePKIPath, "/"); {
	case strings.HasPrefix(path, "auth/"):
		return c.set.VaultNamespace
	case root != "" && strings.Contains("/"+path+"/", "/"+root+"/"):
		return cmp.Or(c.set.RootPKINamespace, c.set.VaultNamespace)
	case between != "" && strings.Contains("/"+path+"/", "/"+between+"/"):
		return cmp.Or(c.set.IntermediatePKINamespace, c.set.VaultNamespace)
	}
	return c.set.VaultNamespace
}

var _ provider = (*vault)(nil)
var _ provider = (*builtin)(nil)
