package httpapi

import (
	"net/http"
	"strconv"

	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

// maxRelayFactor bounds how often members repeat an answer.
const maxRelayFactor = 5

var keyringActions = map[string]ops.KeyringAction{
	http.MethodGet: ops.KeyringList, http.MethodPost: ops.KeyringInstall,
	http.MethodPut: ops.KeyringUse, http.MethodDelete: ops.KeyringRemove,
}

// operatorKeyring lists and changes the gossip keys
// (reference/http-operator-acl.md §1).
func operatorKeyring(x *exchange) error {
	req := &ops.OperatorKeyringRequest{Action: keyringActions[x.r.Method]}
	req.Token = x.token
	if err := x.readKeyring(req); err != nil {
		return err
	}
	rep, err := ops.OperatorKeyring.Call(x.r.Context(), x.api.opts.Caller, req)
	if err != nil || req.Action != ops.KeyringList {
		return err
	}
	return x.reply(func(b []byte) []byte { return wire.AppendList(b, rep.Pools, appendKeyring) })
}

func (x *exchange) readKeyring(req *ops.OperatorKeyringRequest) error {
	if req.Action != ops.KeyringList {
		var body struct{ Key string }
		if err := x.decode(&body); err != nil {
			return err
		}
		req.Key = body.Key
	}
	if text := x.query.Get("relay-factor"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return invalid("Error parsing relay factor: %w", err)
		}
		if n < 0 || n > maxRelayFactor {
			return invalid("Invalid relay-factor: Relay factor must be in range: [0, %d]", maxRelayFactor)
		}
		req.RelayFactor = n
	}
	if text := x.query.Get("local-only"); text != "" {
		only, err := strconv.ParseBool(text)
		if err != nil {
			return invalid("Error parsing local-only: %w", err)
		}
		if only && req.Action != ops.KeyringList {
			return invalid("Invalid use of local-only: local-only can only be set for list requests")
		}
		req.LANOnly = only
	}
	return nil
}

func appendKeyring(b []byte, p ops.KeyringPool) []byte {
	number := func(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }
	b = wire.AppendBool(b, `{"WAN":`, p.WAN)
	b = wire.AppendText(b, `,"Datacenter":`, p.Datacenter)
	b = append(b, `,"Segment":""`...)
	if len(p.Messages) > 0 {
		b = wire.AppendMap(append(b, `,"Messages":`...), p.Messages, wire.AppendString)
	}
	b = wire.AppendMap(append(b, `,"Keys":`...), p.Keys, number)
	b = wire.AppendMap(append(b, `,"PrimaryKeys":`...), p.PrimaryKeys, number)
	b = wire.AppendInt(b, `,"NumNodes":`, int64(p.Members))
	return append(b, '}')
}
