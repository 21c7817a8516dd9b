package consulstate

import (
	"crypto"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"praetor/catalog"
	"praetor/internal/pki"
)

// caRecords are what came of the authority of the mesh: its parts stand in no order
// that could be relied on.
type caRecords struct {
	roots  []*catalog.CARoot
	states []fields
}

// caRoot takes a root. What the certificate itself says is read from there.
func (im *importer) caRoot(f fields) error {
	f = f.flat()
	text, err := f.text("RootCert")
	if err != nil {
		return err
	}
	cert, err := pki.ParseCertificate(text)
	if err != nil {
		return fmt.Errorf("RootCert: %w", err)
	}
	f = fields{
		"Name": f["Name"], "SigningKeyID": f["SigningKeyID"], "ExternalTrustDomain": f["ExternalTrustDomain"], "RootCert": text,
		"IntermediateCerts": f["IntermediateCerts"], "Active": f["Active"], "CreateIndex": f["CreateIndex"], "ModifyIndex": f["ModifyIndex"],
		"RotatedOut": rotatedOut(f),
	}
	root, err := decodeRow[catalog.CARoot](f)
	if err != nil {
		return err
	}
	root.ID, root.NotBefore, root.NotAfter = pki.CertificateID(cert), cert.NotBefore.Unix(), cert.NotAfter.Unix()
	if cert.SerialNumber.IsUint64() {
		root.SerialNumber = cert.SerialNumber.Uint64()
	}
	kind, bits := pki.KeyType(cert.PublicKey)
	root.PrivateKeyType, root.PrivateKeyBits = kind, uint64(bits)
	im.ca.roots = append(im.ca.roots, root)
	return im.AddCARoot(root)
}

// rotatedOut is when a root ceased to be active: now, if the record does not say it in
// a form that is known. It is kept some days longer then.
func rotatedOut(f fields) int64 {
	if f["Active"] == true {
		return 0
	}
	var t time.Time
	switch v := f["RotatedOutAt"].(type) {
	case time.Time:
		t = v
	case []byte:
		_ = t.UnmarshalBinary(v)
	case string:
		if t.UnmarshalText([]byte(v)) != nil {
			_ = t.UnmarshalBinary([]byte(v))
		}
	}
	if t.Year() < 2000 {
		t = time.Now()
	}
	return t.UnixNano()
}

func giveCARoot(_ *exporter, f fields) (any, error) {
	f.giveTime("NotBefore", "NotBefore", time.Second)
	f.giveTime("NotAfter", "NotAfter", time.Second)
	f.giveTime("RotatedOut", "RotatedOutAt", time.Nanosecond)
	return f, nil
}

// giveConfigText makes of a configuration as JSON a value.
func giveConfigText(_ *exporter, f fields) (any, error) {
	text, _ := f["Config"].([]byte)
	delete(f, "Config")
	if len(text) == 0 {
		return f, nil
	}
	var config any
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	f["Config"] = config
	return f, nil
}

func (im *importer) caConfig(f fields) error {
	f = f.flat()
	config, err := json.Marshal(plain(f["Config"]))
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	row, err := decodeRow[catalog.CAConfig](fields{
		"ClusterID": f["ClusterID"], "Provider": f["Provider"], "Config": config, "ForceWithoutCrossSigning": f["ForceWithoutCrossSigning"],
		"CreateIndex": f["CreateIndex"], "ModifyIndex": f["ModifyIndex"],
	})
	if err != nil {
		return err
	}
	return im.SetCAConfig(row)
}

// plain makes of bytes in a free value the text that they were.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case map[string]any:
		for name, e := range v {
			v[name] = plain(e)
		}
	case []any:
		for i, e := range v {
			v[i] = plain(e)
		}
	}
	return v
}

func (im *importer) caState(f fields) error {
	im.ca.states = append(im.ca.states, f.flat())
	return nil
}

// giveCAState keeps our members beside Consul's, which passes them over: an archive that
// comes back has them.
func giveCAState(ex *exporter, f fields) (any, error) {
	signing, _ := f.text("SigningCert")
	_, roots := ex.tx.CARoots(nil)
	theirs := "IntermediateCert"
	for _, r := range roots {
		if r.RootCert == signing {
			theirs = "RootCert"
		}
	}
	f[theirs] = signing
	if key, _ := f.text("PrivateKey"); key != "" {
		ex.omit("the authority of the mesh: its key is in the archive, but Consul looks for it under a name that it makes itself; it makes a new root, and services get new certificates")
	}
	return f, nil
}

// finishCA takes the state of the provider that signs: the one whose key belongs to the
// active root, or to an intermediate below it.
func (im *importer) finishCA(last uint64) error {
	if len(im.ca.roots) == 0 && len(im.ca.states) == 0 {
		return nil
	}
	state := &catalog.CAState{Serial: last, ModifyIndex: last}
	for _, r := range im.ca.roots {
		state.Serial = max(state.Serial, r.SerialNumber)
	}
	for _, f := range im.ca.states {
		if _, ours := f["Serial"]; ours {
			state, err := decodeRow[catalog.CAState](f)
			if err != nil {
				return err
			}
			return im.SetCAState(state)
		}
		key, _ := f.text("PrivateKey")
		signer, err := pki.ParseKey(strings.TrimSpace(key))
		if err != nil {
			im.skip("ConnectCAProviderState (without a key)")
			continue
		}
		certs := []string{}
		if between, _ := f.text("IntermediateCert"); between != "" {
			certs = append(certs, between)
		}
		for _, r := range im.ca.roots {
			if r.Active {
				certs = append(certs, r.RootCert)
			}
		}
		for _, text := range certs {
			cert, err := pki.ParseCertificate(text)
			if err != nil {
				continue
			}
			if public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); ok && public.Equal(cert.PublicKey) {
				state.PrivateKey, state.SigningCert = key, text
				break
			}
		}
	}
	return im.SetCAState(state)
}
