package config

import (
	"reflect"
	"strings"
)

// merger overlays sources in order (reference/config.md §1.2) and remembers
// which source set each key last.
type merger struct {
	settings settings
	origins  map[string]string // full key to source name; map entries as key.entry
}

func newMerger() *merger { return &merger{origins: map[string]string{}} }

// add overlays src, whose values come from origin. Both may share memory
// afterwards: neither is changed again, except by further adds.
func (m *merger) add(src *settings, origin string) {
	own := *src
	own.Services, own.Checks = definitionsOf(src, origin)
	own.Service, own.Check = nil, nil
	m.merge(reflect.ValueOf(&m.settings).Elem(), reflect.ValueOf(&own).Elem(), "", origin)
}

// definitionsOf gathers the services and checks of a source, the singular one
// last, and marks where they come from.
func definitionsOf(src *settings, origin string) ([]serviceSettings, []checkSettings) {
	services := append([]serviceSettings(nil), src.Services...)
	if src.Service != nil {
		services = append(services, *src.Service)
	}
	checks := append([]checkSettings(nil), src.Checks...)
	if src.Check != nil {
		checks = append(checks, *src.Check)
	}
	for i := range services {
		services[i].origin = origin
	}
	for i := range checks {
		checks[i].origin = origin
	}
	return services, checks
}

func (m *merger) merge(dst, src reflect.Value, prefix, origin string) {
	t := src.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("cfg"), ",")
		if options == "squash" {
			m.merge(dst.Field(i), src.Field(i), prefix, origin)
			continue
		}
		m.mergeField(dst.Field(i), src.Field(i), prefix+name, origin)
	}
}

func (m *merger) mergeField(dst, src reflect.Value, key, origin string) {
	switch src.Kind() {
	case reflect.Struct:
		m.merge(dst, src, key+".", origin)
		return
	case reflect.Pointer:
		if src.IsNil() {
			return
		}
		if src.Elem().Kind() == reflect.Struct {
			merged := reflect.New(src.Type().Elem())
			if !dst.IsNil() {
				merged.Elem().Set(dst.Elem())
			}
			m.merge(merged.Elem(), src.Elem(), key+".", origin)
			dst.Set(merged)
			return
		}
		dst.Set(src)
	case reflect.Slice:
		if src.IsNil() {
			return
		}
		joined := reflect.MakeSlice(src.Type(), 0, dst.Len()+src.Len())
		dst.Set(reflect.AppendSlice(reflect.AppendSlice(joined, dst), src))
	case reflect.Map:
		if src.IsNil() {
			return
		}
		m.overlay(dst, src, key, origin)
	}
	m.origins[key] = origin
}

func (m *merger) overlay(dst, src reflect.Value, key, origin string) {
	merged := reflect.MakeMap(src.Type())
	for _, from := range []reflect.Value{dst, src} {
		for entries := from.MapRange(); entries.Next(); {
			merged.SetMapIndex(entries.Key(), entries.Value())
		}
	}
	for _, entry := range src.MapKeys() {
		m.origins[key+"."+entry.String()] = origin
	}
	dst.Set(merged)
}
