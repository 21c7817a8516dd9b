package local

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"praetor/catalog"
	"praetor/internal/definition"
)

// importConsul reads what a Consul agent kept in dir (reference/internals.md
// §17) into m. Files that make no sense are left out with a warning, as Consul
// does; only a folder that cannot be read is an error. Nothing is changed.
func importConsul(dir string, m *image, logger hclog.Logger) error {
	for _, part := range []struct {
		folder string
		take   func(m *image, data []byte) error
	}{
		{"services", importService},
		{"checks", importCheck},
		{"checks/state", importStatus},
	} {
		folder := filepath.Join(dir, filepath.FromSlash(part.folder))
		entries, err := os.ReadDir(folder)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("import from Consul: %w", err)
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), "tmp") {
				continue
			}
			path := filepath.Join(folder, e.Name())
			data, err := readLimited(path)
			if err == nil {
				err = part.take(m, data)
			}
			if err != nil {
				logger.Warn("file of a Consul agent left out", "path", path, "error", err)
			}
		}
	}
	return nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBody+1))
	if err == nil && len(data) > maxBody {
		err = fmt.Errorf("it exceeds %d bytes", maxBody)
	}
	return data, err
}

const sourceFile = "local" // how Consul marks what a configuration file defines

func importService(m *image, data []byte) error {
	var file struct {
		Token                      string
		Service                    *consulNodeService
		Source                     string
		LocallyRegisteredAsSidecar bool
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	if file.Service == nil || file.Service.ID == "" {
		return fmt.Errorf("it has no service")
	}
	if file.Source == sourceFile {
		return nil
	}
	svc := file.Service.row()
	parent := ""
	if file.LocallyRegisteredAsSidecar {
		if id := strings.TrimSuffix(svc.ID, definition.SidecarID("")); id != svc.ID {
			parent = id
		}
	}
	return m.putService(&serviceRecord{Service: svc, Token: file.Token, Parent: parent}, 0)
}

func importCheck(m *image, data []byte) error {
	var file struct {
		Check   *consulCheck
		ChkType *consulCheckType
		Token   string
		Source  string
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	if file.Check == nil || file.Check.CheckID == "" {
		return fmt.Errorf("it has no check")
	}
	if file.Source == sourceFile {
		return nil
	}
	row := file.Check.Check
	if file.ChkType != nil {
		row.Definition = file.ChkType.definition()
	}
	row.CreateIndex, row.ModifyIndex = 0, 0
	return m.putCheck(&checkRecord{Check: &row, Token: file.Token}, 0)
}

func importStatus(m *image, data []byte) error {
	var file struct {
		CheckID, Status, Output string
		Expires                 int64
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	if file.CheckID == "" || !definition.ValidStatus(file.Status) {
		return fmt.Errorf("it has no check, or no known status")
	}
	m.statuses[file.CheckID] = &kept[statusRecord]{rec: statusRecord{
		CheckID: file.CheckID, Status: file.Status, Output: file.Output,
		Expires: time.Unix(file.Expires, 0).UnixNano(),
	}}
	return nil
}

// The types below are ours under Consul's JSON names: fields declared outside
// win over those embedded.

type consulNodeService struct {
	catalog.Service
	Proxy *consulProxy
}

func (s *consulNodeService) row() *catalog.Service {
	row := s.Service
	row.CreateIndex, row.ModifyIndex, row.Node = 0, 0, ""
	if row.Connect != nil && !row.Connect.Native {
		row.Connect = nil
	}
	if definition.KnownKind(row.Kind) && s.Proxy != nil {
		row.Proxy = s.Proxy.proxy()
	}
	row.FillPort()
	return &row
}

type consulProxy struct {
	catalog.Proxy
	MeshGateway meshGateway
	Upstreams   []struct {
		catalog.Upstream
		MeshGateway meshGateway
	}
}

type meshGateway struct{ Mode string }

func (p *consulProxy) proxy() *catalog.Proxy {
	proxy := p.Proxy
	proxy.MeshGatewayMode = p.MeshGateway.Mode
	for _, u := range p.Upstreams {
		u.MeshGatewayMode = u.MeshGateway.Mode
		proxy.Upstreams = append(proxy.Upstreams, u.Upstream)
	}
	if e := proxy.Expose; e != nil && !e.Checks && len(e.Paths) == 0 {
		proxy.Expose = nil
	}
	return &proxy
}

type consulCheck struct {
	catalog.Check
	Definition json.RawMessage // of the catalog's kind, always empty here
}

type consulCheckType struct {
	catalog.CheckDefinition
	Interval, Timeout, TTL, DeregisterCriticalServiceAfter duration
}

func (t *consulCheckType) definition() catalog.CheckDefinition {
	d := t.CheckDefinition
	d.Interval, d.Timeout = time.Duration(t.Interval), time.Duration(t.Timeout)
	d.TTL, d.DeregisterCriticalServiceAfter = time.Duration(t.TTL), time.Duration(t.DeregisterCriticalServiceAfter)
	return d
}

// duration reads nanoseconds or a text such as "10s".
type duration time.Duration

func (d *duration) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		if text == "" {
			return nil
		}
		v, err := time.ParseDuration(text)
		*d = duration(v)
		return err
	}
	var n int64
	err := json.Unmarshal(data, &n)
	*d = duration(n)
	return err
}
