package configentry

import (
	"encoding/json"
	"maps"
)

// Verbatim is an entry whose kind is known by its name only: what it says is kept, and
// shown as it came.
type Verbatim struct {
	Header
	Rest map[string]any `json:"-" mapstructure:",remain"`
}

func (*Verbatim) prepare() error { return nil }

// MarshalJSON implements json.Marshaler.
func (v *Verbatim) MarshalJSON() ([]byte, error) {
	all := maps.Clone(v.Rest)
	if all == nil {
		all = map[string]any{}
	}
	all["Kind"], all["Name"] = v.Kind, v.Name
	if len(v.Meta) > 0 {
		all["Meta"] = v.Meta
	}
	return json.Marshal(all)
}

// UnmarshalJSON implements json.Unmarshaler. Only what MarshalJSON calls Kind is the
// kind: in Rest there may be a "kind".
func (v *Verbatim) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name, into := range map[string]any{"Kind": &v.Kind, "Name": &v.Name, "Meta": &v.Meta} {
		if text, ok := members[name]; ok {
			if err := json.Unmarshal(text, into); err != nil {
				return err
			}
			delete(members, name)
		}
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return err
	}
	return json.Unmarshal(rest, &v.Rest)
}

var (
	_ json.Marshaler   = (*Verbatim)(nil)
	_ json.Unmarshaler = (*Verbatim)(nil)
)
