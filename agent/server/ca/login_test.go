package ca_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"praetor/agent/server/ca"
)

// askedVault notes what it is asked, and answers as a test says.
type askedVault struct {
	mu     sync.Mutex
	asked  []string // method, path, token, namespace and body of each request
	answer func(w http.ResponseWriter, r *http.Request, n int)
}

func (v *askedVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	v.asked = append(v.asked, strings.TrimSpace(fmt.Sprintf("%s %s token=%s ns=%s %s", r.Method, r.URL.Path, r.Header.Get("X-Vault-Token"), r.Header.Get("X-Vault-Namespace"), body)))
	if r.Header.Get("X-Vault-Request") != "true" {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	v.answer(w, r, len(v.asked))
}

// vaultOf is a provider of a configuration at a Vault that answers as a test says.
func vaultOf(t *testing.T, members string, answer func(w http.ResponseWriter, r *http.Request, n int)) (*askedVault, *ca.Vault) {
	t.Helper()
	asked := &askedVault{answer: answer}
	srv := httptest.NewServer(asked)
	t.Cleanup(srv.Close)
	v, err := ca.NewVault("u", fmt.Sprintf(`{"Address":%q,%s,"RootPKIPath":"/root/","IntermediatePKIPath":"below"}`, srv.URL+"/", members))
	if err != nil {
		t.Fatal(err)
	}
	return asked, v
}

func refusing(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{text}})
}

// loggedIn answers logins with a token, and refuses all else.
func loggedIn(w http.ResponseWriter, r *http.Request, n int) {
	if strings.HasPrefix(r.URL.Path, "/v1/auth/") {
		_, _ = fmt.Fprintf(w, `{"auth":{"client_token":"given-%d"}}`, n)
		return
	}
	refusing(w, http.StatusTeapot, "enough")
}

// TestHowEachMethodLogsIn: the path and the body are those of Vault's documentation.
func TestHowEachMethodLogsIn(t *testing.T) {
	for auth, want := range map[string]string{
		`{"Type":"approle","Params":{"role_id":"r","secret_id":"s"}}`:                  `POST /v1/auth/approle/login token= ns= {"role_id":"r","secret_id":"s"}`,
		`{"Type":"approle","MountPath":"/my/approle/","Params":{"secret_id":"s"}}`:     `POST /v1/auth/my/approle/login token= ns= {"secret_id":"s"}`,
		`{"Type":"kubernetes","Params":{"role":"consul","jwt":"j"}}`:                   `POST /v1/auth/kubernetes/login token= ns= {"jwt":"j","role":"consul"}`,
		`{"Type":"jwt","Params":{"role":"consul","jwt":"j"}}`:                          `POST /v1/auth/jwt/login token= ns= {"jwt":"j","role":"consul"}`,
		`{"Type":"userpass","Params":{"username":"a b","password":"p"}}`:               `POST /v1/auth/userpass/login/a b token= ns= {"password":"p","username":"a b"}`,
		`{"Type":"ldap","MountPath":"corp","Params":{"username":"me","password":"p"}}`: `POST /v1/auth/corp/login/me token= ns= {"password":"p","username":"me"}`,
		`{"Type":"okta","Params":{"username":"me","password":"p"}}`:                    `POST /v1/auth/okta/login/me token= ns= {"password":"p","username":"me"}`,
		`{"Type":"radius","Params":{"username":"me","password":"p"}}`:                  `POST /v1/auth/radius/login/me token= ns= {"password":"p","username":"me"}`,
		`{"Type":"github","Params":{"token":"g"}}`:                                     `POST /v1/auth/github/login token= ns= {"token":"g"}`,
		`{"Type":"cert","Params":{"name":"c"}}`:                                        `POST /v1/auth/cert/login token= ns= {"name":"c"}`,
		`{"Type":"aws","Params":{"iam_request_headers":"h","role":"r"}}`:               `POST /v1/auth/aws/login token= ns= {"iam_request_headers":"h","role":"r"}`,
		`{"Type":"azure","Params":{"jwt":"j","role":"r"}}`:                             `POST /v1/auth/azure/login token= ns= {"jwt":"j","role":"r"}`,
		`{"Type":"gcp","Params":{"jwt":"j","role":"r"}}`:                               `POST /v1/auth/gcp/login token= ns= {"jwt":"j","role":"r"}`,
		`{"Type":"alicloud","Params":{"identity_request_headers":"h"}}`:                `POST /v1/auth/alicloud/login token= ns= {"identity_request_headers":"h"}`,
		`{"Type":"app-id","Params":{"app_id":"a"}}`:                                    `POST /v1/auth/app-id/login token= ns= {"app_id":"a"}`,
	} {
		asked, v := vaultOf(t, `"AuthMethod":`+auth, loggedIn)
		_, _, err := v.MakeRoot(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Vault answers 418: enough") {
			t.Errorf("%s: %v", auth, err)
		}
		if len(asked.asked) < 2 || asked.asked[0] != want {
			t.Errorf("%s: asked %q, want first %s", auth, asked.asked, want)
			continue
		}
		if next := asked.asked[1]; !strings.HasPrefix(next, "GET /v1/sys/mounts/root/tune token=given-1 ns=") {
			t.Errorf("%s: then it asks %s", auth, next)
		}
	}
}

func TestLoginsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ auth, want string }{
		"a file":            {`{"Type":"jwt","Params":{"path":"/etc/passwd"}}`, "error configuring provider: auth method jwt: path is not read: give the value itself"},
		"a file of a role":  {`{"Type":"approle","Params":{"role_id_file_path":"/etc/passwd"}}`, "error configuring provider: auth method approle: role_id_file_path is not read: give the value itself"},
		"no pod":            {`{"Type":"kubernetes","Params":{"role":"r"}}`, "error configuring provider: auth method kubernetes: no jwt is given, and there is none of a service account: "},
		"a wrong password":  {`{"Type":"userpass","Params":{"username":"bad","password":"planted"}}`, "error configuring provider: log in to Vault: Vault answers 400: invalid username or password"},
		"an empty answer":   {`{"Type":"github","Params":{"token":"planted"}}`, "error configuring provider: log in to Vault: it gives no token"},
		"a method unknown":  {`{"Type":"kerberos"}`, `auth method "kerberos" is not supported`},
		"what signs itself": {`{"Type":"azure","Params":{"role":"r"}}`, `auth method "azure": logins are not signed here, and Params have no "jwt": use approle, kubernetes or jwt`},
	} {
		if err := ca.Check("vault", `{"Address":"http://127.0.0.1:1","AuthMethod":`+c.auth+`,"RootPKIPath":"r","IntermediatePKIPath":"i"}`); err != nil {
			if err.Error() != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
			continue
		}
		_, v := vaultOf(t, `"AuthMethod":`+c.auth, func(w http.ResponseWriter, r *http.Request, _ int) {
			if strings.Contains(r.URL.Path, "/login/bad") {
				refusing(w, http.StatusBadRequest, "invalid username or password")
				return
			}
			_, _ = io.WriteString(w, `{}`)
		})
		if _, _, err := v.MakeRoot(t.Context()); err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestATokenThatIsOverIsReplacedOnce: by another login where there is a method, and not at all
// where a token was given.
func TestATokenThatIsOverIsReplacedOnce(t *testing.T) {
	over := func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/auth/"):
			_, _ = fmt.Fprintf(w, `{"auth":{"client_token":"given-%d"}}`, n)
		case strings.HasSuffix(r.URL.Path, "/tune"):
			_, _ = io.WriteString(w, `{}`) // the mount is there
		default:
			refusing(w, http.StatusForbidden, "permission denied")
		}
	}
	for members, want := range map[string][]string{
		`"AuthMethod":{"Type":"approle","Params":{"secret_id":"s"}}`: {"/v1/auth/approle/login", "/v1/sys/mounts/root/tune given-1", "/v1/root/ca/pem given-1", "/v1/auth/approle/login", "/v1/root/ca/pem given-4"},
		`"Token":"fixed"`: {"/v1/sys/mounts/root/tune fixed", "/v1/root/ca/pem fixed"},
	} {
		asked, v := vaultOf(t, members, over)
		_, _, err := v.MakeRoot(t.Context())
		if err == nil || err.Error() != "error configuring provider: Vault answers 403: permission denied" {
			t.Errorf("%s: %v", members, err)
		}
		var got []string
		for _, line := range asked.asked {
			words := strings.Fields(line)
			got = append(got, strings.TrimSpace(words[1]+" "+strings.TrimPrefix(words[2], "token=")))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: asked %q, want %q", members, got, want)
		}
	}
}

// TestWhatVaultAnswersInstead of what was asked for.
func TestWhatVaultAnswersInstead(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the host that was redirected to is asked, with the token %q", r.Header.Get("X-Vault-Token"))
	}))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, n int)
		want   string
	}{
		"an error of its own": {func(w http.ResponseWriter, _ *http.Request, _ int) { refusing(w, 503, "Vault is sealed") }, "Vault answers 503: Vault is sealed"},
		"an error of a proxy": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<html>")
		}, "Vault answers 502: "},
		"more than is read": {func(w http.ResponseWriter, _ *http.Request, _ int) {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20+1))
		}, ""},
		"another host to ask": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "Vault answers 307: "},
		"nothing, and hangs up": {func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }, ""},
	} {
		_, v := vaultOf(t, `"Token":"planted"`, c.answer)
		_, _, err := v.MakeRoot(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "error configuring provider: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "planted") || len(err.Error()) > 2000 {
			t.Errorf("%s: %.300v, want …%s", name, err, c.want)
		}
	}
}

// TestNamespacesOfEachMount: the two may be in different ones.
func TestNamespacesOfEachMount(t *testing.T) {
	for members, want := range map[string][2]string{
		`"Token":"t"`:                        {"", ""},
		`"Token":"t","Namespace":"all"`:      {"all", "all"},
		`"Token":"t","RootPKINamespace":"r"`: {"r", ""},
		`"Token":"t","Namespace":"all","IntermediatePKINamespace":"i"`:      {"all", "i"},
		`"Token":"t","RootPKINamespace":"r","IntermediatePKINamespace":"i"`: {"r", "i"},
	} {
		asked, v := vaultOf(t, members, func(w http.ResponseWriter, r *http.Request, _ int) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/ca/pem"):
				_, _ = io.WriteString(w, "a root that is there")
			case strings.HasPrefix(r.URL.Path, "/v1/below/"):
				refusing(w, http.StatusTeapot, "enough")
			default:
				_, _ = io.WriteString(w, `{}`)
			}
		})
		if _, _, err := v.MakeRoot(t.Context()); err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("%s: %v", members, err)
		}
		for _, line := range asked.asked {
			ns := want[0]
			if strings.Contains(line, "below") {
				ns = want[1]
			}
			if !strings.Contains(line, " ns="+ns+" ") && !strings.HasSuffix(line, " ns="+ns) {
				t.Errorf("%s: it asks %s, want the namespace %q", members, line, ns)
			}
		}
	}
}
