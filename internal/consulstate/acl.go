package consulstate

import (
	"encoding/json"
	"fmt"
	"time"

	"praetor/catalog"
)

// links makes of the policies or roles that a member lists their IDs.
func (f fields) links(name string) {
	list, ok := f[name].([]any)
	if !ok {
		delete(f, name)
		return
	}
	ids := []any{}
	for _, link := range list {
		if link, ok := link.(map[string]any); ok && link["ID"] != nil {
			ids = append(ids, link["ID"])
		}
	}
	f[name] = ids
}

// grants brings what tokens and roles grant into our shape: links are IDs, and a
// template has one variable.
func (f fields) grants() fields {
	f = f.flat()
	f.links("Policies")
	f.links("Roles")
	f.maps("TemplatedPolicies", func(t fields) { t["Name"] = t.part("TemplateVariables")["Name"] })
	return f
}

// giveGrants is the way back of grants.
func giveGrants(_ *exporter, f fields) (any, error) {
	for _, name := range []string{"Policies", "Roles"} {
		ids, _ := f[name].([]any)
		for i, id := range ids {
			ids[i] = map[string]any{"ID": id}
		}
	}
	f.maps("TemplatedPolicies", func(t fields) {
		if name, _ := t.text("Name"); name != "" {
			t["TemplateVariables"] = map[string]any{"Name": name}
		}
		delete(t, "Name")
	})
	return f, nil
}

func (im *importer) aclPolicy(f fields) error {
	p, err := decodeRow[catalog.ACLPolicy](f.flat().without("Hash"))
	if err != nil {
		return err
	}
	return im.AddACLPolicy(p)
}

func (im *importer) aclRole(f fields) error {
	r, err := decodeRow[catalog.ACLRole](f.grants().without("Hash"))
	if err != nil {
		return err
	}
	return im.AddACLRole(r)
}

// aclToken takes a token. Those of versions before 1.4 have no accessor: Consul itself
// has not known them since 1.11.
func (im *importer) aclToken(f fields) error {
	if id, _ := f.text("AccessorID"); id == "" {
		im.skip("ACLToken (without accessor)")
		return nil
	}
	created, err := f.nanoseconds("CreateTime")
	if err != nil {
		return err
	}
	expires, err := f.nanoseconds("ExpirationTime")
	if err != nil {
		return err
	}
	t, err := decodeRow[catalog.ACLToken](f.grants().without("Hash"))
	if err != nil {
		return err
	}
	t.Created, t.Expires = created, expires
	im.tokens = true
	return im.AddACLToken(t)
}

func giveACLToken(ex *exporter, f fields) (any, error) {
	for ours, theirs := range map[string]string{"Created": "CreateTime", "Expires": "ExpirationTime"} {
		f.giveTime(ours, theirs, time.Nanosecond)
	}
	return giveGrants(ex, f)
}

// aclAuthMethod takes a method that has a name and a type; Consul has no others.
func (im *importer) aclAuthMethod(f fields) error {
	f = f.flat()
	for _, name := range []string{"Name", "Type"} {
		if text, err := f.text(name); err != nil || text == "" {
			return fmt.Errorf("%s: a text is wanted", name)
		}
	}
	config, err := json.Marshal(plain(f["Config"]))
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	f["Config"] = config
	m, err := decodeRow[catalog.ACLAuthMethod](f)
	if err != nil {
		return err
	}
	return im.AddACLAuthMethod(m)
}

// aclBindingRule takes a rule. A templated policy is made of one name.
func (im *importer) aclBindingRule(f fields) error {
	f = f.flat()
	f["BindVars"] = f.part("BindVars")["Name"]
	r, err := decodeRow[catalog.ACLBindingRule](f)
	if err != nil {
		return err
	}
	return im.AddACLBindingRule(r)
}

func giveBindingRule(_ *exporter, f fields) (any, error) {
	if name, _ := f.text("BindVars"); name != "" {
		f["BindVars"] = map[string]any{"Name": name}
	} else {
		delete(f, "BindVars")
	}
	return f, nil
}

func (f fields) without(name string) fields {
	delete(f, name)
	return f
}

// nanoseconds reads a time, since 1970: 0 for none. Consul's codec writes Go's own
// binary form as text.
func (f fields) nanoseconds(name string) (int64, error) {
	var at time.Time
	switch v := f[name].(type) {
	case nil:
		return 0, nil
	case time.Time:
		at = v
	default:
		text, err := f.text(name)
		if err != nil {
			return 0, err
		}
		if err := at.UnmarshalBinary([]byte(text)); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
	}
	if at.IsZero() {
		return 0, nil
	}
	return at.UnixNano(), nil
}

// giveTime makes of a number of units since 1970 a time, of 0 none.
func (f fields) giveTime(ours, theirs string, unit time.Duration) {
	n, _ := f[ours].(int64)
	delete(f, ours)
	if n != 0 {
		f[theirs] = time.Unix(0, 0).Add(time.Duration(n) * unit).UTC()
	}
}
