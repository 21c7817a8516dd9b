package consulstate

import (
	"encoding/binary"

	"praetor/catalog"
)

// Consul counts virtual addresses as we do, and writes the number as the four bytes of
// an address.

func addressBytes(number uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(number)) }

// addressNumber reads a number in the four or sixteen bytes of an address, 0 if it is none.
func (f fields) addressNumber() uint32 {
	text, _ := f.text("IP")
	if n := len(text); n == 4 || n == 16 {
		return binary.BigEndian.Uint32([]byte(text[n-4:]))
	}
	return 0
}

func (im *importer) virtualAddress(f fields) error {
	f = f.flat()
	service := f.part("Service")
	name, _ := service.text("Name") // before 1.13
	if inner := service.part("ServiceName"); inner != nil {
		name, _ = inner.text("Name")
	}
	if peer, _ := service.text("Peer"); peer != "" {
		im.skip("ServiceVirtualIP (of a peer)")
		return nil
	}
	return im.address("ServiceVirtualIP", name, f)
}

// freeAddress takes an address that was given back. The counter follows from the others.
func (im *importer) freeAddress(f fields) error {
	if f["IsCounter"] == true {
		return nil
	}
	return im.address("FreeVirtualIP", "", f.flat())
}

func (im *importer) address(record, service string, f fields) error {
	v := &catalog.VirtualAddress{Number: f.addressNumber(), Service: service}
	if v.Number == 0 || service == "" && record == "ServiceVirtualIP" {
		im.skip(record + " (unusable)")
		return nil
	}
	v.ModifyIndex, _ = f.number("ModifyIndex")
	return im.AddVirtualAddress(v)
}

func giveVirtualAddress(ex *exporter, f fields) (any, error) {
	name, _ := f.text("Service")
	if name == "" {
		return nil, nil
	}
	return ex.address(f, fields{"Service": map[string]any{"ServiceName": map[string]any{"Name": name}, "Peer": ""}})
}

func giveFreeAddress(ex *exporter, f fields) (any, error) {
	if name, _ := f.text("Service"); name != "" {
		return nil, nil
	}
	return ex.address(f, fields{"IsCounter": false})
}

func (ex *exporter) address(f, record fields) (any, error) {
	number, err := f.number("Number")
	if err != nil {
		return nil, err
	}
	ex.virtual = max(ex.virtual, number)
	record["IP"], record["CreateIndex"], record["ModifyIndex"] = addressBytes(number), f["ModifyIndex"], f["ModifyIndex"]
	return record, nil
}
