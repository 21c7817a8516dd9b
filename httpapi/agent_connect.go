package httpapi

import (
	"strconv"
	"time"

	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/leaf"
	"praetor/internal/ops"
	"praetor/internal/pki"
)

// withMesh is an endpoint that exists where the mesh is enabled.
func withMesh(serve func(*exchange) error) func(*exchange) error {
	return func(x *exchange) error {
		if x.api.opts.Leaves == nil {
			return rejected("Connect must be enabled in order to use this endpoint")
		}
		return serve(x)
	}
}

// agentCARoots lists what the mesh trusts, as this agent follows it.
func agentCARoots(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.Token = "" // nothing depends on it: all callers share one view
	rep, err := askCached(x, ops.ConnectCARoots, &ops.ConnectCARootsRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	x.writeMeta(rep.Meta())
	return x.caRoots(rep)
}

// agentCALeaf gives a service its certificate, with the key. The right is asked for each
// time, whoever had the certificate signed (reference/security.md §12, U9), and again when
// it is handed over after a wait.
func agentCALeaf(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name != "" {
		if err := x.mayHaveLeaf(); err != nil {
			return err
		}
	}
	l, err := x.api.opts.Leaves.Get(x.r.Context(), leaf.Request{
		Service: x.name, Token: x.token, Datacenter: opts.Datacenter, MinIndex: opts.MinIndex, Wait: opts.MaxWait,
	})
	if err != nil {
		return err
	}
	if opts.MinIndex > 0 {
		if err := x.mayHaveLeaf(); err != nil {
			return err
		}
	}
	x.writeCache(false, 0)
	x.w.Header()["X-Consul-Index"] = []string{strconv.FormatUint(l.Index, 10)}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendText(b, `{"SerialNumber":`, l.SerialNumber)
		b = wire.AppendText(b, `,"CertPEM":`, l.CertPEM)
		b = wire.AppendText(b, `,"PrivateKeyPEM":`, l.PrivateKeyPEM)
		b = wire.AppendText(b, `,"Service":`, l.Service)
		b = wire.AppendText(b, `,"ServiceURI":`, l.URI)
		b = wire.AppendText(b, `,"ValidAfter":`, l.ValidAfter.UTC().Format(time.RFC3339))
		b = wire.AppendText(b, `,"ValidBefore":`, l.ValidBefore.UTC().Format(time.RFC3339))
		b = wire.AppendUint(b, `,"CreateIndex":`, l.Index)
		b = wire.AppendUint(b, `,"ModifyIndex":`, l.Index)
		return append(b, '}')
	})
}

func (x *exchange) mayHaveLeaf() error {
	az, err := x.access()
	if err != nil {
		return err
	}
	return az.Check(acl.Service.Write(x.name))
}

// agentAuthorize says whether a certificate's holder may call a service of this agent
// (reference/mesh.md §1). Trust domain, datacenter and serial number are not compared.
func agentAuthorize(x *exchange) error {
	var body struct {
		Target           string
		ClientCertURI    string
		ClientCertSerial string
	}
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.Target == "" {
		return invalid("Target service must be specified")
	}
	id, err := pki.ParseSPIFFE(body.ClientCertURI)
	switch {
	case err != nil:
		return invalid("ClientCertURI not a valid Connect identifier")
	case id.Identity != pki.Service:
		return invalid("ClientCertURI not a valid Service identifier")
	case id.Partition != "" && id.Partition != "default":
		return invalid("Mismatched partitions: %q != %q", id.Partition, "default")
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	if err := az.Check(acl.Service.Write(body.Target)); err != nil {
		return err
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex = 0
	rep, err := askCached(x, ops.ConnectAuthorize, &ops.ConnectAuthorizeRequest{ReadOptions: opts, Namespace: id.Namespace, Source: id.Name, Destination: body.Target})
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendBool(b, `{"Authorized":`, rep.Authorized)
		b = wire.AppendText(b, `,"Reason":`, rep.Reason)
		return append(b, '}')
	})
}
