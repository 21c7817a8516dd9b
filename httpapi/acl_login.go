package httpapi

import (
	"net/http"

	"praetor/internal/ops"
)

// aclLogin makes a token for one whom an auth method knows.
func aclLogin(x *exchange) error {
	var body struct {
		AuthMethod  string
		BearerToken string
		Meta        map[string]string
	}
	if err := x.decodeAs("Failed to decode request body: %w", &body); err != nil {
		return err
	}
	rep, err := ops.ACLLogin.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLLoginRequest{
		WriteOptions: x.writeOptions(), AuthMethod: body.AuthMethod, Bearer: body.BearerToken, Meta: body.Meta,
	})
	if err != nil {
		return err
	}
	return x.reflected(showToken(&rep.Token))
}

// aclLogout removes the request's own token, which a login made.
func aclLogout(x *exchange) error {
	if x.token == "" {
		x.refuse(http.StatusUnauthorized, "Supplied token does not exist")
		return nil
	}
	if _, err := ops.ACLLogout.Call(x.r.Context(), x.api.opts.Caller, &ops.ACLLogoutRequest{WriteOptions: x.writeOptions()}); err != nil {
		return err
	}
	return x.bool(true)
}
