package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"praetor/internal/licenses"
)

// The members of CycloneDX 1.6 that we fill.
type (
	bom struct {
		Format      string      `json:"bomFormat"`
		SpecVersion string      `json:"specVersion"`
		Version     int         `json:"version"`
		Metadata    bomMetadata `json:"metadata"`
		Components  []component `json:"components"`
	}
	bomMetadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type     string       `json:"type"`
		Ref      string       `json:"bom-ref,omitempty"`
		Name     string       `json:"name"`
		Version  string       `json:"version,omitempty"`
		PURL     string       `json:"purl,omitempty"`
		Hashes   []bomHash    `json:"hashes,omitempty"`
		Licenses []bomLicense `json:"licenses,omitempty"`
	}
	bomHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	bomLicense struct {
		License struct {
			ID string `json:"id"`
		} `json:"license"`
	}
)

// billOfMaterials lists the modules that are linked into a program.
func billOfMaterials(file, version string, at time.Time) ([]byte, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(program)
	return listParts(info, hex.EncodeToString(sum[:]), version, at)
}

func listParts(info *debug.BuildInfo, sum, version string, at time.Time) ([]byte, error) {
	license := licenses.ByModule()
	part := func(kind, path, name, version, purl string) component {
		c := component{Type: kind, Ref: purl, Name: name, Version: version, PURL: purl}
		if id := license[path]; id != "" {
			c.Licenses = make([]bomLicense, 1)
			c.Licenses[0].License.ID = id
		}
		return c
	}
	self := component{Type: "application", Name: "praetor", Version: version, PURL: "pkg:generic/praetor@" + version, Licenses: make([]bomLicense, 1),
		Hashes: []bomHash{{"SHA-256", sum}}}
	self.Licenses[0].License.ID = "Apache-2.0"
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	list := []component{part("library", "std", "std", goVersion, "pkg:golang/std@"+goVersion)}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list = append(list, part("library", m.Path, m.Path, m.Version, "pkg:golang/"+m.Path+"@"+strings.ReplaceAll(m.Version, "+", "%2B")))
	}
	list = append(list, part("library", "htm-preact.js", "htm", "3.1.1", "pkg:npm/htm@3.1.1"))
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(bom{"CycloneDX", "1.6", 1, bomMetadata{at.Format(time.RFC3339), self}, list})
	return out.Bytes(), err
}
