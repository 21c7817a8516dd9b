package linear

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// twin answers as one server does that nothing happens to (reference/http-kv-session-txn.md
// §1 to §3), but for a fault that a test gives it.
type twin struct {
	index    uint64
	rows     map[string]wireEntry
	sessions map[string]bool // ID to whether its locks are deleted
	made     int
	fault    string
	asked    []string // method and target of each request
	bodies   []string
}

func newTwin(fault string) *twin {
	return &twin{rows: map[string]wireEntry{}, sessions: map[string]bool{}, fault: fault}
}

func (s *twin) Ask(method, target, body string, _ time.Duration) Answer {
	s.asked, s.bodies = append(s.asked, method+" "+target), append(s.bodies, body)
	path, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return Answer{Status: http.StatusBadRequest, Text: err.Error()}
	}
	switch {
	case path == "/v1/session/create":
		s.made++
		id := fmt.Sprintf("session-%d", s.made)
		s.sessions[id] = strings.Contains(body, `"delete"`)
		return Answer{Status: http.StatusOK, Text: `{"ID":"` + id + `"}`}
	case strings.HasPrefix(path, "/v1/session/destroy/"):
		s.end(strings.TrimPrefix(path, "/v1/session/destroy/"))
		return Answer{Status: http.StatusOK, Text: "true\n"}
	case strings.HasPrefix(path, "/v1/session/info/"):
		if _, there := s.sessions[strings.TrimPrefix(path, "/v1/session/info/")]; there {
			return Answer{Status: http.StatusOK, Text: `[{"ID":"x"}]`}
		}
		return Answer{Status: http.StatusOK, Text: `[]`}
	case path == "/v1/txn":
		return s.txn(body)
	case method == "GET":
		row, there := s.rows[strings.TrimPrefix(path, "/v1/kv/")]
		if !there {
			return Answer{Status: http.StatusNotFound}
		}
		text, _ := json.Marshal([]wireEntry{row})
		return Answer{Status: http.StatusOK, Text: string(text)}
	}
	s.index++
	done, refusal := s.write(method, strings.TrimPrefix(path, "/v1/kv/"), values, body)
	if refusal != "" {
		return Answer{Status: http.StatusInternalServerError, Text: refusal}
	}
	return Answer{Status: http.StatusOK, Text: strconv.FormatBool(done) + "\n"}
}

// end ends a session, and frees what it holds.
func (s *twin) end(id string) {
	deletes, there := s.sessions[id]
	delete(s.sessions, id)
	if s.fault == "locks outlive their session" || !there {
		return
	}
	s.index++
	for key, row := range s.rows {
		switch {
		case row.Session != id:
		case deletes && s.fault != "locks are released that are to be deleted":
			delete(s.rows, key)
		default:
			row.Session, row.ModifyIndex = "", s.index
			s.rows[key] = row
		}
	}
}

func (s *twin) write(method, key string, values url.Values, body string) (done bool, refusal string) {
	row, there := s.rows[key]
	if values.Has("cas") && !(method == "DELETE" && !there) && s.fault != "cas is ignored" {
		if cas, _ := strconv.ParseUint(values.Get("cas"), 10, 64); cas != row.ModifyIndex {
			return false, ""
		}
	}
	row.Key, row.ModifyIndex = key, s.index
	switch acquire, release := values.Get("acquire"), values.Get("release"); {
	case s.fault == "every twentieth write is lost" && s.index%20 == 0:
		return true, ""
	case method == "DELETE":
		if s.fault != "deleted keys stay" {
			delete(s.rows, key)
		}
		return true, ""
	case release != "":
		if row.Session != release && s.fault != "anybody unlocks" || !there {
			return false, ""
		}
		row.Session = ""
	case acquire != "":
		if _, known := s.sessions[acquire]; !known {
			return false, fmt.Sprintf("raft apply failed: invalid session %q", acquire)
		}
		if row.Session != "" && row.Session != acquire && s.fault != "locks have two holders" {
			return false, ""
		}
		if row.Session == "" {
			row.LockIndex++
		}
		row.Session = acquire
	case s.fault != "a plain write keeps LockIndex":
		row.LockIndex = 0
	}
	if s.fault == "writes keep the index" && there {
		row.ModifyIndex = s.rows[key].ModifyIndex
	}
	row.Value = []byte(body)
	s.rows[key] = row
	return true, ""
}

// txn does all steps or none.
func (s *twin) txn(body string) Answer {
	var ops []struct {
		KV struct {
			Verb, Key, Session string
			Value              []byte
			Index              uint64
		}
	}
	if err := json.Unmarshal([]byte(body), &ops); err != nil {
		return Answer{Status: http.StatusBadRequest, Text: err.Error()}
	}
	before := map[string]wireEntry{}
	for key, row := range s.rows {
		before[key] = row
	}
	s.index++
	type result struct{ KV wireEntry }
	results, failed := []result{}, false
	for _, op := range ops {
		row, there := s.rows[op.KV.Key]
		done, refusal := true, ""
		switch op.KV.Verb {
		case "set":
			done, refusal = s.write("PUT", op.KV.Key, url.Values{}, string(op.KV.Value))
		case "lock":
			done, refusal = s.write("PUT", op.KV.Key, url.Values{"acquire": {op.KV.Session}}, string(op.KV.Value))
		case "delete":
			s.write("DELETE", op.KV.Key, url.Values{}, "")
		case "check-index":
			done = there && row.ModifyIndex == op.KV.Index
		case "check-not-exists":
			done = !there
		case "get-or-empty":
			row.Key = op.KV.Key
			results = append(results, result{row})
			continue
		default:
			return Answer{Status: http.StatusConflict, Text: "unknown KV operation: " + op.KV.Verb}
		}
		failed = failed || !done || refusal != ""
		if op.KV.Verb != "delete" && op.KV.Verb != "check-not-exists" {
			row = s.rows[op.KV.Key]
			row.Value = nil
			results = append(results, result{row})
		}
	}
	if failed && s.fault != "half a transaction stays" {
		s.rows = before
	}
	if failed {
		return Answer{Status: http.StatusConflict, Text: `{"Results":null,"Errors":[{"OpIndex":0,"What":"failed"}]}`}
	}
	text, _ := json.Marshal(map[string]any{"Results": results})
	return Answer{Status: http.StatusOK, Text: string(text)}
}
