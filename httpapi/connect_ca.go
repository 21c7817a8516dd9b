package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/ops"
)

// connectCARoots lists what the mesh trusts (reference/http-mesh-ui.md §3).
func connectCARoots(x *exchange) error {
	chain := false
	if s := x.query.Get("pem"); s != "" {
		var err error
		if chain, err = strconv.ParseBool(s); err != nil {
			return invalid("The 'pem' query parameter must be a boolean value")
		}
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	req := &ops.ConnectCARootsRequest{ReadOptions: opts}
	if !chain {
		rep, err := ask(x, ops.ConnectCARoots, req)
		if err != nil {
			return err
		}
		return x.caRoots(rep)
	}
	rep, err := fetch(x, ops.ConnectCARoots, req)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, r := range rep.Roots {
		text.WriteString(r.RootCert)
	}
	x.w.Header()["Content-Type"] = typeChain
	x.body(http.StatusOK, []byte(text.String()))
	return nil
}

func (x *exchange) caRoots(rep *ops.ConnectCARootsReply) error {
	active := ""
	if r := rep.Active(); r != nil {
		active = r.ID
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendText(b, `{"ActiveRootID":`, active)
		b = wire.AppendText(b, `,"TrustDomain":`, rep.TrustDomain)
		b = wire.AppendList(append(b, `,"Roots":`...), rep.Roots, appendCARoot)
		return append(b, '}')
	})
}

func appendCARoot(b []byte, r *catalog.CARoot) []byte {
	b = wire.AppendText(b, `{"ID":`, r.ID)
	b = wire.AppendText(b, `,"Name":`, r.Name)
	b = wire.AppendUint(b, `,"SerialNumber":`, r.SerialNumber)
	b = wire.AppendText(b, `,"SigningKeyID":`, r.SigningKeyID)
	b = wire.AppendText(b, `,"ExternalTrustDomain":`, r.ExternalTrustDomain)
	b = wire.AppendText(b, `,"NotBefore":`, time.Unix(r.NotBefore, 0).UTC().Format(time.RFC3339))
	b = wire.AppendText(b, `,"NotAfter":`, time.Unix(r.NotAfter, 0).UTC().Format(time.RFC3339))
	b = wire.AppendText(b, `,"RootCert":`, r.RootCert)
	b = append(b, `,"IntermediateCerts":`...)
	if r.IntermediateCerts == nil {
		b = append(b, "null"...)
	} else {
		b = wire.AppendStrings(b, r.IntermediateCerts)
	}
	b = wire.AppendBool(b, `,"Active":`, r.Active)
	b = wire.AppendText(b, `,"PrivateKeyType":`, r.PrivateKeyType)
	b = wire.AppendUint(b, `,"PrivateKeyBits":`, r.PrivateKeyBits)
	b = wire.AppendUint(b, `,"CreateIndex":`, r.CreateIndex)
	b = wire.AppendUint(b, `,"ModifyIndex":`, r.ModifyIndex)
	return append(b, '}')
}

// connectCAConfiguration reads and replaces how the authority signs.
func connectCAConfiguration(x *exchange) error {
	if x.r.Method == http.MethodPut {
		return setCAConfiguration(x)
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	rep, err := ask(x, ops.ConnectCAConfig, &ops.ConnectCAConfigRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendText(b, `{"Provider":`, rep.Config.Provider)
		b = append(append(b, `,"Config":`...), rep.Config.Config...)
		b = wire.AppendBool(b, `,"State":null,"ForceWithoutCrossSigning":`, rep.Config.ForceWithoutCrossSigning)
		b = wire.AppendUint(b, `,"CreateIndex":`, rep.Config.CreateIndex)
		b = wire.AppendUint(b, `,"ModifyIndex":`, rep.Config.ModifyIndex)
		return append(b, '}')
	})
}

func setCAConfiguration(x *exchange) error {
	var body struct {
		Provider                 string
		Config                   map[string]any
		State                    map[string]string
		ForceWithoutCrossSigning bool
		ForceSnake               bool   `json:"force_without_cross_signing"`
		CreateIndex, ModifyIndex uint64 // clients send back what they were given
	}
	if err := x.decode(&body); err != nil {
		return err
	}
	config, err := json.Marshal(body.Config)
	if err != nil {
		return err
	}
	_, err = ops.ConnectCASetConfig.Call(x.r.Context(), x.api.opts.Caller, &ops.ConnectCASetConfigRequest{
		WriteOptions: x.writeOptions(), State: len(body.State) > 0,
		Config: catalog.CAConfig{
			Provider: body.Provider, Config: config, ForceWithoutCrossSigning: body.ForceWithoutCrossSigning || body.ForceSnake,
		},
	})
	return err
}
